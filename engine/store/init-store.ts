import { type Cluster, type CommitMeta, type Store, StoreError } from './store.ts'

/** What a header says before the first commit. */
export function firstMeta(pack: string): CommitMeta {
  return {
    next: 0,
    appendTime: 0,
    clock: 0,
    pack,
    activation: 0,
    published: 0,
    dpos: 0,
    adopting: null,
    begun: [],
    fill: null,
    accepted: 0,
    duplicates: 0,
    deadLettered: 0,
    decisions: 0,
  }
}

/**
 * Makes an empty store ready: the header of every partition, then the record of the installation, which makes it count.
 * On a store that was initialised it changes nothing and returns the record of then. Several processes may do it at once.
 *
 * @throws StoreError `partitions_changed` when the number of partitions is not that of the first start
 */
export async function initStore(store: Store, cluster: Cluster): Promise<Cluster> {
  for (;;) {
    const before = await store.cluster()
    if (before !== null) {
      if (before.partitions === cluster.partitions) return before
      throw partitionsChanged(before.partitions, cluster.partitions)
    }
    for (let partition = 0; partition < cluster.partitions; partition++) {
      await store.create(partition, firstMeta(cluster.pack))
    }
    if (await store.putCluster(cluster, null)) return cluster
  }
}

/** The refusal of another partition count. */
export function partitionsChanged(stored: number, asked: number): StoreError {
  return new StoreError(
    'partitions_changed',
    `The data were laid out for ${stored} partitions and ${asked} are asked for. ` +
      'The number is fixed at the first start.',
    { retryable: false },
  )
}
