import type { BatchSeries } from '../../sinks/batch.ts'
import { clockSkewMs } from '../step/admit-event.ts'
import type { StepContext } from '../step/step.ts'
import type { Meta } from '../store/store.ts'
import { BatchSteps } from './batch-steps.ts'
import { BatchTally } from './batch-tally.ts'
import { type Past, SeriesPast } from './series-past.ts'
import type { ShardCoreOptions } from './shard-core-options.ts'
import { ShardCustomers } from './shard-customers.ts'
import { ShardDues } from './shard-dues.ts'
import { ShardFills } from './shard-fills.ts'
import type { BatchTools } from './step-batch.ts'
import { StockDesk } from './stock-desk.ts'

/** What is opened for a pack: its states, which may be those of the edition before, and the step's context over them. */
export type EditionParts = Pick<ShardCoreOptions, 'states' | 'context' | 'rules' | 'past'>

/** What the editions of a shard share. */
export type EditionShared = Omit<ShardCoreOptions, keyof EditionParts> & {
  /** Tombstones of the partitions that are owned. */
  readonly erased: Map<number, Map<string, number>>
  /** What is being given back of resources, by claim. */
  readonly lapsing: Map<string, Promise<void>>
}

/** Everything of a shard that depends on the pack. A partition works under one edition at a time, from one batch to the next. */
export class Edition {
  readonly packHash: string
  readonly activation: number
  readonly states: ShardCoreOptions['states']
  readonly context: StepContext
  readonly rules: ShardCoreOptions['rules']
  readonly tools: BatchTools
  readonly customers: ShardCustomers
  readonly fills: ShardFills
  readonly dues: ShardDues
  readonly stock: StockDesk
  readonly steps: BatchSteps
  #past: SeriesPast
  #told: BatchSeries
  /** By series: the earliest instant that partitions which came over later allow it to be observed from. */
  readonly #floor: number[]

  constructor(parts: EditionParts, shared: EditionShared) {
    const options = { ...shared, ...parts }
    const { context, states, rules, past } = parts
    this.packHash = context.pack.loaded.hash
    this.activation = past.activations
    this.states = states
    this.context = context
    this.rules = rules
    this.tools = { context, codecs: shared.codecs, tally: new BatchTally(context), mark: rules.mark }
    this.customers = new ShardCustomers(options, shared.erased)
    this.fills = new ShardFills(options)
    this.dues = new ShardDues(options)
    this.stock = new StockDesk(shared.resources, context.pack, shared.lapsing)
    this.steps = new BatchSteps(options, this.tools, this.customers, this.stock)
    this.#past = new SeriesPast(context.pack.layout, past)
    this.#told = this.#past.told
    this.#floor = context.pack.layout.series.map(() => Number.NEGATIVE_INFINITY)
  }

  /** What records of batches say of the series; the same object as long as nothing changes. */
  get told(): BatchSeries {
    return this.#told
  }

  get past(): SeriesPast {
    return this.#past
  }

  /** Acts by another state of the installation's record from now on; one of another activation is not its. */
  learn(past: Past): void {
    if (past.activations !== this.activation) return
    this.#past = new SeriesPast(this.context.pack.layout, past)
    this.#told = this.#past.told
    // What a backfill filled in is known since before.
    for (const series of this.#past.filled()) this.#floor[series] = Number.NEGATIVE_INFINITY
    this.observe()
  }

  /**
   * A partition comes under this edition. Series that its header does not know yet begin behind what was applied last, so that
   * nobody takes them for complete before: an event counts no later than `clockSkewMs` behind its arrival.
   */
  takesOver(meta: Pick<Meta, 'begun' | 'fill' | 'appendTime'>): void {
    const since = meta.appendTime + clockSkewMs + 1
    const later = this.#past.unknownTo(meta).filter((series) => this.#floor[series]! < since)
    if (later.length === 0) return
    for (const series of later) this.#floor[series] = since
    this.observe()
  }

  /** Says to the states since when each series is observed. */
  observe(): void {
    const since = this.#since()
    this.states.observe(since)
    const isTold = since.every((at, i) => at === this.#told.since[i])
    if (!isTold) this.#told = { ...this.#past.told, since }
  }

  /** Series that are observed later than the installation's record says, by definition. */
  get laterThanRecorded(): Readonly<Record<string, number>> {
    const { series } = this.context.pack.layout
    const { observedSince } = this.#past
    return Object.fromEntries(
      this.#since().flatMap((since, i) => (since > observedSince[i]! ? [[series[i]?.key ?? '', since]] : [])),
    )
  }

  /** A partition leaves for another edition, or is lost: nothing of it is kept here. */
  letGo(partition: number): void {
    this.fills.forget(partition)
    this.states.discard(partition)
  }

  #since(): readonly number[] {
    return this.#past.observedSince.map((since, i) => Math.max(since, this.#floor[i]!))
  }
}
