/** What a backfill has done and what is known of each feature that was added, in words for people. */
import type { Layout } from '../../rules/compiled.ts'
import type { Cluster, Meta } from '../store/store.ts'
import { hasFinished, isUnderWay, openSeries } from './backfill-job.ts'
import { lookBackOf } from './fill-beginning.ts'

/** How much of its past a feature over an added series knows. */
export type FeaturePast = {
  readonly feature: string
  /** `open`: not filled. `filling`: a backfill of it is in progress, halted or not. */
  readonly state: 'open' | 'filling' | 'filled'
  /** The events it counts are known from here on, Unix milliseconds. */
  readonly since: number
  /** From here on its value is the true one; null: never, as it looks over the whole life of a customer. */
  readonly completeFrom: number | null
  /** What is missing and until when, in a sentence; null: nothing is. */
  readonly missing: string | null
}

export type BackfillStatus = {
  /** `nothing`: every feature was there from the first start, or is filled. `open`: some are not, and nobody asked for it. */
  readonly state: 'nothing' | 'open' | 'running' | 'halted'
  /** Why it does not go on, or goes on later, in a sentence; null: it goes on. */
  readonly problem: string | null
  /** How much of the log is read, 0 to 100; of nothing 100. */
  readonly percent: number
  readonly partitions: { readonly done: number; readonly of: number }
  /** The features over series that a pack added later. */
  readonly features: readonly FeaturePast[]
}

/**
 * The backfill of an installation.
 * @param metas headers of all partitions; null: missing
 * @param problem what this node found in the way
 */
export function backfillStatus(
  cluster: Cluster,
  layout: Layout,
  parts: { readonly metas: readonly (Meta | null)[]; readonly now: number; readonly problem: string | null },
): BackfillStatus {
  const { metas, now } = parts
  const { backfill } = cluster
  const features = featurePasts(cluster, layout, now)
  if (backfill.series.length === 0) {
    const state = openSeries(cluster).length > 0 ? 'open' : 'nothing'
    const of = metas.length
    return { state, problem: null, percent: state === 'open' ? 0 : 100, partitions: { done: 0, of }, features }
  }
  const shares = metas.map((meta) => (meta === null ? 0 : shareRead(cluster, meta)))
  const done = metas.filter((meta) => meta !== null && hasFinished(cluster, meta)).length
  const isGoing = isUnderWay(backfill, now)
  return {
    state: isGoing ? 'running' : 'halted',
    problem: isGoing ? parts.problem : haltSentences[backfill.halt],
    percent: Math.floor((shares.reduce((sum, share) => sum + share, 0) / shares.length) * 100),
    partitions: { done, of: metas.length },
    features,
  }
}

const haltSentences = {
  none: 'Its time was over before it was done. Start it again: it goes on where it was.',
  asked: 'It was halted. Start it again: it goes on where it was.',
  full: 'More event ids fall into the lateness of the pack than BACKFILL_MAX_MB has room for. Set more and start it again: it goes on where it was.',
} as const

/** How much of what it has to read a partition has read, 0 to 1. */
function shareRead(cluster: Cluster, { fill, begun, next }: Meta): number {
  if (fill === null || fill.number !== cluster.backfill.number) return 0
  if (fill.isDone) return 1
  const activations = cluster.backfill.series.map((definition) => cluster.added[definition]?.activation)
  const ends = begun.filter(({ activation }) => activations.includes(activation)).map(({ at }) => at)
  const end = ends.length === 0 ? next : Math.max(...ends)
  return end <= fill.from ? 0 : Math.min(1, (fill.at - fill.from) / (end - fill.from))
}

function featurePasts(cluster: Cluster, layout: Layout, now: number): readonly FeaturePast[] {
  return layout.features.flatMap(({ model, series }) => {
    const definition = layout.series[series]?.key ?? ''
    const added = cluster.added[definition]
    if (added === undefined) return []
    const since = cluster.observedSince[definition] ?? now
    const lookBackMs = lookBackOf(model)
    const completeFrom = Number.isFinite(lookBackMs) ? since + lookBackMs : since <= 0 ? 0 : null
    const isFilling = cluster.backfill.series.includes(definition)
    const state = added.filled > 0 ? 'filled' : isFilling ? 'filling' : 'open'
    const isComplete = completeFrom !== null && completeFrom <= now
    const missing = isComplete ? null : missingOf({ state, since, completeFrom }, since <= cluster.completeSince)
    return [{ feature: model.id, state, since, completeFrom, missing }]
  })
}

function missingOf(
  { state, since, completeFrom }: Pick<FeaturePast, 'state' | 'since' | 'completeFrom'>,
  isWhole: boolean,
): string {
  const before = new Date(since).toISOString()
  const gone = isWhole ? 'were never in the log (`proffer init --complete-since`)' : 'are not in the log any more'
  const why = state === 'filled' ? gone : 'are not counted yet'
  const then =
    completeFrom === null
      ? 'it looks over the whole life of a customer, so it stays incomplete'
      : `it is complete by itself from ${new Date(completeFrom).toISOString()} on`
  return `Events before ${before} ${why}; ${then}.`
}
