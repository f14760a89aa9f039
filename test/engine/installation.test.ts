import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventClock } from '../../engine/clock.ts'
import { openInstallation } from '../../engine/installation.ts'
import { openLmdbStore } from '../../engine/store/lmdb-store.ts'
import type { Store } from '../../engine/store/store.ts'
import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { zeroMeta } from '../conformance/store-workload.ts'

let dir: string
let store: Store
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-installation-'))
  store = openLmdbStore({ dir: join(dir, 'store') })
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** The shipped pack, with one file changed. */
async function packWith(name: string, change: (text: string) => string): Promise<LoadedPack> {
  const folder = join(dir, name)
  await cp('rules/packs/retail-bank', folder, { recursive: true })
  const file = join(folder, 'features.yaml')
  await writeFile(file, change(await readFile(file, 'utf8')))
  const result = await loadPack(folder)
  if (result.kind !== 'ok') throw new Error('the changed pack is refused')
  return result.pack
}

const fuel =
  '\n  - { id: fuel_30d, kind: count, event: card.purchase, where: event.merchantCategory == "fuel", window: 30d }\n'

/** The methods of a store, to replace some. */
function storeOf(one: Store): Store {
  return {
    cluster: () => one.cluster(),
    putCluster: (cluster, before) => one.putCluster(cluster, before),
    putPack: (hash, json) => one.putPack(hash, json),
    pack: (hash) => one.pack(hash),
    create: (partition, meta) => one.create(partition, meta),
    acquire: (partition, token, addr) => one.acquire(partition, token, addr),
    release: (partition, token) => one.release(partition, token),
    meta: (partition) => one.meta(partition),
    load: (partition, ids) => one.load(partition, ids),
    commit: (partition, commit) => one.commit(partition, commit),
    due: (partition, limit) => one.due(partition, limit),
    outbox: (partition, from, to) => one.outbox(partition, from, to),
    tombstones: (partition, since) => one.tombstones(partition, since),
    now: () => one.now(),
    close: () => one.close(),
  }
}

/** A log that was never read. */
const log = { identity: 'a log', isFresh: async () => true, others: async () => [] }

const open = (pack: LoadedPack, nowMs: number, completeSince?: number) =>
  openInstallation(store, pack, { partitions: 4, clock: eventClock(nowMs), completeSince, log })

test('on the first start every series is observed since the declared instant', async () => {
  const { observedSince } = await open(await packWith('a', (text) => text), 5_000, 1_000)
  expect(new Set(observedSince)).toEqual(new Set([1_000]))
})

test('a feature added later is unknown over its past', async () => {
  await open(await packWith('a', (text) => text), 5_000, 1_000)
  const { pack, observedSince } = await open(await packWith('b', (text) => text + fuel), 9_000)
  const series = pack.layout.features.find((feature) => feature.model.id === 'fuel_30d')?.series ?? -1
  expect(observedSince[series]).toBe(9_000)
  expect(observedSince.filter((since) => since === 1_000)).toHaveLength(observedSince.length - 1)
})

test('a feature that a pack left out for a while begins anew when it comes back', async () => {
  const withFuel = await packWith('b', (text) => text + fuel)
  await open(withFuel, 5_000, 1_000)
  await open(await packWith('a', (text) => text), 6_000)
  const { pack, observedSince } = await open(withFuel, 9_000)
  const series = pack.layout.features.find((feature) => feature.model.id === 'fuel_30d')?.series ?? -1
  expect(observedSince[series]).toBe(9_000)
})

test('a series that comes back has another name in stored states, so that what is left of it does not count', async () => {
  const without = await packWith('a', (text) => text)
  const withFuel = await packWith('b', (text) => text + fuel)
  await open(without, 5_000, 1_000)
  const first = (await open(withFuel, 6_000)).cluster
  await open(without, 7_000)
  const second = (await open(withFuel, 8_000)).cluster
  const [definition = ''] = Object.keys(first.added)
  expect(first.added[definition]).toMatchObject({ activation: 1, filled: 0 })
  expect(second.added[definition]).toMatchObject({ activation: 3, filled: 0 })
  expect(second.added[definition]?.key).not.toBe(first.added[definition]?.key)
  expect((await open(withFuel, 9_000)).cluster).toEqual(second)
})

