/** An activation whose node died between its two records: when the next one waits, and when it goes ahead. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Activator } from '../../../engine/activation/activation.ts'
import type { Control } from '../../../engine/control/control-log.ts'
import { activatingMaxMs, versionInForce } from '../../../engine/control/control-state.ts'
import { Versions } from '../../../engine/control/versions.ts'
import { approval, type ControlRig, first, hashOf, openRig, person, proposal } from './open-control-log.ts'

const olaf = person('olaf', 'operator')
let rig: ControlRig
let control: Control
/** What the installation's record names. */
let recorded: string
beforeEach(async () => {
  rig = await openRig()
  control = await rig.node()
  recorded = hashOf('a')
  await control.submit(person('first start'), '', first)
  for (const digit of ['b', 'c']) {
    await control.submit(person('anna', 'author'), 'x', proposal(digit, 1))
    await control.submit(person('bob', 'approver'), 'x', approval(control.state.versions.length, 1))
  }
})
afterEach(() => rig.stop())

type Asked = { readonly isWanted: () => Promise<boolean>; readonly goOn: () => void; readonly refuse: () => void }

type How = {
  readonly start?: string
  readonly hangs?: boolean
  readonly onLastStep?: () => Promise<void>
  readonly onRecorded?: () => Promise<void>
}

/** A node over the one log. With `hangs` its activations stay where nothing is recorded yet, until they are told to go on. */
async function node(name: string, others: readonly string[], how: How = {}) {
  const { start = '1', hangs = false, onLastStep, onRecorded } = how
  const asked: Asked[] = []
  const activator: Activator = {
    async activate(packHash, isWanted = async () => true) {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      if (hangs) asked.push({ isWanted, goOn: () => resolve(true), refuse: () => resolve(false) })
      else resolve(true)
      if (!(await promise) || !(await isWanted()))
        return { kind: 'refused', code: 'changed_meanwhile', message: 'Given up.', missing: [] }
      await onLastStep?.()
      const before = recorded
      recorded = packHash
      await onRecorded?.()
      return { kind: 'activated', packHash, activation: 1, before, shards: [], tookMs: 1 }
    },
    status: async () => ({ packHash: recorded, activation: 1, shards: [], silent: [], failing: [] }),
  }
  const followed = await rig.node()
  const nothing = () => Promise.reject(new Error('nobody asks for it'))
  const workshop = { check: nothing, test: nothing, prepare: nothing, diff: nothing, dryRun: nothing, stop: nothing }
  const store = { pack: nothing, putPack: nothing }
  const self = { name, start }
  const now = () => rig.clock.now
  const versions = new Versions({
    control: followed,
    workshop,
    store,
    activator,
    self,
    others: async () => others,
    now,
  })
  return { versions, asked }
}

async function dying(name: string): Promise<Asked> {
  const { versions, asked } = await node(name, ['b'], { hangs: true })
  void versions.activate(olaf, 2, 'go')
  await expect.poll(() => asked.length).toBe(1)
  const [hanging] = asked
  if (hanging === undefined) throw new Error('it hangs')
  return hanging
}

async function told(): Promise<readonly string[]> {
  await control.sync()
  return (await control.audited(Number.POSITIVE_INFINITY, 3)).map(({ record }) => record.what.action).reverse()
}

test('while its node takes part nobody else begins one; once it has left the next goes ahead at once', async () => {
  const hanging = await dying('a')
  const beside = await node('b', ['a'])
  expect(await beside.versions.activate(olaf, 3, 'x')).toMatchObject({ code: 'activation_in_progress' })
  expect(await hanging.isWanted()).toBe(true)
  const alone = await node('b', [])
  expect(await alone.versions.activate(olaf, 3, 'x')).toMatchObject({ kind: 'put_in_force' })
  expect(await told()).toEqual(['activation_failed', 'activating', 'activated'])
  expect(versionInForce(control.state)?.number).toBe(3)
})

test('one that was taken for gone puts nothing in force any more', async () => {
  const hanging = await dying('a')
  const alone = await node('b', [])
  await alone.versions.activate(olaf, 3, 'x')
  expect(await hanging.isWanted()).toBe(false)
  hanging.goOn()
  await expect.poll(told).toEqual(['activating', 'activated', 'activation_failed'])
  expect([recorded, versionInForce(control.state)?.number]).toEqual([hashOf('c'), 3])
})

test('the record says how far it came: what it put in force is rolled back at once', async () => {
  await dying('a')
  recorded = hashOf('b')
  const alone = await node('b', [])
  expect(await alone.versions.rollBack(olaf, 'back')).toMatchObject({ kind: 'put_in_force', version: { number: 1 } })
  expect(await told()).toEqual(['activated', 'activating', 'activated'])
  expect([recorded, versionInForce(control.state)?.number]).toEqual([hashOf('a'), 1])
})

test('the same node, started anew, waits for nobody, and another one leaves it to say how it went', async () => {
  await dying('a')
  const other = await node('b', ['a'])
  expect(await other.versions.activate(olaf, 3, 'x')).toMatchObject({ code: 'activation_in_progress' })
  const again = await node('a', ['b'], { start: '2' })
  expect(await again.versions.activate(olaf, 3, 'x')).toMatchObject({ kind: 'put_in_force' })
})

