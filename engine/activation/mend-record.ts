import type { CompiledPack } from '../../rules/compiled.ts'
import { activatePack } from '../activate-pack.ts'
import { lastAppendTime } from '../installation.ts'
import { clockSkewMs } from '../step/admit-event.ts'
import type { Cluster, Store } from '../store/store.ts'

/** An activation, as somebody other than the record knows it. */
export type KnownActivation = { readonly activation: number; readonly pack: string }

/** The record as it is to be; `notKept`: the activation that it should name and cannot, as its pack is not kept. */
export type MendedRecord = { readonly cluster: Cluster; readonly notKept: KnownActivation | null }

/**
 * The installation's record as it is to be. When a header of a partition names a later activation, or this node runs one, the store has
 * lost the record of it, in a failover or with a backup from before: it is written again, as nobody takes such a partition under an
 * older pack. null: somebody else changed the record at the same moment.
 * @param runs what this node runs; null: nothing yet
 * @param compile a kept pack; null: it is not kept, so that the record stays as it is
 * @param now Unix milliseconds
 * @throws StoreError
 */
export async function mendRecord(
  store: Pick<Store, 'putCluster' | 'meta'>,
  cluster: Cluster,
  runs: KnownActivation | null,
  compile: (packHash: string) => Promise<CompiledPack | null>,
  now: number,
): Promise<MendedRecord | null> {
  const metas = await Promise.all(Array.from({ length: cluster.partitions }, (_, p) => store.meta(p)))
  const latest = metas.reduce<KnownActivation | null>(
    (last, one) => ((one?.activation ?? 0) > (last?.activation ?? 0) ? one : last),
    runs,
  )
  if (latest === null || latest.activation <= cluster.activations) return { cluster, notKept: null }
  const pack = await compile(latest.pack)
  if (pack === null) return { cluster, notKept: latest }
  const next = activatePack(
    // Whatever was in force before, this is the activation that the header names.
    { ...cluster, pack: '', activations: latest.activation - 1 },
    { hash: latest.pack, layout: pack.layout },
    Math.max(now, await lastAppendTime(store, cluster)) + clockSkewMs + 1,
  )
  return (await store.putCluster(next, cluster)) ? { cluster: next, notKept: null } : null
}
