/** The backfill of an installation as its record has it: how it begins, halts and ends, and what a partition has to do. */
import { lastFinished, type Past, seriesOf } from '../shard/series-past.ts'
import type { Backfill, Cluster, Fill, Meta } from '../store/store.ts'

/** The definitions of the series that were added and are not filled, and not being filled. */
export function openSeries({ added, backfill }: Pick<Cluster, 'added' | 'backfill'>): readonly string[] {
  return Object.keys(added).filter(
    (definition) => added[definition]?.filled === 0 && !backfill.series.includes(definition),
  )
}

/** Whether a backfill is in progress and goes on. */
export function isUnderWay({ series, until, halt }: Backfill, now: number): boolean {
  return series.length > 0 && halt === 'none' && now < until
}

/**
 * The record with a backfill in progress: the one that was halted goes on where it was, else one of all series that are not filled
 * begins. null: there is nothing to fill.
 * @param until it is not gone on with from then on, Unix milliseconds
 */
export function begunBackfill(cluster: Cluster, until: number): Cluster | null {
  const { number, series } = cluster.backfill
  if (series.length > 0) return { ...cluster, backfill: { number, series, until, halt: 'none' } }
  const open = openSeries(cluster)
  return open.length === 0 ? null : { ...cluster, backfill: { number: number + 1, series: open, until, halt: 'none' } }
}

/** The record with its backfill halted; null: none is in progress. */
export function haltedBackfill(cluster: Cluster, halt: 'asked' | 'full'): Cluster | null {
  return cluster.backfill.series.length === 0 ? null : { ...cluster, backfill: { ...cluster.backfill, halt } }
}

/** The next backfill that a partition has to do or to go on with; null: none. */
export function nextBackfill(past: Pick<Past, 'added' | 'backfill'>, fill: Fill | null, now: number): number | null {
  const { number } = past.backfill
  // One that the store has lost since: the installation's record says that it is done.
  const lost = Object.values(past.added).map(({ filled }) => filled)
  const wanted = [...lost, isUnderWay(past.backfill, now) ? number : 0]
  if (fill !== null && !fill.isDone && wanted.includes(fill.number) && seriesOf(past, fill.number).length > 0) {
    return fill.number
  }
  const due = wanted.filter((one) => one > lastFinished(fill))
  return due.length === 0 ? null : Math.min(...due)
}

/** Whether the partition of a header has finished the backfill in progress. */
export function hasFinished({ backfill }: Pick<Cluster, 'backfill'>, { fill }: Pick<Meta, 'fill'>): boolean {
  return fill !== null && fill.number === backfill.number && fill.isDone
}

/**
 * The record behind a backfill that every partition has finished: its series are known from the instant on from which every partition
 * knows them, or as long as they were, when that is longer.
 */
export function filledIn(cluster: Cluster, fills: readonly Fill[]): Cluster {
  const { number, series, until } = cluster.backfill
  const since = fills.reduce((latest, fill) => Math.max(latest, fill.since), cluster.completeSince)
  const observedSince = { ...cluster.observedSince }
  const added = { ...cluster.added }
  for (const definition of series) {
    observedSince[definition] = Math.min(observedSince[definition] ?? since, since)
    const before = added[definition]
    if (before !== undefined) added[definition] = { ...before, filled: number }
  }
  return { ...cluster, observedSince, added, backfill: { number, series: [], until, halt: 'none' } }
}
