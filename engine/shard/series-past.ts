import assert from 'node:assert/strict'
import type { Layout } from '../../rules/compiled.ts'
import type { BatchSeries } from '../../sinks/batch.ts'
import type { AddedSeries, Begun, Cluster, Fill, Meta } from '../store/store.ts'

/** What a shard acts by of the installation's record: since when series are observed, and which may still be filled. */
export type Past = Pick<Cluster, 'activations' | 'observedSince' | 'added' | 'backfill'>

/** The same with nothing else of the record, so that it goes to another thread or node. */
export function pastOf({ activations, observedSince, added, backfill }: Past): Past {
  return { activations, observedSince, added, backfill }
}

const nothing: readonly Begun[] = []

/** A layout whose series have the keys of stored states. */
export function storedLayout(layout: Layout, added: Past['added']): Layout {
  return { ...layout, series: layout.series.map((def) => ({ ...def, key: added[def.key]?.key ?? def.key })) }
}

/** Of several lists of instants by definition the latest of each. */
export function latestInstants(lists: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const latest: Record<string, number> = {}
  for (const list of lists)
    for (const [definition, at] of Object.entries(list)) latest[definition] = Math.max(latest[definition] ?? at, at)
  return latest
}

/** Number of the last backfill that a partition has finished; 0: none. */
export function lastFinished(fill: Fill | null): number {
  if (fill === null) return 0
  return fill.isDone ? fill.number : fill.number - 1
}

/** The definitions of the series that a backfill fills, or filled. */
export function seriesOf({ added, backfill }: Pick<Past, 'added' | 'backfill'>, number: number): readonly string[] {
  if (number === backfill.number && backfill.series.length > 0) return backfill.series
  return Object.keys(added).filter((definition) => added[definition]?.filled === number)
}

/** What a header has to say of series whose past is not known, as of one state of the installation's record. */
export class SeriesPast {
  /** Since when each series of the layout is observed, in its order. */
  readonly observedSince: readonly number[]
  /** What records of batches say of them; the same object as long as nothing changes. */
  readonly told: BatchSeries
  readonly #past: Past
  readonly #definitions: readonly string[]
  readonly #added: readonly AddedSeries[]
  /** Activations of which some series is not filled, and the newest backfill that filled any. */
  readonly #open: readonly number[]
  readonly #lastFilled: number

  /** @param layout of the pack, with the keys of definitions */
  constructor(layout: Layout, past: Past) {
    this.observedSince = layout.series.map(({ key }) => past.observedSince[key] ?? Number.POSITIVE_INFINITY)
    const stored = storedLayout(layout, past.added).series
    const renamed = stored.flatMap(({ key }, index) => (key === layout.series[index]?.key ? [] : [{ index, key }]))
    this.told = { since: this.observedSince, renamed }
    this.#past = past
    this.#definitions = layout.series.map(({ key }) => key)
    this.#added = Object.values(past.added)
    this.#open = activationsOf(this.#added.filter(({ filled }) => filled === 0))
    this.#lastFilled = Math.max(0, ...this.#added.map(({ filled }) => filled))
  }

  /** Whether it is known what a backfill fills. */
  knows({ number }: Pick<Fill, 'number'>): boolean {
    return number <= this.#past.backfill.number
  }

  /**
   * Where the series that are not filled begin. An activation that the header does not name was not applied yet: it begins at the
   * next event. A series that was filled, though this partition does not know of it, is not filled here: the store lost that.
   */
  begun(meta: Pick<Meta, 'begun' | 'fill' | 'next'>): readonly Begun[] {
    const finished = lastFinished(meta.fill)
    const needed =
      this.#lastFilled <= finished
        ? this.#open
        : activationsOf(this.#added.filter(({ filled }) => filled === 0 || filled > finished))
    if (needed.length === 0) return nothing
    const isSame = needed.length === meta.begun.length && needed.every((one, i) => meta.begun[i]?.activation === one)
    if (isSame) return meta.begun
    return needed.map(
      (activation) => meta.begun.find((begun) => begun.activation === activation) ?? { activation, at: meta.next },
    )
  }

  /** The series, by their place in the layout, whose activation the header does not name: no event was counted under it. */
  unknownTo(meta: Pick<Meta, 'begun' | 'fill'>): readonly number[] {
    const begun = this.begun({ ...meta, next: -1 })
    const fresh = begun.filter(({ at }) => at === -1).map(({ activation }) => activation)
    if (fresh.length === 0) return []
    return this.#definitions.flatMap((definition, i) =>
      fresh.includes(this.#past.added[definition]?.activation ?? -1) ? [i] : [],
    )
  }

  /** The series, by their place in the layout, that a backfill has filled. */
  filled(): readonly number[] {
    return this.#definitions.flatMap((definition, i) => ((this.#past.added[definition]?.filled ?? 0) > 0 ? [i] : []))
  }

  /** For each series of the layout, the offset below which a backfill adds its events; -1: it is not filled. */
  limits(fill: Fill, begun: readonly Begun[]): Float64Array {
    const filled = seriesOf(this.#past, fill.number)
    return Float64Array.from(this.#definitions, (definition) => {
      if (!filled.includes(definition)) return -1
      const activation = this.#past.added[definition]?.activation
      const at = begun.find((one) => one.activation === activation)?.at
      assert(at !== undefined, 'a series that is filled began somewhere')
      return at
    })
  }
}

function activationsOf(added: readonly AddedSeries[]): readonly number[] {
  return [...new Set(added.map(({ activation }) => activation))].sort((a, b) => a - b)
}
