/** The shadow of this node: one at a time, in a process of its own, begun again with the engine until it is stopped. */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { packFilesSchema } from '../../rules/pack-texts.ts'
import type { HistoryStatus } from '../../sinks/history/history.ts'
import { forkSimulation } from '../whatif/fork-process.ts'
import type { Candidate } from '../whatif/messages.ts'
import type { FromShadow, ShadowOrder, ToShadow } from './messages.ts'

/** What is kept of it in the DATA_DIR, so that an engine that starts goes on with it. */
const kept = z.object({
  run: z.string(),
  by: z.string(),
  startedAt: z.number(),
  /** Files of the candidate version; absent: it is kept under its hash. */
  files: packFilesSchema.optional(),
  /** Hash of the candidate version. */
  version: z.string(),
})
type Kept = z.infer<typeof kept>

export type ShadowStatus = {
  readonly run: string
  readonly by: string
  /** Since when its decisions count, Unix milliseconds. */
  readonly startedAt: number
  /** `starting`: it goes through the past for the customers' states. `following`: it is behind by `lagMs`. */
  readonly state: 'starting' | 'following' | 'failing' | 'stopped'
  /** Why it is failing or was stopped, in a sentence; null otherwise. */
  readonly sentence: string | null
  /** Hash of the candidate version. */
  readonly version: string
  /** How far it is behind, milliseconds; null: it has not begun to follow. */
  readonly lagMs: number | null
  /** Since this process began, decisions of the candidate version and those that differ from the pack in force. */
  readonly decisions: number
  readonly differences: number
  readonly customers: number
}

export type ShadowParts = {
  readonly dataDir: string
  readonly now: () => number
  /** What an order holds beside the candidate; null: history cannot be asked now. */
  readonly base: () => Omit<ShadowOrder, 'candidate' | 'run' | 'startedAt'> | null
  readonly history: () => HistoryStatus | null
  /** A kept version; null: there is none (any more). */
  readonly candidateOf: (version: string) => Promise<Candidate | null>
}

const tickMs = 1_000
/** History is taken as complete so long behind what it has copied. */
const settledMs = 2_000
/** A process that died is begun again after so long. */
const againMs = 5_000

export class ShadowRunner {
  readonly #parts: ShadowParts
  readonly #file: string
  #kept: Kept | null = null
  #status: ShadowStatus | null = null
  #child: ChildProcess | null = null
  #timer: NodeJS.Timeout | null = null
  #nextTryAt = 0
  /** The pack in force that the process compares with. */
  #comparedWith = ''

  constructor(parts: ShadowParts) {
    this.#parts = parts
    this.#file = join(parts.dataDir, 'shadow.json')
  }

  /** Goes on with the shadow that was running when the engine ended, if there was one. */
  resume(): void {
    const found = readKept(this.#file)
    if (found !== null) this.#begin(found)
  }

  get status(): ShadowStatus | null {
    return this.#status
  }

  /** Whether one runs, or waits to be able to. */
  get isRunning(): boolean {
    return this.#kept !== null
  }

  /** Begins one, of a pack that was checked; null: there is one already. */
  start(candidate: Pick<Kept, 'files' | 'version'>, by: string): ShadowStatus | null {
    if (this.#kept !== null) return null
    const begun: Kept = { run: randomUUID(), by, startedAt: this.#parts.now(), ...candidate }
    mkdirSync(this.#parts.dataDir, { recursive: true })
    const draft = `${this.#file}.new`
    writeFileSync(draft, JSON.stringify(begun), { mode: 0o600 })
    renameSync(draft, this.#file)
    this.#begin(begun)
    return this.#status
  }

  /** Ends it for good; what it wrote stays in history. */
  stop(): ShadowStatus | null {
    if (this.#kept === null) return this.#status
    rmSync(this.#file, { force: true })
    this.#end('stopped', 'It was stopped.')
    return this.#status
  }

  /** The engine ends: the next one goes on with it. */
  close(): void {
    this.#end('stopped', 'The engine is stopping.')
  }

  #begin(found: Kept): void {
    const { run, by, startedAt } = found
    this.#kept = found
    this.#status = {
      ...{ run, by, startedAt, state: 'starting', sentence: null, version: found.version, lagMs: null },
      ...{ decisions: 0, differences: 0, customers: 0 },
    }
    this.#timer = setInterval(() => void this.#tick(), tickMs)
    void this.#tick()
  }

  #end(state: 'stopped', sentence: string): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#kept = null
    const child = this.#child
    this.#child = null
    child?.kill('SIGKILL')
    if (this.#status !== null) this.#status = { ...this.#status, state, sentence }
  }

  async #tick(): Promise<void> {
    const current = this.#parts.base()?.current.hash ?? this.#comparedWith
    if (this.#child !== null && current !== this.#comparedWith) {
      this.#child.kill('SIGKILL')
      this.#child = null
      this.#fails('Another pack is in force: it begins again beside that one.')
    }
    if (this.#child === null) await this.#launch()
    const history = this.#parts.history()
    if (history === null || history.state !== 'running') return
    const message: ToShadow = { kind: 'until', at: this.#parts.now() - history.lagMs - settledMs }
    if (this.#child?.connected === true) this.#child.send(message, () => undefined)
  }

  async #launch(): Promise<void> {
    const found = this.#kept
    if (found === null || this.#parts.now() < this.#nextTryAt) return
    const base = this.#parts.base()
    if (base === null) return this.#waits('History cannot be asked yet.')
    this.#nextTryAt = this.#parts.now() + againMs
    const candidate: Candidate | null =
      found.files !== undefined ? { kind: 'files', files: found.files } : await this.#parts.candidateOf(found.version)
    if (candidate === null) return this.#fails('The version is not kept any more: stop the shadow.')
    if (this.#kept !== found || this.#child !== null) return
    const child = forkSimulation(new URL('process.ts', import.meta.url))
    this.#child = child
    this.#comparedWith = base.current.hash
    child.on('message', (message: FromShadow) => this.#heard(child, message))
    child.once('close', () => {
      if (this.#child !== child) return
      this.#child = null
      if (this.#status?.state !== 'failing') this.#fails('Its process ended; another one begins.')
    })
    const { run, startedAt } = found
    child.send({ kind: 'start', order: { ...base, candidate, run, startedAt } } satisfies ToShadow, () => undefined)
  }

  #heard(child: ChildProcess, message: FromShadow): void {
    if (this.#child !== child || this.#status === null) return
    if (message.kind === 'progress') {
      const { version, at, decisions, differences, customers } = message
      const lagMs = Math.max(0, this.#parts.now() - at)
      const isBehind = at < this.#status.startedAt
      this.#status = {
        ...this.#status,
        ...{
          state: isBehind ? 'starting' : 'following',
          sentence: null,
          version,
          lagMs,
          decisions,
          differences,
          customers,
        },
      }
      return
    }
    this.#child = null
    child.kill('SIGKILL')
    if (message.final) {
      rmSync(this.#file, { force: true })
      this.#end('stopped', message.message)
    } else {
      this.#fails(message.message)
    }
  }

  #waits(sentence: string): void {
    if (this.#status !== null) this.#status = { ...this.#status, sentence }
  }

  #fails(sentence: string): void {
    if (this.#status !== null) this.#status = { ...this.#status, state: 'failing', sentence }
  }
}

function readKept(file: string): Kept | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    // None was running.
    return null
  }
  const parsed = kept.safeParse(JSON.parse(text))
  return parsed.success ? parsed.data : null
}
