import { lookBackMs } from '../../rules/compile-layout.ts'
import type { Layout } from '../../rules/compiled.ts'
import type { FeatureModel } from '../../rules/model.ts'
import { clockSkewMs } from '../step/admit-event.ts'
import type { Fill } from '../store/store.ts'
import { appendTimeAt, offsetAt, type SearchedLog } from './offset-at.ts'

export type BeginningParts = {
  readonly log: SearchedLog
  /** With the keys of definitions. */
  readonly layout: Layout
  readonly completeSince: number
}

/** A partition of a backfill that begins. */
export type BeginningOf = {
  readonly partition: number
  readonly number: number
  readonly series: readonly string[]
  /** Since when these series are observed without it. */
  readonly observedSince: number
  /** Next offset that the partition will apply. */
  readonly next: number
}

/** How far back a feature looks, milliseconds; Infinity: over the whole life of a customer. */
export function lookBackOf(model: FeatureModel): number {
  return model.window.kind === 'lifetime' ? Number.POSITIVE_INFINITY : lookBackMs(model)
}

/**
 * Where a backfill of a partition begins to read: as far back as any feature over its series looks, or where the log begins. `since`
 * says from which instant on it then knows every event: an event counts no later than `clockSkewMs` behind its arrival.
 * @throws LogError
 */
export async function fillBeginning(parts: BeginningParts, of: BeginningOf): Promise<Fill> {
  const { log, layout, completeSince } = parts
  const { partition, number, next } = of
  const { start } = await log.bounds(partition)
  const last = next > start ? await appendTimeAt(log, partition, next - 1) : null
  const models = layout.features.filter(({ series }) => of.series.includes(layout.series[series]?.key ?? ''))
  const lookBack = Math.max(0, ...models.map(({ model }) => lookBackOf(model)))
  const wanted = (last ?? 0) - lookBack - layout.dedupeMs
  const from = wanted > 0 ? Math.min(next, await offsetAt(log, partition, wanted)) : start
  const known = from > start ? wanted + clockSkewMs : await knownFrom(parts, of, start)
  return { number, from, at: from, isDone: false, since: Math.max(completeSince, known) }
}

/** From which instant on a log that is read from its first record on is complete. */
async function knownFrom(parts: BeginningParts, of: BeginningOf, start: number): Promise<number> {
  if (start === 0) return parts.completeSince
  const first = await appendTimeAt(parts.log, of.partition, start)
  return first === null ? of.observedSince : first + clockSkewMs + 1
}
