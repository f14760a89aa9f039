import type { Store } from '../../engine/store/store.ts'

/** Everything a store gives of a partition, bytes as hex, so that two moments, or two stores, can be compared. */
export async function dumpPartition(store: Store, partition: number, customerIds: readonly string[]): Promise<unknown> {
  const states = await store.load(partition, customerIds)
  const outbox = await store.outbox(partition, 0, 1_000_000_000)
  return {
    meta: await store.meta(partition),
    states: states.map((stored) =>
      stored === null
        ? null
        : { base: stored.base === null ? null : hex(stored.base), patches: stored.patches.map(hex) },
    ),
    tombstones: [...(await store.tombstones(partition, 0))].sort(),
    due: await store.due(partition, 4_096),
    outbox: outbox.map(({ seq, value }) => `${seq} ${hex(value)}`),
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
