/** `proffer test PACK --watch`: plays the scenarios again as their author works on them. */
import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { PackProblem } from '../../rules/pack-problem.ts'
import { readScenarioFolder, scenariosOf } from '../../rules/scenarios/load-scenarios.ts'
import { readScenarios } from '../../rules/scenarios/read-scenarios.ts'
import type { Scenario } from '../../rules/scenarios/scenario.ts'
import { type PlayedScenario, playedOf } from '../scenarios/play-scenarios.ts'
import { watchPackFiles } from './pack-changes.ts'
import { stopSignal } from './stop-signal.ts'
import { endLines, meant, playAndTell, print, type TestFlags, tellRefused } from './test-pack.ts'

/**
 * Plays all scenarios, then again what changes touch: of a scenario file that file, of the pack all. Mistakes in files are told and the
 * wait goes on. Ends at SIGINT or SIGTERM with exit code 0.
 */
export async function watchPack(folder: string, flags: TestFlags): Promise<number> {
  const stop = stopSignal()
  const runs = new WatchedRuns(folder, flags)
  let run = new AbortController()
  let isChanged = true
  let wake = (): void => {}
  const change = (): void => {
    isChanged = true
    run.abort()
    wake()
  }
  stop.addEventListener('abort', change, { once: true })
  const unwatch = watchPackFiles(folder, change)
  try {
    while (!stop.aborted) {
      isChanged = false
      run = new AbortController()
      const hasTold = await runs.playChanged(run.signal)
      if (hasTold && !run.signal.aborted) print(['', 'Waiting for changes. Ctrl-C ends it.'])
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (!isChanged) await woken
    }
  } finally {
    unwatch()
  }
  return 0
}

type FileResults = { readonly text: string; readonly results: readonly PlayedScenario[] }
type FileRead = { readonly text: string; readonly read: ReturnType<typeof readScenarios> }

/** What is known of the files as they were last time, so that only what changed is read and played. */
class WatchedRuns {
  readonly #folder: string
  readonly #flags: TestFlags
  /** Of the pack that the rest is of; empty: of none. */
  #hash = ''
  readonly #reads = new Map<string, FileRead>()
  readonly #results = new Map<string, FileResults>()
  /** Whether the last thing told were mistakes in files. */
  #isRefused = false

  constructor(folder: string, flags: TestFlags) {
    this.#folder = folder
    this.#flags = flags
  }

  /** Plays what is not known of the files as they are now, and tells it. False: nothing has changed that matters. */
  async playChanged(signal: AbortSignal): Promise<boolean> {
    const startedAt = performance.now()
    const loaded = await loadPack(this.#folder)
    if (loaded.kind === 'refused') return this.#refuse('pack', loaded.problems)
    const { pack } = loaded
    const isNew = pack.hash !== this.#hash
    if (isNew) {
      this.#reads.clear()
      this.#results.clear()
      this.#hash = pack.hash
    }
    const folder = await readScenarioFolder(this.#folder)
    const read = scenariosOf(folder, pack.model, (text, file, names) => {
      const known = this.#reads.get(file)
      if (known?.text === text) return known.read
      const result = readScenarios(text, file, names)
      this.#reads.set(file, { text, read: result })
      return result
    })
    if (read.kind === 'refused') return this.#refuse('scenarios', read.problems)
    for (const [file, { text }] of this.#results) if (folder.texts.get(file) !== text) this.#results.delete(file)
    const wanted = meant(read.scenarios, this.#flags.filter)
    const open = wanted.filter(({ file }) => !this.#results.has(file))
    if (open.length === 0 && !this.#isRefused && !isNew) return false
    this.#isRefused = false
    await this.#play(pack, folder.texts, { wanted, open, startedAt }, signal)
    return true
  }

  async #play(
    pack: LoadedPack,
    texts: ReadonlyMap<string, string>,
    { wanted, open, startedAt }: Wanted,
    signal: AbortSignal,
  ): Promise<void> {
    const playingAt = performance.now()
    print([''])
    const { results } = await playAndTell(pack, open, this.#flags, signal)
    const byFile = Map.groupBy(results, ({ scenario }) => scenario.file)
    for (const [file, some] of byFile) {
      const isWhole = some.length === open.filter((scenario) => scenario.file === file).length
      if (isWhole) this.#results.set(file, { text: texts.get(file) ?? '', results: some })
    }
    const all = wanted.flatMap((scenario) => this.#resultOf(scenario) ?? [])
    const ended = performance.now()
    const ms = { all: ended - startedAt, playing: ended - playingAt }
    if (!signal.aborted) print(endLines(pack, playedOf(pack, all, wanted.length), this.#flags, ms))
  }

  #resultOf({ file, name }: Scenario): PlayedScenario | undefined {
    return this.#results.get(file)?.results.find(({ scenario }) => scenario.name === name)
  }

  #refuse(what: 'pack' | 'scenarios', problems: readonly PackProblem[]): true {
    this.#isRefused = true
    print([''])
    tellRefused(what, problems, this.#flags)
    return true
  }
}

type Wanted = {
  readonly wanted: readonly Scenario[]
  /** Those of them that are to be played. */
  readonly open: readonly Scenario[]
  /** When the run began, milliseconds of the machine's timer. */
  readonly startedAt: number
}
