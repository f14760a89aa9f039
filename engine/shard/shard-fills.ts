import type { Slot } from '../state/states.ts'
import { fillEvent } from '../step/fill-event.ts'
import type { StepContext } from '../step/step.ts'
import type { Begun, Fill } from '../store/store.ts'
import { FillScan, type Found } from './fill-scan.ts'
import { IdWindow } from './id-window.ts'
import type { SeriesPast } from './series-past.ts'
import type { FillRecords, FillStep } from './shard-port.ts'

/** Records that were read without an entry to add are put down as read after so many. */
const unstoredMax = 65_536

/** Where a partition stands: what its header has to say. */
export type Standing = { readonly fill: Fill | null; readonly begun: readonly Begun[] }

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
  | { readonly kind: 'cold' }
  | { readonly kind: 'full' }

const nothingFound: Found = { events: [], customers: new Set(), read: 0 }

/** The backfills of the partitions that a shard owns: what it remembers between two steps of one. */
export class ShardFills {
  readonly #context: StepContext
  readonly #partitions: number
  readonly #maxBytes: number
  /** One at a time: its window of ids may be large. */
  #scan: { readonly partition: number; readonly number: number; readonly scan: FillScan } | null = null

  constructor(parts: { readonly context: StepContext; readonly partitions: number; readonly fillBytes: number }) {
    this.#context = parts.context
    this.#partitions = parts.partitions
    this.#maxBytes = parts.fillBytes
  }

  /** What a step changes. Whatever comes of it but a commit, `forget` the partition: what was found is not filled in. */
  plan(partition: number, step: FillStep, { fill, begun }: Standing, past: SeriesPast): FillPlan {
    if (step.kind === 'set') {
      this.#begin(partition, step.fill, step.fill.at)
      const limits = new Float64Array()
      return { kind: 'planned', found: nothingFound, limits, at: step.fill.at, fill: step.fill }
    }
    if (fill === null || fill.pass >= fill.passes) return { kind: 'cold' }
    if (step.kind === 'warm') return this.#warm(partition, fill, step)
    const open = this.#scan
    if (open?.partition !== partition || open.number !== fill.number) return { kind: 'cold' }
    if (open.scan.pass !== fill.pass || open.scan.at !== step.at) return { kind: 'cold' }
    const limits = past.limits(fill, begun)
    const end = limits.reduce((most, limit) => Math.max(most, limit), 0)
    const found = open.scan.read(step.records, step.through, end, limits)
    if (found === 'full') return this.#full()
    const { at } = open.scan
    if (at < end) {
      const isDue = found.events.length > 0 || at - fill.at >= unstoredMax
      return { kind: 'planned', found, limits, at, fill: isDue ? { ...fill, at } : null }
    }
    // The pass is over: the next one begins where this one began.
    const pass = fill.pass + 1
    const next = { ...fill, pass, at: pass < fill.passes ? fill.from : end }
    if (pass < fill.passes) this.#begin(partition, next, next.at)
    else this.#scan = null
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
    if (this.#scan?.partition === partition) this.#scan = null
  }

  #warm(partition: number, fill: Fill, step: FillRecords): FillPlan {
    const open = this.#scan
    const goesOn =
      open?.partition === partition &&
      open.number === fill.number &&
      open.scan.pass === fill.pass &&
      open.scan.at === step.at
    const scan = goesOn ? open.scan : this.#begin(partition, fill, step.at)
    if (scan.warm(step.records, Math.min(step.through, fill.at)) === 'full') return this.#full()
    return { kind: 'planned', found: nothingFound, limits: new Float64Array(), at: scan.at, fill: null }
  }

  /** What was found before there was no room is not filled in: it has to be found again. */
  #full(): FillPlan {
    this.#scan = null
    return { kind: 'full' }
  }

  #begin(partition: number, fill: Fill, at: number): FillScan {
    const ids = new IdWindow(this.#context.pack.layout.dedupeMs, this.#maxBytes)
    const parts = { context: this.#context, partition, partitions: this.#partitions, ids }
    const scan = new FillScan(parts, fill, at)
    this.#scan = { partition, number: fill.number, scan }
    return scan
  }
}
