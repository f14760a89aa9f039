/** The backfill of an installation as its record has it: what is to be filled, who may ask for it, what a partition has to do. */
import type { Layout } from '../../rules/compiled.ts'
import { isFinished, lastFinished, type Past, seriesOf } from '../shard/series-past.ts'
import type { Cluster, Fill, Meta } from '../store/store.ts'
import { lookBackOf } from './fill-beginning.ts'

/** How much of its past a feature knows. */
export type FeaturePast = {
  readonly feature: string
  /** Definition of its series. */
  readonly series: string
  /** The events it counts are known from here on, Unix milliseconds. */
  readonly since: number
  /** From here on its value is the true one; null: never, as it looks over the whole life of a customer. */
  readonly completeFrom: number | null
  /** `open`: its series was added later and may still be filled in. */
  readonly state: 'complete' | 'open' | 'filled'
}

/** What each feature of a layout knows of its past. */
export function featurePasts(cluster: Cluster, layout: Layout, now: number): readonly FeaturePast[] {
  return layout.features.map(({ model, series }) => {
    const definition = layout.series[series]?.key ?? ''
    const since = cluster.observedSince[definition] ?? now
    const isWhole = since <= cluster.completeSince
    const lookBack = lookBackOf({ ...layout, features: layout.features.filter((one) => one.model === model) }, [
      definition,
    ])
    const completeFrom = isWhole ? since : Number.isFinite(lookBack) ? since + lookBack : null
    const isComplete = completeFrom !== null && completeFrom <= now
    const isOpen = cluster.added[definition]?.filled === 0
    const state = isComplete ? 'complete' : isOpen ? 'open' : 'filled'
    return { feature: model.id, series: definition, since, completeFrom, state }
  })
}

/** The next backfill that a partition has to do or to go on with; null: none. */
export function nextBackfill(past: Pick<Past, 'added' | 'backfill'>, fill: Fill | null): number | null {
  if (fill !== null && !isFinished(fill) && seriesOf(past, fill.number).length > 0) return fill.number
  // One that the store has lost since: the installation's record says that it is done.
  const lost = Object.values(past.added).map(({ filled }) => filled)
  const { number, series } = past.backfill
  const due = [...lost, series.length > 0 ? number : 0].filter((one) => one > lastFinished(fill))
  return due.length === 0 ? null : Math.min(...due)
}

/** Whether the partition of a header has finished the backfill in progress. */
export function hasFinished({ backfill }: Pick<Cluster, 'backfill'>, { fill }: Pick<Meta, 'fill'>): boolean {
  return fill !== null && fill.number === backfill.number && isFinished(fill)
}

/**
 * The record behind a backfill that every partition has finished: its series are known from the instant on from which every partition
 * knows them, or as long as they were, when that is longer.
 */
export function filledIn(cluster: Cluster, fills: readonly Fill[]): Cluster {
  const { number, series } = cluster.backfill
  const since = fills.reduce((latest, fill) => Math.max(latest, fill.since), cluster.completeSince)
  const observedSince = { ...cluster.observedSince }
  const added = { ...cluster.added }
  for (const definition of series) {
    observedSince[definition] = Math.min(observedSince[definition] ?? since, since)
    const before = added[definition]
    if (before !== undefined) added[definition] = { ...before, filled: number }
  }
  return { ...cluster, observedSince, added, backfill: { number, series: [] } }
}
