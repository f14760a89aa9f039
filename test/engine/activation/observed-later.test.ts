/** Series that a partition began to observe later than the record says, on a real store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { observedLater } from '../../../engine/activation/observed-later.ts'
import { initStore } from '../../../engine/store/init-store.ts'
import { openStore } from '../../../engine/store/open-store.ts'
import { type Cluster, nothingAdded, type Store, storeFormat } from '../../../engine/store/store.ts'

let dir: string
let store: Store
/** `fresh` and `other` came with activation 3, `filled` had its past filled in since, `old` was there from the first start. */
const record: Cluster = {
  ...nothingAdded,
  format: storeFormat,
  partitions: 2,
  clock: 'wall',
  log: 'log',
  salt: '0'.repeat(32),
  completeSince: 0,
  pack: 'b'.repeat(64),
  activations: 3,
  observedSince: { old: 0, fresh: 1_000, other: 1_000, filled: 1_000 },
  added: {
    fresh: { key: 'f', activation: 3, filled: 0 },
    other: { key: 'o', activation: 3, filled: 0 },
    filled: { key: 'g', activation: 3, filled: 1 },
  },
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-observed-'))
  store = openStore({ kind: 'lmdb', dir })
  await initStore(store, record)
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true })
})

test('a series is observed from the later instant, and what is not concerned stays', async () => {
  await observedLater(store, 3, { fresh: 5_000 })
  expect(await store.cluster()).toEqual({ ...record, observedSince: { ...record.observedSince, fresh: 5_000 } })
})

test.each([
  ['an earlier instant', 3, { fresh: 999 }],
  ['the same instant', 3, { fresh: 1_000 }],
  ['a series whose past was filled in', 3, { filled: 5_000 }],
  ['a series of the first start', 3, { old: 5_000 }],
  ['a series that no pack has', 3, { unheard: 5_000 }],
  ['nothing', 3, {}],
  ['an activation that another one followed', 2, { fresh: 5_000 }],
  ['an activation that the record does not have yet', 4, { fresh: 5_000 }],
] as const)('%s changes nothing', async (_, activation, later) => {
  await observedLater(store, activation, later)
  expect(await store.cluster()).toEqual(record)
})

test('several partitions that come over late leave the latest instant of each series, in whatever order', async () => {
  await Promise.all([
    observedLater(store, 3, { fresh: 5_000, other: 2_000 }),
    observedLater(store, 3, { fresh: 4_000, other: 6_000 }),
    observedLater(store, 3, { fresh: 3_000 }),
  ])
  expect((await store.cluster())?.observedSince).toEqual({ ...record.observedSince, fresh: 5_000, other: 6_000 })
})

test('what others change of the record at the same moment is kept', async () => {
  const backfill = { ...record.backfill, number: 1, series: ['other'] }
  /** Somebody else writes between the look and the write, once. */
  let isFirst = true
  const contested: Pick<Store, 'cluster' | 'putCluster'> = {
    cluster: () => store.cluster(),
    putCluster: async (next, before) => {
      if (isFirst) {
        isFirst = false
        await store.putCluster({ ...record, backfill }, record)
      }
      return store.putCluster(next, before)
    },
  }
  await observedLater(contested, 3, { fresh: 5_000 })
  expect(await store.cluster()).toMatchObject({ backfill, observedSince: { fresh: 5_000 } })
})

test('a record that always changes is given up, not waited for', async () => {
  let writes = 0
  const busy: Pick<Store, 'cluster' | 'putCluster'> = {
    cluster: () => store.cluster(),
    putCluster: async () => {
      writes += 1
      return false
    },
  }
  await observedLater(busy, 3, { fresh: 5_000 })
  expect(writes).toBe(5)
  expect(await store.cluster()).toEqual(record)
})
