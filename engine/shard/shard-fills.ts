import type { Slot } from '../state/states.ts'
import { fillEvent } from '../step/fill-event.ts'
import type { StepContext } from '../step/step.ts'
import type { Begun, Fill } from '../store/store.ts'
import { FillScan, type Found } from './fill-scan.ts'
import { IdWindow } from './id-window.ts'
import { isFinished, lastFinished, type SeriesPast } from './series-past.ts'
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

const nothingFound: Found = { events: [], customers: new Set(), read: 0 }
const noLimits = new Float64Array()

/** The backfills of the partitions that a shard owns: what it remembers between two steps of one. */
export class ShardFills {
  readonly #context: StepContext
  readonly #partitions: number
  readonly #maxBytes: number
  /** One at a time: its window of ids may be large. */
  #open: { readonly partition: number; readonly number: number; readonly scan: FillScan } | null = null

  constructor(parts: { readonly context: StepContext; readonly partitions: number; readonly fillBytes: number }) {
    this.#context = parts.context
    this.#partitions = parts.partitions
    this.#maxBytes = parts.fillBytes
  }

  /** What a step changes. When nothing comes of it, `forget` the partition: what was found is to be found again. */
  plan(partition: number, step: FillStep, { fill, begun }: Standing, past: SeriesPast): FillPlan {
    if (step.kind === 'set') return this.#set(partition, step.fill, fill, past)
    if (fill === null || isFinished(fill) || !past.knows(fill)) return { kind: 'refused', why: 'unknown' }
    if (step.kind === 'warm') return this.#warm(partition, fill, step)
    const scan = this.#scanOf(partition, fill, step.at)
    if (scan === null) return { kind: 'refused', why: 'cold' }
    const limits = past.limits(fill, begun)
    const end = limits.reduce((most, limit) => Math.max(most, limit), 0)
    const found = scan.read(step.records, step.through, end, limits)
    if (found === 'full') return this.#full()
    const { at } = scan
    if (at < end) {
      const isDue = found.events.length > 0 || at - fill.at >= unstoredMax
      return { kind: 'planned', found, limits, at, fill: isDue ? { ...fill, at } : null }
    }
    // The pass is over: the next one begins where this one began.
    this.#open = null
    const pass = fill.pass + 1
    const next = { ...fill, pass, at: pass < fill.passes ? fill.from : at }
    return { kind: 'planned', found, limits, at: next.at, fill: next }
  }

  /** Adds what was found to the customers' series; returns how many events had something to add. */
  add(slots: ReadonlyMap<string, Slot>, { events }: Found, limits: Float64Array): number {
    let added = 0
    for (const past of events) {
      const slot = slots.get(past.event.customerId)
      if (slot === undefined) throw new Error('the customers of a fill are loaded before it')
      if (fillEvent(this.#context, slot, past, (series) => past.offset < (limits[series] ?? -1))) added++
    }
    return added
  }

  /** The partition is lost, or a step of it came to nothing. */
  forget(partition: number): void {
    if (this.#open?.partition === partition) this.#open = null
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
    return scan.pass === fill.pass && scan.at === at ? scan : null
  }

  /** What was found before there was no room is not filled in: it has to be found again. */
  #full(): FillPlan {
    this.#open = null
    return { kind: 'refused', why: 'full' }
  }

  #begin(partition: number, fill: Fill, at: number): FillScan {
    const ids = new IdWindow(this.#context.pack.layout.dedupeMs, this.#maxBytes)
    const scan = new FillScan({ context: this.#context, partition, partitions: this.#partitions, ids }, fill, at)
    this.#open = { partition, number: fill.number, scan }
    return scan
  }
}
