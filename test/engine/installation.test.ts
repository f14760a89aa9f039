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

/** A log that was never read. */
const log = { identity: 'a log', isFresh: async () => true, others: async () => [] }

const open = (pack: LoadedPack, nowMs: number, completeSince?: number) =>
  openInstallation(store, pack, { partitions: 4, clock: eventClock(nowMs), completeSince, log })

test('on the first start every series is observed since the declared instant', async () => {
  const { observedSince } = await open(await packWith('a', (text) => text), 5_000, 1_000)
  expect(new Set(observedSince)).toEqual(new Set([1_000]))
})

test('a feature added later is unknown over its past', async () => {
  const added =
    '\n  - { id: fuel_30d, kind: count, event: card.purchase, where: event.merchantCategory == "fuel", window: 30d }\n'
  await open(await packWith('a', (text) => text), 5_000, 1_000)
  const { pack, observedSince } = await open(await packWith('b', (text) => text + added), 9_000)
  const series = pack.layout.features.find((feature) => feature.model.id === 'fuel_30d')?.series ?? -1
  expect(observedSince[series]).toBe(9_000)
  expect(observedSince.filter((since) => since === 1_000)).toHaveLength(observedSince.length - 1)
})

test('a feature that a pack left out for a while begins anew when it comes back', async () => {
  const added =
    '\n  - { id: fuel_30d, kind: count, event: card.purchase, where: event.merchantCategory == "fuel", window: 30d }\n'
  const withFuel = await packWith('b', (text) => text + added)
  await open(withFuel, 5_000, 1_000)
  await open(await packWith('a', (text) => text), 6_000)
  const { pack, observedSince } = await open(withFuel, 9_000)
  const series = pack.layout.features.find((feature) => feature.model.id === 'fuel_30d')?.series ?? -1
  expect(observedSince[series]).toBe(9_000)
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
