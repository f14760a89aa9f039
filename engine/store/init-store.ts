import { type Cluster, type Store, StoreError } from './store.ts'

/**
 * Makes an empty store ready: the header of every partition, then the record of the installation, which makes it count.
 * On a store that was initialised it changes nothing and returns the record of then.
 *
 * @throws StoreError `partitions_changed` when the number of partitions is not that of the first start
 */
export async function initStore(store: Store, cluster: Cluster): Promise<Cluster> {
  const before = await store.cluster()
  if (before !== null) {
    if (before.partitions === cluster.partitions) return before
    throw new StoreError(
      'partitions_changed',
      `The data were laid out for ${before.partitions} partitions and ${cluster.partitions} are asked for. ` +
        'The number is fixed at the first start.',
      { retryable: false },
    )
  }
  for (let partition = 0; partition < cluster.partitions; partition++) {
    // There already when the first start was cut short here.
    if ((await store.meta(partition)) !== null) continue
    await store.create(partition, {
      next: 0,
      appendTime: 0,
      clock: 0,
      pack: cluster.pack,
      published: 0,
      accepted: 0,
      duplicates: 0,
      deadLettered: 0,
      decisions: 0,
    })
  }
  await store.putCluster(cluster)
  return cluster
}
