/**
 * Steps a batch: loads whom it is about, steps its inputs, reserves what its decisions claim of resources. When some of that is refused
 * nothing of the step is kept, and the batch is stepped again from the answers.
 */
import { performance } from 'node:perf_hooks'
import type { BatchForm, BatchStep } from '../../sinks/batch.ts'
import type { Slot } from '../state/states.ts'
import type { StockInput } from '../step/funnel/stock-view.ts'
import { batchCustomers } from './batch-customers.ts'
import { BatchTally } from './batch-tally.ts'
import type { Owned } from './owned-partition.ts'
import type { ShardCoreOptions } from './shard-core-options.ts'
import type { ShardCustomers } from './shard-customers.ts'
import type { BatchStats, BatchTask } from './shard-port.ts'
import { type BatchStart, type BatchTools, type SteppedBatch, stepBatch } from './step-batch.ts'
import { halfOfLease, type StockDesk } from './stock-desk.ts'

/** A batch that was stepped, everything it claims reserved; nothing of it is committed. */
export type BatchSteppedDone = {
  readonly kind: 'stepped'
  readonly slots: ReadonlyMap<string, Slot>
  readonly stepped: SteppedBatch
  /** What it was stepped from, without what is known of series. */
  readonly step: BatchStep
  /** Without what was counted since the last time. */
  readonly stats: BatchStats
  /** The store is to refuse its commit from this instant on, Unix milliseconds: half of a lease is gone then. Infinity: never. */
  readonly half: number
}

export type BatchOutcome =
  | BatchSteppedDone
  /** Its reservations took so long that their leases may be over before the commit: they were given back, nothing is kept. */
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'failed'; readonly error: unknown }

type Collected = {
  readonly batch: Batch
  readonly slots: Map<string, Slot>
  /** The how manieth time it is stepped, from 1. */
  readonly round: number
}

/** What is the same each time a batch is stepped. */
type Batch = {
  readonly part: Owned
  readonly task: BatchTask
  /** Of whom something is due. */
  readonly due: readonly string[]
  /** When it began, by the monotonic clock. */
  readonly started: number
  /** Of its first live request: its answers have the same ids each time. */
  readonly turn: number
}

const nothing: ReadonlySet<string> = new Set()

export class BatchSteps {
  readonly #options: ShardCoreOptions
  readonly #tools: BatchTools
  readonly #customers: ShardCustomers
  readonly #stock: StockDesk
  #form: BatchForm

  constructor(options: ShardCoreOptions, tools: BatchTools, customers: ShardCustomers, stock: StockDesk) {
    this.#options = options
    this.#tools = tools
    this.#customers = customers
    this.#stock = stock
    this.#form = this.#formOf([], [])
  }

  /** Not a promise when nothing had to be waited for. `due`: customers of whom something is. */
  run(part: Owned, task: BatchTask, due: readonly string[]): BatchOutcome | Promise<BatchOutcome> {
    const batch = { part, task, due, started: performance.now(), turn: part.stepped }
    part.stepped += task.requests.length
    return this.#collect(batch, 1, null)
  }

