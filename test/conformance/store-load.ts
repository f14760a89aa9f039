/** Commits without pause to every partition of a store, from a seed, all of them remembered. */

import { createRandom } from '../../bench/workload/random.ts'
import type { Due } from '../../engine/state/states.ts'
import { initStore } from '../../engine/store/init-store.ts'
import {
  type Cluster,
  type Commit,
  type CommitMeta,
  nothingAdded,
  type Store,
  type StoreWrite,
  storeFormat,
} from '../../engine/store/store.ts'
import { zeroMeta } from './store-workload.ts'

export const loadCluster: Cluster = {
  format: storeFormat,
  partitions: 3,
  clock: 'wall',
  log: 'log',
  salt: 'salt',
  completeSince: 5,
  pack: 'pack',
  observedSince: { abc: 7 },
  ...nothingAdded,
  added: { abc: { key: 'abd', activation: 1, filled: 0 } },
}

/** An owner of all partitions that goes on until it is told to stop. */
export type StoreLoad = {
  /** Applied so far, by partition, oldest first. */
  readonly commits: readonly (readonly Commit[])[]
  /** Every customer that was ever written to. */
  customers(partition: number): readonly string[]
  stop(): Promise<void>
}

const known = 1_200

/** Makes the store, fills it, and begins. */
export async function startLoad(store: Store, seed: number): Promise<StoreLoad> {
  await store.putPack('pack', '{"name":"bank"}')
  await store.putPack('older', '{}')
  await initStore(store, loadCluster)
  const partitions = Array.from({ length: loadCluster.partitions }, (_, partition) => partition)
  const commits: Commit[][] = partitions.map(() => [])
  const ids = partitions.map(() => new Set<string>())
  let isStopped = false
  const commit = async (partition: number, made: Commit): Promise<void> => {
    const reply = await store.commit(partition, made)
    if (reply.kind !== 'applied') throw new Error(`a commit was answered ${reply.kind}`)
    commits[partition]?.push(made)
    for (const { customerId } of made.writes) ids[partition]?.add(customerId)
  }
  const run = async (partition: number): Promise<void> => {
    const random = createRandom(seed, `load ${partition}`)
    for (let seq = known / 200 + 1; !isStopped; seq++) {
      await commit(partition, randomCommit(seq, random))
    }
  }
  for (const partition of partitions) {
    await store.acquire(partition, 'token', 'node:1')
    for (let seq = 1; seq <= known / 200; seq++) await commit(partition, firstCommit(seq))
  }
  const running = Promise.all(partitions.map(run))
  return {
    commits,
    customers: (partition) => [...(ids[partition] ?? [])],
    async stop() {
      isStopped = true
      await running
    },
  }
}

type Random = ReturnType<typeof createRandom>

function firstCommit(to: number): Commit {
  const writes = Array.from({ length: 200 }, (_, i): StoreWrite => {
    const customerId = `C${(to - 1) * 200 + i}`
    return { kind: 'base', customerId, bytes: Buffer.alloc(100 + (i % 7) * 90, to), patches: 0 }
  })
  const due = Array.from({ length: 100 }, (_, i) => ({ customerId: `C${(to - 1) * 200 + i}`, at: 1_000 + i }))
  return { token: 'token', from: to - 1, to, meta: metaAt(to), writes, due, outbox: null, trim: 0, notAfter: null }
}

function randomCommit(to: number, random: Random): Commit {
  const writes = new Map<string, StoreWrite>()
  for (let i = random.below(12); i >= 0; i--) {
    // A fifth of them are new.
    const customerId = random.below(5) === 0 ? `N${to}-${i}` : `C${random.below(known)}`
    const what = random.below(20)
    const bytes = Buffer.from(`${to} ${customerId} ${'x'.repeat(random.below(60))}`)
    if (what === 0) writes.set(customerId, { kind: 'erase', customerId, at: to * 1_000, tombstone: `t-${customerId}` })
    else if (what < 5) writes.set(customerId, { kind: 'base', customerId, bytes, patches: 0 })
    else writes.set(customerId, { kind: 'patch', customerId, index: 0, bytes })
  }
  return {
    token: 'token',
    from: to - 1,
    to,
    meta: metaAt(to),
    writes: [...writes.values()],
    due: Array.from({ length: random.below(4) }, () => randomDue(to, random)),
    outbox: random.below(3) === 0 ? null : Buffer.from(`out ${to}`),
    trim: Math.max(0, to - 5),
    notAfter: null,
  }
}

/** Of a customer that is written to elsewhere, or never is; a fourth of them say that nothing is due. */
function randomDue(to: number, random: Random): Due {
  const customerId = random.below(4) === 0 ? `D${random.below(300)}` : `C${random.below(known)}`
  return { customerId, at: random.below(4) === 0 ? 0 : to * 1_000 + random.below(100) }
}

function metaAt(seq: number): CommitMeta {
  return { ...zeroMeta, next: seq * 10, appendTime: seq, published: Math.max(0, seq - 5), dpos: seq, accepted: seq * 3 }
}
