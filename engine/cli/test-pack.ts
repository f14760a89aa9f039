/** `proffer test PACK`: do the scenarios of this rule pack come out as its authors expect, and have they met its guardrails? */
import { writeFile } from 'node:fs/promises'
import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { formatProblems, type PackProblem } from '../../rules/pack-problem.ts'
import { loadScenarios } from '../../rules/scenarios/load-scenarios.ts'
import type { Scenario } from '../../rules/scenarios/scenario.ts'
import { junitXml } from '../scenarios/junit.ts'
import { stepLines } from '../scenarios/play-by-play.ts'
import { type Played, type PlayedScenario, playScenarios } from '../scenarios/play-scenarios.ts'
import { isPassed, runData } from '../scenarios/report.ts'
import { stopSignal } from './stop-signal.ts'
import { coverageLines, failureLines, fileLines, summaryLines, uncoveredReport } from './test-report.ts'

export type TestFlags = {
  /** Only scenarios whose name or file holds this text, in any case; null: all. */
  readonly filter: string | null
  readonly json: boolean
  /** Where JUnit XML is written to; null: nowhere. */
  readonly junit: string | null
  /** Stops at the first scenario that fails. */
  readonly bail: boolean
  /** Tells each scenario step by step. */
  readonly verbose: boolean
  /** Tells of each rule which scenarios met it. */
  readonly coverage: boolean
  /** Every failure and mistake, however many there are; without it the first ones. JSON has all. */
  readonly all: boolean
}

/**
 * Plays every scenario of a pack and tells how each went, for a failure the first difference and why. Touches no installation. Exit
 * code 0: all passed; 1: one failed, or all were played and a guardrail lacks a scenario that fires it or one that does not; 2: the pack
 * or a scenario file is refused, or no scenario is meant; 130: stopped.
 */
export async function testPack(folder: string, flags: TestFlags): Promise<number> {
  const startedAt = performance.now()
  const pack = await loadPack(folder)
  if (pack.kind === 'refused') return refused('pack', pack.problems, flags)
  const loaded = await loadScenarios(folder, pack.pack.model)
  if (loaded.kind === 'refused') return refused('scenarios', loaded.problems, flags)
  const scenarios = meant(loaded.scenarios, flags.filter)
  if (scenarios.length === 0) {
    process.stderr.write(
      `None of the ${loaded.scenarios.length} scenarios has "${flags.filter}" in its name or file.\n`,
    )
    return 2
  }
  const stop = stopSignal()
  const playingAt = performance.now()
  const played = await playAndTell(pack.pack, scenarios, flags, stop)
  const isJudged = flags.filter === null && !played.isStopped
  if (flags.junit !== null) await writeFile(flags.junit, junitXml(pack.pack, played, isJudged))
  const ended = performance.now()
  const data = runData(pack.pack, played, isJudged)
  if (flags.json) print([JSON.stringify(data)])
  else print(endLines(pack.pack, played, flags, { all: ended - startedAt, playing: ended - playingAt }))
  if (stop.aborted) return 130
  return isPassed(data) ? 0 : 1
}

/** Those that are meant by a filter. */
export function meant(scenarios: readonly Scenario[], filter: string | null): readonly Scenario[] {
  const text = filter?.toLowerCase() ?? ''
  return scenarios.filter(({ name, file }) => [name, file].some((one) => one.toLowerCase().includes(text)))
}

/** Plays scenarios and prints each file once its last scenario is done; nothing for machines. */
export async function playAndTell(
  pack: LoadedPack,
  scenarios: readonly Scenario[],
  { json, bail, verbose }: Pick<TestFlags, 'json' | 'bail' | 'verbose'>,
  signal: AbortSignal,
): Promise<Played> {
  const enough = new AbortController()
  const steps = new Map<string, string[]>()
  let file: PlayedScenario[] = []
  const flush = (): void => {
    const name = file[0]?.scenario.file
    if (name !== undefined && !json) print(fileLines(name, file, (one) => steps.get(one.scenario.name) ?? []))
    file = []
    steps.clear()
  }
  const played = await playScenarios(
    pack,
    scenarios,
    (result) => {
      if (file.length > 0 && file[0]?.scenario.file !== result.scenario.file) flush()
      file.push(result)
      if (bail && result.failures.length > 0) enough.abort()
    },
    AbortSignal.any([signal, enough.signal]),
    verbose && !json
      ? ({ name }, step, { bank, came, failures }) => {
          const lines = steps.get(name) ?? []
          steps.set(name, lines)
          lines.push(...stepLines(bank, step, came, failures))
        }
      : undefined,
  )
  flush()
  return played
}

/** Failures again, coverage where all were played, and the counts. */
export function endLines(
  { model }: LoadedPack,
  played: Played,
  { filter, coverage, all }: Pick<TestFlags, 'filter' | 'coverage' | 'all'>,
  ms: { readonly all: number; readonly playing: number },
): readonly string[] {
  const isJudged = filter === null && !played.isStopped
  return [
    ...failureLines(played, model.zone, all),
    ...(isJudged || coverage ? coverageLines(played.coverage, coverage) : []),
    ...(isJudged ? uncoveredReport(played.coverage, all) : []),
    ...summaryLines(played, ms),
  ]
}

/** Prints lines on stdout. */
export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

function refused(what: 'pack' | 'scenarios', problems: readonly PackProblem[], flags: TestFlags): number {
  if (flags.json) print([JSON.stringify({ refused: what, problems })])
  else tellRefused(what, problems, flags)
  return 2
}

/** What is wrong with the files. */
export function tellRefused(
  what: 'pack' | 'scenarios',
  problems: readonly PackProblem[],
  { all }: Pick<TestFlags, 'all'>,
): void {
  print([formatProblems(problems, all ? null : '--all')])
  process.stderr.write(
    `\nThe ${what === 'pack' ? 'pack is' : 'scenarios are'} refused: ${problems.length} problem(s).\n`,
  )
}
