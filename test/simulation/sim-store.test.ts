/** The model of a store is to be relied on where a fault of an engine is looked for: what is due behaves as in the adapters. */
import { expect, test } from 'vitest'
import type { Due } from '../../engine/state/states.ts'
import type { Commit, StoreWrite } from '../../engine/store/store.ts'
import { expectedDue, workloadCommit, zeroMeta } from '../conformance/store-workload.ts'
import { SimStore } from './sim-store.ts'
import { VirtualTime } from './virtual-time.ts'

function started(): { readonly store: SimStore; readonly time: VirtualTime } {
  const time = new VirtualTime()
  const store = new SimStore({ time, now: () => time.now, waitFor: 0, without: new Set() })
  store.create(0, zeroMeta)
  return { store, time }
}

function commitOf(seq: number, due: readonly Due[], writes: readonly StoreWrite[] = []): Commit {
  const rest = { token: '', meta: zeroMeta, outbox: null, trim: 0, notAfter: null }
  return { ...rest, from: seq - 1, to: seq, writes, due }
}

test('the simulated store gives what is due in order, as much as it is asked for', async () => {
  const { store } = started()
  for (let seq = 1; seq <= 40; seq++) {
    expect(await store.commit(0, workloadCommit('', seq))).toEqual({ kind: 'applied' })
    expect(store.due(0, 100)).toEqual(expectedDue(seq))
    expect(store.due(0, 3)).toEqual(expectedDue(seq).slice(0, 3))
  }
  expect(await store.commit(0, workloadCommit('', 39))).toMatchObject({ kind: 'seq_mismatch' })
  expect(store.due(0, 100)).toEqual(expectedDue(40))
  expect(() => store.due(1, 100)).toThrow('header')
})

test('the simulated store keeps nothing due of an erased customer', async () => {
  const { store } = started()
  await store.commit(0, commitOf(1, [{ customerId: 'a', at: 5 }]))
  const erase: StoreWrite = { kind: 'erase', customerId: 'a', at: 7, tombstone: 't' }
  await store.commit(0, commitOf(2, [{ customerId: 'a', at: 9 }], [erase]))
  expect(store.due(0, 100)).toEqual([])
})

test('a failover of the simulated store forgets what was due when it had not reached the replica, and no more', async () => {
  const { store, time } = started()
  await store.commit(0, commitOf(1, [{ customerId: 'a', at: 5 }]))
  await time.run(10)
  store.replicationMs = Number.POSITIVE_INFINITY
  await store.commit(
    0,
    commitOf(2, [
      { customerId: 'a', at: 0 },
      { customerId: 'b', at: 3 },
    ]),
  )
  store.failover()
  expect(store.due(0, 100)).toEqual([{ customerId: 'a', at: 5 }])
  // The copy that is the replica from now on is one of its own.
  await store.commit(0, commitOf(2, [{ customerId: 'c', at: 1 }]))
  store.failover()
  expect(store.due(0, 100)).toEqual([{ customerId: 'a', at: 5 }])
})
