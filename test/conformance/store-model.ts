/** What a store holds of a partition behind a list of commits: a map, a list, nothing clever. */
import type { Commit, CommitMeta, Store } from '../../engine/store/store.ts'

export type ModelState = { readonly base: string | null; readonly patches: readonly string[] }

/** A partition as it is compared, bytes as hex. */
export type ModelPartition = {
  readonly meta: CommitMeta & { readonly seq: number }
  readonly states: ReadonlyMap<string, ModelState>
  readonly tombstones: ReadonlyMap<string, number>
  /** Instants by customer. */
  readonly due: ReadonlyMap<string, number>
  readonly outbox: ReadonlyMap<number, string>
}

/** The partition behind those of the commits that were made up to a seq. */
export function modelAt(commits: readonly Commit[], seq: number, first: CommitMeta): ModelPartition {
  const states = new Map<string, ModelState>()
  const tombstones = new Map<string, number>()
  const due = new Map<string, number>()
  const outbox = new Map<number, string>()
  let meta = first
  for (const commit of commits) {
    if (commit.to > seq) break
    meta = commit.meta
    for (const write of commit.writes) {
      const before = states.get(write.customerId) ?? { base: null, patches: [] }
      if (write.kind === 'erase') {
        states.delete(write.customerId)
        tombstones.set(write.tombstone, write.at)
      } else if (write.kind === 'base') {
        states.set(write.customerId, { base: hex(write.bytes), patches: [] })
      } else {
        states.set(write.customerId, { base: before.base, patches: [...before.patches, hex(write.bytes)] })
      }
    }
    for (const { customerId, at } of commit.due) {
      if (at === 0) due.delete(customerId)
      else due.set(customerId, at)
    }
    for (const { kind, customerId } of commit.writes) if (kind === 'erase') due.delete(customerId)
    for (const of of [...outbox.keys()]) if (of <= commit.trim) outbox.delete(of)
    if (commit.outbox !== null) outbox.set(commit.to, hex(commit.outbox))
  }
  return { meta: { ...meta, seq }, states, tombstones, due, outbox }
}

/** What a store holds of a partition, of all customers that it may know. */
export async function storedPartition(
  store: Store,
  partition: number,
  customerIds: readonly string[],
): Promise<ModelPartition & { readonly owner: string }> {
  const header = await store.meta(partition)
  if (header === null) throw new Error('the partition has a header')
  const { token, addr, ...meta } = header
  const states = new Map<string, ModelState>()
  for (let i = 0; i < customerIds.length; i += 1_000) {
    const some = customerIds.slice(i, i + 1_000)
    const loaded = await store.load(partition, some)
    loaded.forEach((stored, k) => {
      if (stored === null) return
      const base = stored.base === null ? null : hex(stored.base)
      states.set(some[k] ?? '', { base, patches: stored.patches.map(hex) })
    })
  }
  const values = await store.outbox(partition, 0, 2 ** 40)
  return {
    meta,
    states,
    tombstones: await store.tombstones(partition, 0),
    due: new Map((await store.due(partition, 4_096)).map(({ customerId, at }) => [customerId, at])),
    outbox: new Map(values.map(({ seq, value }) => [seq, hex(value)])),
    owner: token + addr,
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
