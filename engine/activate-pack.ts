import { createHash } from 'node:crypto'
import type { Layout } from '../rules/compiled.ts'
import type { AddedSeries, Cluster } from './store/store.ts'

/**
 * The installation's record with a pack in force. A series that it does not know yet is observed since `newSince` and has its
 * past unknown until it is filled in; one that the pack leaves out is forgotten, as it is not recorded meanwhile. A backfill goes on
 * with what is left of its series. Another pack than before is another activation, also one that was in force before.
 *
 * @param newSince Unix milliseconds: every event that counts as of then or later comes behind what was applied so far
 */
export function activatePack(
  cluster: Cluster,
  pack: { readonly hash: string; readonly layout: Layout },
  newSince: number,
): Cluster {
  const activation = cluster.activations + 1
  const observedSince: Record<string, number> = {}
  const added: Record<string, AddedSeries> = {}
  let begins = pack.hash !== cluster.pack
  for (const { key: definition } of pack.layout.series) {
    const since = cluster.observedSince[definition]
    const before = cluster.added[definition]
    observedSince[definition] = since ?? newSince
    if (before !== undefined && since !== undefined) added[definition] = before
    if (since !== undefined) continue
    begins = true
    added[definition] = { key: storedKey(definition, activation), activation, filled: 0 }
  }
  return {
    ...cluster,
    pack: pack.hash,
    observedSince,
    activations: begins ? activation : cluster.activations,
    added,
    backfill: {
      ...cluster.backfill,
      series: cluster.backfill.series.filter((definition) => added[definition]?.filled === 0),
    },
  }
}

/**
 * Another key for each activation: a customer who was not written since a pack left the series out still has its old entries in
 * store, and they must not come back. 13 hex digits, as the key of a definition.
 */
function storedKey(definition: string, activation: number): string {
  return createHash('sha256').update(`${definition} ${activation}`).digest('hex').slice(0, 13)
}
