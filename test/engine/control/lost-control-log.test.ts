/** The control log is gone, or its end is, and the store is there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hashOfRecord } from '../../../engine/control/chain.ts'
import { type Control, openControl } from '../../../engine/control/control-log.ts'
import { marksIn } from '../../../engine/control/control-marks.ts'
import { openStore } from '../../../engine/store/open-store.ts'
import type { Store } from '../../../engine/store/store.ts'
import { type ControlRig, first, openRig, person, proposal, secret } from './open-control-log.ts'

let dir: string
let store: Store
let rig: ControlRig
let other: ControlRig
const opened: Control[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-lost-control-'))
  store = openStore({ kind: 'lmdb', dir })
  rig = await openRig()
  other = await openRig()
})
afterEach(async () => {
  for (const control of opened.splice(0)) await control.close()
  await rig.stop()
  await other.stop()
  await store.close()
  await rm(dir, { recursive: true })
})

async function open({ log }: ControlRig): Promise<Control> {
  const rest = { secret, now: () => 1_800_000_000_000, lookEveryMs: null, onBroken: () => undefined }
  const control = await openControl({ log, marks: marksIn(store), ...rest })
  opened.push(control)
  return control
}

const carla = person('carla', 'compliance')
/** Three records, and the node ends. */
async function write(): Promise<void> {
  const control = await open(rig)
  await control.submit(person('first start'), 'first start', first)
  await control.submit(person('anna', 'author'), 'x', proposal('b', 1))
  await control.submit(carla, 'contract ended', { action: 'source_revoked', source: 'bureau' })
  await control.close()
}

/** The first `kept` records in another log. */
async function copied(kept: number): Promise<void> {
  const records = await rig.log.read(0, 0, { maxBytes: 1_000_000, maxRecords: 100 })
  for (const { value, headers } of records.slice(0, kept))
    await other.log.append(0, [{ key: 'control', value, ...(headers === undefined ? {} : { headers }) }])
}

test.each([0, 1, 2])(
  'a log with %i records of three is no new one: governance is closed, what was revoked stays so',
  async (kept) => {
    await write()
    await copied(kept)
    const control = await open(other)
    expect(control.broken).toMatchObject({ number: kept + 1 })
    expect([...control.state.revokedSources.keys()]).toEqual(['bureau'])
    await expect(control.submit(carla, 'x', { action: 'source_restored', source: 'bureau' })).rejects.toMatchObject({
      code: 'control_broken',
    })
  },
)

test('another log with as many records is not the one that it was', async () => {
  await write()
  const foreign = await other.node()
  for (const action of ['source_revoked', 'source_restored', 'source_revoked'] as const)
    await foreign.submit(carla, 'y', { action, source: 'crm' })
  expect((await open(other)).broken).toMatchObject({ number: 3 })
})

test('a whole log goes on, also behind a start that did not know of marks', async () => {
  await write()
  const control = await open(rig)
  expect(control.broken).toBeNull()
  const unmarked = await rig.node()
  await unmarked.submit(carla, 'signed again', { action: 'source_restored', source: 'bureau' })
  await control.close()
  const again = await open(rig)
  expect(again.broken).toBeNull()
  await again.close()
  const records = await rig.log.read(0, 0, { maxBytes: 1_000_000, maxRecords: 100 })
  expect(await marksIn(store).read(4)).toEqual({
    head: hashOfRecord(records[3]?.value ?? Buffer.from('')),
    revoked: [],
  })
})
