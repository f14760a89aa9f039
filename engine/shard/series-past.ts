import assert from 'node:assert/strict'
import type { Layout } from '../../rules/compiled.ts'
import type { Begun, Cluster, Fill, Meta } from '../store/store.ts'

/** What a shard acts by of the installation's record: since when series are observed, and which may still be filled. */
export type Past = Pick<Cluster, 'observedSince' | 'added' | 'backfill'>

const nothing: readonly Begun[] = []

/** A layout whose series have the keys of stored states. */
export function storedLayout(layout: Layout, added: Past['added']): Layout {
  return { ...layout, series: layout.series.map((def) => ({ ...def, key: added[def.key]?.key ?? def.key })) }
}

/** Whether a partition has read everything it had to. */
export function isFinished(fill: Fill): boolean {
  return fill.pass >= fill.passes
}

/** What a header has to say of series whose past is not known, as of one state of the installation's record. */
export class SeriesPast {
  /** Since when each series of the layout is observed, in its order. */
  readonly observedSince: readonly number[]
  readonly #past: Past
  readonly #keys: readonly string[]
  /** Activation that added a series, by stored key. */
  readonly #activations: ReadonlyMap<string, number>
  /** Activations of which some series is not filled. */
  readonly #open: readonly number[]

  /** @param layout of the pack, with the keys of definitions */
  constructor(layout: Layout, past: Past) {
    const added = Object.values(past.added)
    this.observedSince = layout.series.map(({ key }) => past.observedSince[key] ?? Number.POSITIVE_INFINITY)
    this.#past = past
    this.#keys = layout.series.map(({ key }) => past.added[key]?.key ?? key)
    this.#activations = new Map(added.map(({ key, activation }) => [key, activation]))
    this.#open = unique(added.filter(({ isFilled }) => !isFilled).map(({ activation }) => activation))
  }

  /**
   * Where the series that are not filled begin. An activation that the header does not name was not applied yet: it begins at the
   * next event.
   */
  begun(meta: Pick<Meta, 'begun' | 'fill' | 'next'>): readonly Begun[] {
    const fill = this.fill(meta)
    const needed =
      fill === null || isFinished(fill) ? this.#open : unique([...this.#open, ...this.#activationsOf(fill)])
    if (needed.length === 0) return nothing
    const isSame = needed.length === meta.begun.length && needed.every((one, i) => meta.begun[i]?.activation === one)
    if (isSame) return meta.begun
    return needed.map(
      (activation) => meta.begun.find((begun) => begun.activation === activation) ?? { activation, at: meta.next },
    )
  }

  /**
   * The backfill of a partition as far as it matters still: a finished one until the installation's is, an unfinished one always.
   * The store may have lost that it was finished when the installation's is.
   */
  fill({ fill }: Pick<Meta, 'fill'>): Fill | null {
    if (fill === null) return null
    const { number, series } = this.#past.backfill
    if (isFinished(fill)) return fill.number === number && series.length > 0 ? fill : null
    const keys = fill.keys.filter((key) => this.#keys.includes(key))
    if (keys.length === 0) return null
    return keys.length === fill.keys.length ? fill : { ...fill, keys }
  }

  /** For each series of the layout, the offset below which its events are filled in; -1: it is not filled. */
  limits(fill: Fill, begun: readonly Begun[]): Float64Array {
    return Float64Array.from(this.#keys, (key) => {
      if (!fill.keys.includes(key)) return -1
      const activation = this.#activations.get(key)
      const at = begun.find((one) => one.activation === activation)?.at
      assert(at !== undefined, 'a series that is filled began somewhere')
      return at
    })
  }

  #activationsOf({ keys }: Fill): number[] {
    return keys.flatMap((key) => this.#activations.get(key) ?? [])
  }
}

function unique(activations: readonly number[]): readonly number[] {
  return [...new Set(activations)].sort((a, b) => a - b)
}
