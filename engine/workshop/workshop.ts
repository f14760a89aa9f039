/** Heavy work on rule packs in a thread of its own, so that no decision waits for it. */
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import type { PackChange } from '../../rules/pack-diff.ts'
import type { DryRunAnswer, DryRunOrder } from '../dry-run/run-order.ts'
import type { CheckReport, TestReport } from './pack-report.ts'
import type { Preparation } from './prepare-version.ts'
import type { PackSource, WithWhy } from './work.ts'

export type WorkshopLimits = {
  /** Longest that one piece of work may take, waiting included, milliseconds. */
  readonly withinMs: number
  /** Most pieces that wait while one is worked on; more are told `busy`. */
  readonly waitingMax: number
  /** Memory of the thread: a piece of work that needs more ends it, and fails. */
  readonly memoryMb: number
}

export const workshopLimits: WorkshopLimits = { withinMs: 300_000, waitingMax: 8, memoryMb: 1_536 }

/** The result, or why there is none: the queue is full, it took too long, it needed more memory than there is, the engine stops. */
export type Worked<T> =
  | { readonly kind: 'worked'; readonly value: T }
  | { readonly kind: 'busy' | 'too_long' | 'too_large' | 'stopping' }

export type Workshop = {
  /** Checks a pack and proves it. */
  check(source: PackSource): Promise<Worked<WithWhy<CheckReport>>>
  /** Plays its scenarios. */
  test(source: PackSource): Promise<Worked<WithWhy<TestReport>>>
  /** Both, and everything that a version is kept with. @param before the model in force as JSON, to compare with */
  prepare(source: PackSource, before: string | null): Promise<Worked<WithWhy<Preparation>>>
  /** What changed between two models, each as JSON. */
  diff(before: string, after: string): Promise<Worked<readonly PackChange[]>>
  /** Tries a request or an event on a copy of a customer. */
  dryRun(order: DryRunOrder): Promise<Worked<DryRunAnswer>>
  /** Ends what is worked on; everything asked is told `stopping`. */
  stop(): Promise<void>
}

/** How much less the system gives the thread when others want the processor. */
const niceIncrement = 10

/** A workshop of one thread, which starts with the first piece of work and ends when it had none for a minute. */
export function openWorkshop(now: () => number, limits: WorkshopLimits = workshopLimits): Workshop {
  let stopping = false
  let asked = 0
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./work.ts', import.meta.url)),
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 60_000,
    niceIncrement,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
  })
  // A thread that dies rejects the call that it was at; there is nothing more to tell.
  pool.on('error', () => {})

  const work = async <T>(name: string, task: unknown): Promise<Worked<T>> => {
    if (stopping) return { kind: 'stopping' }
    if (asked > limits.waitingMax) return { kind: 'busy' }
    asked += 1
    const signal = AbortSignal.timeout(limits.withinMs)
    try {
      return { kind: 'worked', value: await pool.run(task, { name, signal }) }
    } catch (cause) {
      if (stopping) return { kind: 'stopping' }
      if (signal.aborted) return { kind: 'too_long' }
      const code = cause instanceof Error && 'code' in cause ? cause.code : ''
      if (code === 'ERR_WORKER_OUT_OF_MEMORY') return { kind: 'too_large' }
      throw cause
    } finally {
      asked -= 1
    }
  }
  return {
    check: (source) => work('check', { source, nowMs: now() }),
    test: (source) => work('test', { source, nowMs: now() }),
    prepare: (source, before) => work('prepare', { source, nowMs: now(), before }),
    diff: (before, after) => work('diff', { before, after }),
    dryRun: (order) => work('dryRun', order),
    stop: async () => {
      stopping = true
      await pool.destroy()
    },
  }
}