test('this start of the node is at it: another call is refused, until it is over', async () => {
  const { versions, asked } = await node('a', [], { hangs: true })
  const going = versions.activate(olaf, 2, 'go')
  await expect.poll(() => asked.length).toBe(1)
  expect(await versions.activate(olaf, 3, 'x')).toMatchObject({ code: 'activation_in_progress' })
  asked[0]?.goOn()
  expect(await going).toMatchObject({ kind: 'put_in_force' })
})

test('of a record that does not say whose it is the others may be, for ten minutes', async () => {
  await control.submit(olaf, 'go', { action: 'activating', version: 2, how: 'activate' })
  const beside = await node('b', ['a'])
  expect(await beside.versions.activate(olaf, 3, 'x')).toMatchObject({ code: 'activation_in_progress' })
  rig.clock.now += activatingMaxMs + 1
  expect(await beside.versions.activate(olaf, 3, 'x')).toMatchObject({ kind: 'put_in_force' })
})

/** A node on its last step: it has asked whether it is still wanted, and has not recorded anything yet. */
async function onItsLastStep(name: string) {
  const steps: (() => void)[] = []
  const { versions } = await node(name, ['b'], { onLastStep: () => new Promise<void>((goOn) => steps.push(goOn)) })
  const going = versions.activate(olaf, 2, 'go')
  await expect.poll(() => steps.length).toBe(1)
  return { going, goOn: () => steps[0]?.() }
}

test('one that was taken for gone on its last step says that it is in force after all', async () => {
  const { going, goOn } = await onItsLastStep('a')
  const alone = await node('b', [])
  // Not approved, so that nothing follows what is said for the node.
  await control.submit(person('anna', 'author'), 'x', proposal('d', 1))
  expect(await alone.versions.activate(olaf, 4, 'x')).toMatchObject({ code: 'not_approved' })
  goOn()
  await going
  await control.sync()
  expect([recorded, versionInForce(control.state)?.number]).toEqual([hashOf('b'), 2])
  expect(await alone.versions.rollBack(olaf, 'back')).toMatchObject({ kind: 'put_in_force', version: { number: 1 } })
})

test('one that was taken for gone does not end the next activation of the same version', async () => {
  const hanging = await dying('a')
  const alone = await node('b', [], { hangs: true })
  const second = alone.versions.activate(olaf, 2, 'again')
  await expect.poll(() => alone.asked.length).toBe(1)
  hanging.goOn()
  await expect.poll(told).toEqual(['activation_failed', 'activating', 'activation_failed'])
  alone.asked[0]?.goOn()
  expect(await second).toMatchObject({ kind: 'put_in_force', result: { kind: 'activated' } })
  await control.sync()
  expect([recorded, versionInForce(control.state)?.number]).toEqual([hashOf('b'), 2])
})

test('the next one gives way to one that was taken for gone and is in force after all', async () => {
  const { going, goOn } = await onItsLastStep('a')
  const alone = await node('b', [], { hangs: true })
  const second = alone.versions.activate(olaf, 3, 'x')
  await expect.poll(() => alone.asked.length).toBe(1)
  goOn()
  await going
  alone.asked[0]?.goOn()
  expect(await second).toMatchObject({ kind: 'put_in_force', result: { kind: 'refused' } })
  await control.sync()
  expect([recorded, versionInForce(control.state)?.number]).toEqual([hashOf('b'), 2])
})

test('one that is in force says so late, behind another one that gave way to it', async () => {
  const steps: (() => void)[] = []
  const { versions } = await node('a', ['b'], { onRecorded: () => new Promise<void>((goOn) => steps.push(goOn)) })
  const alone = await node('b', [], { hangs: true })
  const before = recorded
  const going = versions.activate(olaf, 2, 'go')
  await expect.poll(() => steps.length).toBe(1)
  // Looked at before it was recorded.
  recorded = before
  const second = alone.versions.activate(olaf, 3, 'x')
  await expect.poll(() => alone.asked.length).toBe(1)
  recorded = hashOf('b')
  alone.asked[0]?.refuse()
  expect(await second).toMatchObject({ kind: 'put_in_force', result: { kind: 'refused' } })
  steps[0]?.()
  await going
  await control.sync()
  expect([recorded, versionInForce(control.state)?.number]).toEqual([hashOf('b'), 2])
})

test('this start of the node is at it, however far its clock has run on meanwhile', async () => {
  const { versions, asked } = await node('a', [], { hangs: true })
  const going = versions.activate(olaf, 2, 'go')
  await expect.poll(() => asked.length).toBe(1)
  rig.clock.now += activatingMaxMs - 1
  expect(await versions.activate(olaf, 3, 'x')).toMatchObject({ code: 'activation_in_progress' })
  rig.clock.now += 2
  await versions.rollBack(olaf, 'x')
  asked[0]?.goOn()
  expect(await going).toMatchObject({ kind: 'put_in_force', result: { kind: 'activated' } })
})
