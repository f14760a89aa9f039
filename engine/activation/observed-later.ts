import { latestInstants } from '../shard/series-past.ts'
import type { Store } from '../store/store.ts'

/** Others may change the record between reading and writing it. */
const attemptsMax = 5

/** Series that are observed later than the record of an activation says: instants by definition, Unix milliseconds. */
export type ObservedLater = { readonly activation: number; readonly series: Readonly<Record<string, number>> }

/** What is known of the later one of two activations; of the same one the latest instants. */
export function latestOf(before: ObservedLater | null, now: ObservedLater): ObservedLater {
  if (before?.activation !== now.activation) return now
  return { activation: now.activation, series: latestInstants([before.series, now.series]) }
}

/**
 * Writes into the installation's record that series are observed later than it says, as a partition came over to their pack later
 * than was foreseen. Nothing is written for another activation than that of the record.
 * @throws StoreError
 */
export async function observedLater(
  store: Pick<Store, 'cluster' | 'putCluster'>,
  activation: number,
  later: Readonly<Record<string, number>>,
): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const cluster = await store.cluster()
    if (cluster === null || cluster.activations !== activation) return
    const raised = Object.entries(later).filter(
      ([series, since]) => cluster.added[series]?.filled === 0 && since > (cluster.observedSince[series] ?? since),
    )
    if (raised.length === 0) return
    const next = { ...cluster, observedSince: { ...cluster.observedSince, ...Object.fromEntries(raised) } }
    if (await store.putCluster(next, cluster)) return
  }
}
