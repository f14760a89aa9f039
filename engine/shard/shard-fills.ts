import type { Codecs } from '../../sinks/codecs.ts'
import type { Slot } from '../state/states.ts'
import { fillEvent } from '../step/fill-event.ts'
import type { StepContext } from '../step/step.ts'
import type { Begun, Fill } from '../store/store.ts'
import { FillScan, type Found } from './fill-scan.ts'
import { IdWindow } from './id-window.ts'
import { lastFinished, type SeriesPast } from './series-past.ts'
import type { FillRecords, FillRefusal, FillStep } from './shard-port.ts'

/** Records that were read without an entry to add are put down as read after so many. */
const unstoredMax = 65_536

/** Where a partition stands: what its header has to say. */
export type Standing = { readonly fill: Fill | null; readonly begun: readonly Begun[] }

/** What a step of a backfill comes to. */
export type FillPlan =
  | {
      readonly kind: 'planned'
      readonly found: Found
      readonly limits: Float64Array
      /** Where to go on. */
      readonly at: number
      /** What the header is to say; null: nothing new that has to be stored yet. */
      readonly fill: Fill | null
    }
  | { readonly kind: 'refused'; readonly why: FillRefusal }

export type FillsParts = {
  readonly context: StepContext
  readonly codecs: Pick<Codecs, 'events'>
  /** Partitions of the log. */
  readonly partitions: number
  readonly fillBytes: number
}

const nothingFound: Found = { events: [], customers: new Set(), read: 0 }
const noLimits = new Float64Array()

/** The backfills of the partitions that a shard owns: what it remembers between two steps of one. */
export class ShardFills {
  readonly #parts: FillsParts
  /** One at a time: its window of ids may be large. */
  #open: { readonly partition: number; readonly number: number; readonly scan: FillScan } | null = null

  constructor(parts: FillsParts) {
    this.#parts = parts
  }

  /** What a step changes. When nothing comes of it, `forget` the partition: what was found is to be found again. */
  plan(partition: number, step: FillStep, { fill, begun }: Standing, past: SeriesPast): FillPlan {
    if (step.kind === 'set') return this.#set(partition, step.fill, fill, past)
    if (fill === null || fill.isDone || !past.knows(fill)) return { kind: 'refused', why: 'unknown' }
    if (step.kind === 'warm') return this.#warm(partition, fill, step)
    const scan = this.#scanOf(partition, fill, step.at)
    if (scan === null) return { kind: 'refused', why: 'cold' }
    const limits = past.limits(fill, begun)
    if (this.#isOut(limits)) return { kind: 'refused', why: 'quarantined' }
    const end = limits.reduce((most, limit) => Math.max(most, limit), 0)
    const found = scan.read(step.records, step.through, end, limits)
    if (found === 'full') return this.#full()
    const { at } = scan
    const isDone = at >= end
    if (isDone) this.#open = null
    const isDue = isDone || found.events.length > 0 || at - fill.at >= unstoredMax
    return { kind: 'planned', found, limits, at, fill: isDue ? { ...fill, at, isDone } : null }
  }

  /**
   * Adds what was found to the customers' series; returns how many events had something to add. `quarantined`: a rule went out of
   * service since it was found, and nothing was added.
   */
  add(slots: ReadonlyMap<string, Slot>, { events }: Found, limits: Float64Array): number | 'quarantined' {
    if (this.#isOut(limits)) return 'quarantined'
    let added = 0
    for (const past of events) {
      const slot = slots.get(past.event.customerId)
      if (slot === undefined) throw new Error('the customers of a fill are loaded before it')
      if (fillEvent(this.#parts.context, slot, past, (series) => past.offset < (limits[series] ?? -1))) added++
    }
    return added
  }

  /** The partition is lost, or a step of it came to nothing. */
  forget(partition: number): void {
    if (this.#open?.partition === partition) this.#open = null
  }

  /** Whether a series to be filled gets no entry now: what is passed over would be missing for ever. */
  #isOut(limits: Float64Array): boolean {
    const { layout, types } = this.#parts.context.pack
    return layout.series.some(({ event }, series) => limits[series]! >= 0 && types.get(event)?.refused === true)
  }

  /** A backfill that was finished here, or one before it, never begins again: its entries are there. */
  #set(partition: number, next: Fill, before: Fill | null, past: SeriesPast): FillPlan {
    if (next.number <= lastFinished(before) || !past.knows(next)) return { kind: 'refused', why: 'unknown' }
    this.forget(partition)
    return { kind: 'planned', found: nothingFound, limits: noLimits, at: next.at, fill: next }
  }

  #warm(partition: number, fill: Fill, step: FillRecords): FillPlan {
    const scan = this.#scanOf(partition, fill, step.at) ?? this.#begin(partition, fill, step.at)
    if (scan.warm(step.records, Math.min(step.through, fill.at)) === 'full') return this.#full()
    return { kind: 'planned', found: nothingFound, limits: noLimits, at: scan.at, fill: null }
  }

  /** What goes on at an offset; null: it is not known which ids were accepted below it. */
  #scanOf(partition: number, fill: Fill, at: number): FillScan | null {
    if (this.#open?.partition !== partition || this.#open.number !== fill.number) return null
    const { scan } = this.#open
    return scan.at === at ? scan : null
  }

  /** What was found before there was no room is not filled in: it has to be found again. */
  #full(): FillPlan {
    this.#open = null
    return { kind: 'refused', why: 'full' }
  }

  #begin(partition: number, fill: Fill, at: number): FillScan {
    const { context, codecs, partitions, fillBytes } = this.#parts
    const ids = new IdWindow(context.pack.layout.dedupeMs, fillBytes)
    const scan = new FillScan({ context, codec: codecs.events, partition, partitions, ids }, at)
    this.#open = { partition, number: fill.number, scan }
    return scan
  }
}