  /** `known`: what was answered to its claims when it was stepped before; null: it was not. */
  #collect(batch: Batch, round: number, known: StockInput | null): BatchOutcome | Promise<BatchOutcome> {
    const { part, task, due } = batch
    const { failpoint, partitions, codecs } = this.#options
    const customers = batchCustomers(task, { next: part.meta.next, partitions, codec: codecs.events, due })
    failpoint('collected')
    const { slots, missing } = this.#customers.open(task.partition, customers)
    const collected = { batch, slots, round }
    const stock = known ?? this.#stock.known(this.#leaseClock(part, task), part.takenAt)
    if (missing.length === 0 && stock !== null) return this.#step(collected, stock, { loaded: 0, loadMs: 0 })
    return this.#loadAndStep(collected, missing, stock)
  }

  async #loadAndStep(
    collected: Collected,
    missing: readonly string[],
    known: StockInput | null,
  ): Promise<BatchOutcome> {
    const { batch, slots } = collected
    const { part, task } = batch
    const started = performance.now()
    const looked = known ?? this.#stock.look(this.#leaseClock(part, task), part.takenAt)
    try {
      await this.#customers.load(task.partition, slots, missing)
    } catch (error) {
      return { kind: 'failed', error }
    }
    const stock = await looked
    return this.#step(collected, stock, { loaded: missing.length, loadMs: performance.now() - started })
  }

  #step(
    collected: Collected,
    stock: StockInput,
    loading: Pick<BatchStats, 'loaded' | 'loadMs'>,
  ): BatchOutcome | Promise<BatchOutcome> {
    const { batch, slots, round } = collected
    const { task, due } = batch
    const started = performance.now()
    const cpuBefore = process.threadCpuUsage()
    // A batch that may be stepped again is counted when it is certain that it is not.
    const tally = this.#stock.isUsed ? new BatchTally(this.#options.context) : this.#tools.tally
    let stepped: SteppedBatch
    try {
      const { rules } = this.#options
      const start = { ...this.#startOf(batch), stock, due, poisoned: rules.poisoned(task.partition) }
      const tools = this.#stock.isUsed ? { ...this.#tools, tally } : this.#tools
      // What its rules throw is counted once, however often it is stepped.
      const throws = round === 1 ? 'counted' : 'uncounted'
      stepped = rules.during(task.partition, () => stepBatch(tools, slots, task, start), throws)
    } catch (error) {
      return { kind: 'failed', error }
    }
    this.#options.failpoint('stepped')
    const cpu = process.threadCpuUsage(cpuBefore)
    const stats: BatchStats = {
      events: stepped.accepted + stepped.duplicates.length + stepped.deadLetters.length,
      requests: task.requests.length,
      customers: slots.size,
      ...loading,
      stepMs: performance.now() - started,
      stepCpuMs: (cpu.user + cpu.system) / 1_000,
      commitMs: 0,
      tally: null,
    }
    const step = this.#told(batch, stepped, stock)
    const done = { kind: 'stepped', slots, stepped, step, stats, half: Number.POSITIVE_INFINITY } as const
    if (stepped.claims.length > 0 || stock.kept.size > 0) return this.#reserve(collected, done, tally, stock)
    return this.#counted(done, tally)
  }

  async #reserve(
    collected: Collected,
    done: BatchSteppedDone,
    tally: BatchTally,
    stock: StockInput,
  ): Promise<BatchOutcome> {
    const { batch, round } = collected
    const { task, started } = batch
    const { claims } = done.stepped
    const reserved = await this.#stock.reserve(claims, stock, round)
    this.#options.failpoint('reserved')
    if (reserved.kind === 'again') {
      this.#options.states.discard(task.partition)
      const outcome = await this.#collect(batch, round + 1, reserved.stock)
      if (outcome.kind === 'failed') this.#stock.giveBackKept(reserved.stock.kept, nothing)
      return outcome
    }
    const half = this.#options.clock === 'wall' ? halfOfLease(claims) : Number.POSITIVE_INFINITY
    if (task.now + performance.now() - started < half) return this.#counted({ ...done, half }, tally)
    this.#stock.giveBack(claims)
    return { kind: 'abandoned' }
  }

  /** What a step was made from. */
  #told(batch: Batch, { taken }: SteppedBatch, { left, kept, refused }: StockInput): BatchStep {
    const { clock, wallNow, turn } = this.#startOf(batch)
    const { quarantined, revoked } = this.#options.rules
    if (quarantined !== this.#form.quarantined || revoked !== this.#form.revoked)
      this.#form = this.#formOf(quarantined, revoked)
    const short = Array.from(refused, ([id, one]) => ({ id, ...one }))
    return {
      now: wallNow === null ? clock : Math.max(clock, wallNow),
      turn,
      form: this.#form,
      series: null,
      requests: batch.task.requests.map(({ customerId, requestId, placement, count, personalised = true }) => ({
        customerId,
        requestId,
        placement,
        count,
        personalised,
      })),
      stock: this.#stock.isUsed ? { left, kept: [...kept], refused: short, taken } : null,
    }
  }

  #formOf(quarantined: readonly string[], revoked: readonly string[]): BatchForm {
    const { context } = this.#options
    return { pack: context.pack.loaded.hash, learned: context.modelHash, quarantined, revoked }
  }

  #counted(done: BatchSteppedDone, tally: BatchTally): BatchSteppedDone {
    if (tally !== this.#tools.tally) this.#tools.tally.merge(tally)
    return done
  }

  /** The clock by which leases end. */
  #leaseClock({ meta }: Owned, task: BatchTask): number {
    return this.#options.clock === 'wall' ? Math.max(meta.clock, task.now) : meta.clock
  }

  /** On an event clock a request sees the partition's own clock, so that it does not move what events see. */
  #startOf({ part, task, turn }: Batch): Omit<BatchStart, 'due' | 'stock' | 'poisoned'> {
    const { seq, next, appendTime, clock } = part.meta
    const rest = { seq, turn, next, appendTime, partitions: this.#options.partitions }
    if (this.#options.clock === 'wall') return { ...rest, clock, wallNow: task.now }
    return { ...rest, clock: clock > 0 || task.events !== null ? clock : task.now, wallNow: null }
  }
}