test('an added series is observed from behind everything that was applied, also when the clock stands before that', async () => {
  await open(await packWith('a', (text) => text), 5_000, 1_000)
  const meta = { ...zeroMeta, next: 3, appendTime: 70_000 }
  await store.acquire(2, 'token', '')
  await store.commit(2, {
    token: 'token',
    from: 0,
    to: 1,
    meta,
    writes: [],
    due: [],
    outbox: null,
    trim: 0,
    notAfter: null,
  })
  const { cluster } = await open(await packWith('b', (text) => text + fuel), 0)
  const [definition = ''] = Object.keys(cluster.added)
  expect(cluster.observedSince[definition]).toBe(75_001)
})

test('a backfill goes on under another pack with what is left of its series', async () => {
  const both = await packWith('c', (text) => text + fuel + fuel.replaceAll('fuel', 'grocery'))
  await open(await packWith('a', (text) => text), 5_000, 1_000)
  const { cluster } = await open(both, 6_000)
  const series = Object.keys(cluster.added)
  expect(series).toHaveLength(2)
  expect(await store.putCluster({ ...cluster, backfill: { ...cluster.backfill, number: 1, series } }, cluster)).toBe(
    true,
  )
  const fewer = (await open(await packWith('b', (text) => text + fuel), 7_000)).cluster
  expect(fewer.backfill).toMatchObject({ number: 1, series: Object.keys(fewer.added) })
  expect(Object.values(fewer.added)[0]).toEqual(cluster.added[Object.keys(fewer.added)[0] ?? ''])
  const none = (await open(await packWith('a', (text) => text), 8_000)).cluster
  expect(none).toMatchObject({ added: {}, backfill: { number: 1, series: [] } })
})

test('a record that changes while an engine starts is read again', async () => {
  const pack = await packWith('a', (text) => text)
  const { cluster } = await open(pack, 5_000, 1_000)
  let changed = false
  const busy: Store = {
    ...storeOf(store),
    putCluster: async (next, before) => {
      if (!changed) await store.putCluster({ ...cluster, completeSince: 999 }, cluster)
      changed = true
      return store.putCluster(next, before)
    },
  }
  const opened = await openInstallation(busy, pack, { partitions: 4, clock: eventClock(6_000), log })
  expect(opened.cluster.completeSince).toBe(999)
})

test('another partition count or another clock is refused with a sentence that says what to do', async () => {
  const pack = await packWith('a', (text) => text)
  await open(pack, 5_000, 1_000)
  const other = { clock: eventClock(0), completeSince: undefined, log }
  await expect(openInstallation(store, pack, { ...other, partitions: 8 })).rejects.toMatchObject({
    code: 'partitions_changed',
    message: expect.stringContaining('PARTITIONS=4'),
  })
  const wall = { kind: 'wall', now: () => 0 } as const
  await expect(openInstallation(store, pack, { partitions: 4, clock: wall, log })).rejects.toMatchObject({
    code: 'clock_changed',
  })
})

test('customers without a trace in the log begin, an empty store beside a log that was read is refused', async () => {
  const pack = await packWith('a', (text) => text)
  const read = { ...log, isFresh: async () => false }
  const options = { partitions: 4, clock: eventClock(5_000), log: read }
  await expect(openInstallation(store, pack, options)).rejects.toMatchObject({ code: 'state_missing' })
  expect(await store.cluster()).toBeNull()
  await open(pack, 5_000)
  await expect(openInstallation(store, pack, options)).resolves.toBeDefined()
})

test('customers of another log are refused', async () => {
  const pack = await packWith('a', (text) => text)
  await open(pack, 5_000)
  const options = { partitions: 4, clock: eventClock(5_000), log: { ...log, identity: 'another log' } }
  await expect(openInstallation(store, pack, options)).rejects.toMatchObject({ code: 'log_changed' })
})

test('another pack is refused while other nodes run', async () => {
  await open(await packWith('a', (text) => text), 5_000)
  const added = '\n  - { id: fuel_7d, kind: count, event: card.purchase, window: 7d }\n'
  const other = await packWith('b', (text) => text + added)
  const busy = { ...log, others: async () => ['node-b'] }
  const options = { partitions: 4, clock: eventClock(5_000), log: busy }
  await expect(openInstallation(store, other, options)).rejects.toMatchObject({ code: 'pack_differs' })
  await expect(openInstallation(store, other, { ...options, log })).resolves.toBeDefined()
})
