/** What a start writes to the control log when others changed the installation while it started. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { beginControl } from '../../../engine/control/begin-control.ts'
import type { Control } from '../../../engine/control/control-log.ts'
import { versionInForce } from '../../../engine/control/control-state.ts'
import { initStore } from '../../../engine/store/init-store.ts'
import { openStore } from '../../../engine/store/open-store.ts'
import { nothingAdded, type Store, storeFormat } from '../../../engine/store/store.ts'
import { loadPackFiles } from '../../../rules/load-pack.ts'
import { approval, type ControlRig, first, hashOf, openRig, person, proposal } from './open-control-log.ts'
import { smallPack } from './small-pack.ts'

let dir: string
let store: Store
let rig: ControlRig
let control: Control
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-begin-control-'))
  store = openStore({ kind: 'lmdb', dir })
  rig = await openRig()
  control = await rig.node()
})
afterEach(async () => {
  await rig.stop()
  await store.close()
  await rm(dir, { recursive: true })
})

/** Another node takes part. */
const looking = { self: { name: 'a', start: '1' }, others: ['b'], now: () => rig.clock.now }

/** The pack that the node of the test opened the installation with, and the installation's record as it is by now. */
async function start(opened: string, recorded: string): Promise<void> {
  const loaded = loadPackFiles(smallPack())
  if (loaded.kind !== 'ok') throw new Error('the small pack is sound')
  const record = { format: storeFormat, partitions: 1, clock: 'wall', log: 'log', salt: '0'.repeat(32) } as const
  await initStore(store, { ...nothingAdded, ...record, completeSince: 0, observedSince: {}, pack: recorded })
  const inForce = { model: loaded.pack.model, hash: opened }
  await beginControl({ control, store, inForce, started: null, folder: dir, ...looking })
}

/** Version 2 was put in force by another node. */
async function anotherPutInForce(): Promise<void> {
  const olaf = person('olaf', 'operator')
  await control.submit(person('first start'), '', first)
  await control.submit(person('anna', 'author'), 'x', proposal('b', 1))
  await control.submit(person('bob', 'approver'), 'x', approval(2, 1))
  await control.submit(olaf, 'go', { action: 'activating', version: 2, how: 'activate' })
  await control.submit(olaf, 'go', { action: 'activated', version: 2, missing: [] })
}

test('a pack that came into force while a node started is not told to be back', async () => {
  await anotherPutInForce()
  await start(hashOf('a'), hashOf('b'))
  expect(control.state.versions.length).toBe(2)
  expect(versionInForce(control.state)).toMatchObject({ number: 2, hash: hashOf('b') })
})

test('a pack that a start put in force is told', async () => {
  await anotherPutInForce()
  await start(hashOf('c'), hashOf('c'))
  expect(versionInForce(control.state)).toMatchObject({ number: 3, hash: hashOf('c'), author: 'start' })
})
