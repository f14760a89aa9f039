import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashOfRecord, sealedRecord } from '../../../engine/control/chain.ts'
import type { Control } from '../../../engine/control/control-log.ts'
import { controlRecord } from '../../../engine/control/control-record.ts'
import { statusOf, versionInForce, versionOf } from '../../../engine/control/control-state.ts'
import { owner } from '../../../engine/control/roles.ts'
import { approval, type ControlRig, first, hashOf, openRig, person, proposal, secret } from './open-control-log.ts'

let rig: ControlRig
let control: Control
beforeEach(async () => {
  rig = await openRig()
  control = await rig.node()
})
afterEach(() => rig.stop())

const anna = person('anna', 'author')
const bob = person('bob', 'approver')
const carla = person('carla', 'compliance')
const olaf = person('olaf', 'operator')
const system = person('first start')

const put = (version: number, how: 'activate' | 'rollback' = 'activate') =>
  control.submit(olaf, 'go', { action: 'activating', version, how })
const ended = (version: number) => control.submit(olaf, 'go', { action: 'activated', version, missing: [] })

async function begin(): Promise<void> {
  await control.submit(system, 'first start', first)
}

describe('approval', () => {
  beforeEach(begin)

  test('takes somebody else than the author, also when the author has the role', async () => {
    const both = person('anna', 'author', 'approver', 'compliance')
    expect(await control.submit(both, 'mine', proposal('b', 1))).toEqual({ kind: 'done' })
    expect(await control.submit(both, 'mine too', approval(2, 1))).toMatchObject({ code: 'own_version' })
    // Another key of the same name is the same person.
    expect(await control.submit(person('anna', 'approver'), 'me', approval(2, 1))).toMatchObject({
      code: 'own_version',
    })
    expect(await put(2)).toMatchObject({ code: 'not_approved' })
    const [refused] = await control.audited(5, 1)
    expect(refused).toMatchObject({
      record: { who: 'anna', why: 'me', what: { action: 'version_approved', version: 2 } },
      verdict: { kind: 'refused', code: 'own_version' },
    })
  })

  test('of the owner is no more than that of another person', async () => {
    await control.submit(owner, 'mine', proposal('b', 1))
    expect(await control.submit(owner, 'mine', approval(2, 1))).toMatchObject({ code: 'own_version' })
  })

  test('of what closes takes an approver and somebody from compliance, who is another person', async () => {
    const why = ['guardrail no-credit: it says what must not leave']
    await control.submit(anna, 'less', proposal('b', 1, why))
    await control.submit(bob, 'fine', approval(2, 1, why))
    expect(await put(2)).toMatchObject({ code: 'not_approved', message: expect.stringContaining('compliance') })
    // A second approver does not stand in for compliance, nor does one person with both roles for two.
    const dora = person('dora', 'approver', 'compliance')
    await control.submit(dora, 'fine', approval(2, 1, why))
    expect(await put(2)).toEqual({ kind: 'done' })
  })

  test('of one person counts once, whatever roles they have', async () => {
    const why = ['allow x']
    const dora = person('dora', 'approver', 'compliance')
    await control.submit(anna, 'less', proposal('b', 1, why))
    await control.submit(dora, 'fine', approval(2, 1, why))
    expect(await control.submit(dora, 'again', approval(2, 1, why))).toMatchObject({ code: 'approved_already' })
    expect(await put(2)).toMatchObject({ code: 'not_approved' })
    await control.submit(carla, 'fine', approval(2, 1, why))
    expect(await put(2)).toEqual({ kind: 'done' })
  })

  test('by compliance alone does not do where nothing is for compliance', async () => {
    await control.submit(anna, 'offers', proposal('b', 1))
    expect(await control.submit(carla, 'fine', approval(2, 1))).toMatchObject({ code: 'approval_not_needed' })
  })

  test('holds for the version in force that was looked at, and no other', async () => {
    await control.submit(anna, 'one', proposal('b', 1))
    await control.submit(anna, 'two', proposal('c', 1))
    await control.submit(bob, 'ok', approval(2, 1))
    await control.submit(bob, 'ok', approval(3, 1))
    await put(2)
    await ended(2)
    expect(await put(3)).toMatchObject({ code: 'base_changed' })
    expect(await control.submit(bob, 'ok', approval(3, 1))).toMatchObject({ code: 'base_changed' })
    expect(await control.submit(bob, 'again', approval(3, 2))).toEqual({ kind: 'done' })
    expect(await put(3)).toEqual({ kind: 'done' })
  })

  test.each([
    ['author', approval(2, 1), anna],
    ['operator', approval(2, 1), olaf],
    ['approver', proposal('d', 1), bob],
    ['producer', { action: 'activating', version: 2, how: 'rollback' }, person('p', 'producer')],
    ['author', { action: 'source_revoked', source: 'crm' }, anna],
  ] as const)('the role %s may not do another role’s', async (_, what, caller) => {
    await control.submit(person('eve', 'author'), 'x', proposal('b', 1))
    expect(await control.submit(caller, 'x', what)).toMatchObject({ kind: 'refused', code: 'role_missing' })
  })
})

describe('a version', () => {
  beforeEach(begin)

  test('is what it was when it was proposed, and the same content again is the same version', async () => {
    await control.submit(anna, 'one', proposal('b', 1))
    const before = versionOf(control.state, 2)
    expect(await control.submit(anna, 'one', proposal('b', 1))).toMatchObject({
      code: 'version_known',
      message: expect.stringContaining('version 2'),
    })
    expect(control.state.versions.length).toBe(2)
    expect(versionOf(control.state, 2)).toEqual(before)
  })

  test('that was rejected may be proposed anew, and gets another number', async () => {
    await control.submit(anna, 'one', proposal('b', 1))
    await control.submit(bob, 'no', { action: 'version_rejected', version: 2 })
    expect(await control.submit(bob, 'yes', approval(2, 1))).toMatchObject({ code: 'version_settled' })
    expect(await control.submit(anna, 'again', proposal('b', 1))).toEqual({ kind: 'done' })
    expect(versionOf(control.state, 3)).toMatchObject({ hash: hashOf('b'), approvals: [] })
  })

  test('is rolled back to what was in force before, and further back the next time', async () => {
    for (const [number, digit] of [
      [2, 'b'],
      [3, 'c'],
    ] as const) {
      await control.submit(anna, 'x', proposal(digit, number - 1))
      await control.submit(bob, 'x', approval(number, number - 1))
      await put(number)
      await ended(number)
    }
    expect(await put(1, 'rollback')).toMatchObject({ code: 'base_changed' })
    expect(await put(2, 'rollback')).toEqual({ kind: 'done' })
    await ended(2)
    expect(versionInForce(control.state)?.hash).toBe(hashOf('b'))
    // What was rolled back comes back only when it is approved anew.
    expect(await put(3)).toMatchObject({ kind: 'refused' })
    expect(versionOf(control.state, 3)?.approvals).toEqual([])
    await put(1, 'rollback')
    await ended(1)
    expect(versionInForce(control.state)?.hash).toBe(hashOf('a'))
    expect(await put(1, 'rollback')).toMatchObject({ code: 'nothing_before' })
  })

  test('that is being put in force is not rejected meanwhile', async () => {
    await control.submit(anna, 'x', proposal('b', 1))
    await control.submit(bob, 'x', approval(2, 1))
    await put(2)
    expect(await control.submit(bob, 'no', { action: 'version_rejected', version: 2 })).toMatchObject({
      code: 'activation_in_progress',
    })
    await ended(2)
    expect(versionInForce(control.state)).toMatchObject({ number: 2, rejected: null })
  })

  test('is activated alone, and one whose node is gone does not block for ever', async () => {
    await control.submit(anna, 'x', proposal('b', 1))
    await control.submit(bob, 'x', approval(2, 1))
    await put(2)
    expect(await put(2)).toMatchObject({ code: 'activation_in_progress' })
    rig.clock.now += 10 * 60_000 + 1
    expect(await put(2)).toEqual({ kind: 'done' })
    await control.submit(olaf, '', { action: 'activation_failed', version: 2, reason: 'a shard did not confirm' })
    expect(versionInForce(control.state)?.number).toBe(1)
    const version = versionOf(control.state, 2)
    expect(version === null ? null : statusOf(control.state, version)).toBe('approved')
    expect(await ended(2)).toMatchObject({ code: 'no_activation' })
  })
})

describe('keys', () => {
  const made = (name: string, digest: string) =>
    ({ action: 'key_created', name, keyRoles: ['author'], digest: hashOf(digest) }) as const

  test('are made and revoked by the owner alone', async () => {
    const all = person('zoe', 'author', 'approver', 'compliance', 'operator', 'producer', 'app', 'gateway')
    expect(await control.submit(all, 'x', made('anna', '1'))).toMatchObject({ code: 'not_owner' })
    expect(await control.submit(owner, 'x', made('anna', '1'))).toEqual({ kind: 'done' })
    expect(await control.submit(all, 'x', { action: 'key_revoked', name: 'anna' })).toMatchObject({ code: 'not_owner' })
    expect(await control.submit(owner, 'x', made('owner', '2'))).toMatchObject({ code: 'name_taken' })
  })

  test('of the names that the engine itself speaks under are not made', async () => {
    for (const name of ['owner', 'start', 'node'])
      expect(await control.submit(owner, 'x', made(name, '1'))).toMatchObject({ code: 'name_taken' })
  })

  test('of a name are revoked together, and of another name not at all', async () => {
    await control.submit(owner, 'x', made('anna', '1'))
    await control.submit(owner, 'x', made('anna', '2'))
    await control.submit(owner, 'x', made('bob', '3'))
    await control.submit(owner, 'left', { action: 'key_revoked', name: 'anna' })
    expect([...control.state.keys.values()].map(({ name }) => name)).toEqual(['bob'])
  })
})

test('sources are revoked and restored, and whoever listens hears of it', async () => {
  const heard: (readonly string[])[] = []
  control.onChange((state) => heard.push([...state.revokedSources.keys()]))
  await control.submit(carla, 'contract ended', { action: 'source_revoked', source: 'bureau' })
  await control.submit(carla, 'signed again', { action: 'source_restored', source: 'bureau' })
  expect(heard).toEqual([['bureau'], []])
})

describe('several nodes', () => {
  test('see one order and one verdict, also when they write at the same moment', async () => {
    const other = await rig.node()
    await begin()
    await control.submit(anna, 'x', proposal('b', 1))
    const asked = Array.from({ length: 8 }, (_, n) =>
      (n % 2 === 0 ? control : other).submit(bob, `${n}`, approval(2, 1)),
    )
    const verdicts = await Promise.all(asked)
    expect(verdicts.filter(({ kind }) => kind === 'done').length).toBe(1)
    await Promise.all([control.sync(), other.sync()])
    expect(other.state).toEqual(control.state)
    // The first one, the proposal, and eight approvals, of which seven are refused and kept.
    expect(control.state.number).toBe(10)
    expect(await control.verify()).toMatchObject({ records: 10, broken: null })
  })

  test('take nothing from a key that was revoked on another one, also before they hear of it', async () => {
    const other = await rig.node()
    await begin()
    const digest = hashOf('1')
    await control.submit(owner, 'x', { action: 'key_created', name: 'carla', keyRoles: ['compliance'], digest })
    await other.sync()
    await control.submit(owner, 'stolen', { action: 'key_revoked', name: 'carla' })
    const what = { action: 'source_revoked', source: 'crm' } as const
    expect(await other.submit({ ...carla, digest }, 'x', what)).toMatchObject({ code: 'key_revoked' })
    expect(other.state.revokedSources.size).toBe(0)
  })

  test('hear of each other within the time of a look', async () => {
    const other = await rig.node(20)
    await begin()
    await expect.poll(() => other.state.number).toBe(1)
  })
})

describe('what was tampered with', () => {
  async function tampered(change: (values: Uint8Array[]) => void): Promise<ControlRig> {
    await begin()
    await control.submit(anna, 'x', proposal('b', 1))
    await control.submit(bob, 'x', approval(2, 1))
    const records = await rig.log.read(0, 0, { maxBytes: 1_000_000, maxRecords: 100 })
    const values = records.map(({ value }) => value)
    const seals = new Map(records.map(({ value, headers }) => [hashOfRecord(value), headers]))
    change(values)
    const copy = await openRig()
    for (const value of values) {
      const headers = seals.get(hashOfRecord(value))
      await copy.log.append(0, [{ key: 'control', value, ...(headers === undefined ? {} : { headers }) }])
    }
    return copy
  }

  /** A record as somebody writes it who has the secret, but does not write the rest anew. */
  const rewritten = (value: Uint8Array | undefined, why: string): Uint8Array =>
    Buffer.from(JSON.stringify({ ...controlRecord.parse(JSON.parse(Buffer.from(value ?? []).toString())), why }))

  test.each<[string, (values: Uint8Array[]) => void, number]>([
    ['a changed record', (values) => values.splice(1, 1, rewritten(values[1], 'y')), 2],
    ['a record that was taken out', (values) => values.splice(1, 1), 2],
    ['a record in another place', (values) => values.reverse(), 1],
    ['a record that was put in', (values) => values.splice(1, 0, Buffer.from('{}')), 2],
  ])('%s is found, and nothing more is taken', async (_, change, number) => {
    const copy = await tampered(change)
    const broken = await copy.node()
    expect(broken.broken).toMatchObject({ number })
    expect(await broken.verify()).toMatchObject({ broken: { number } })
    await expect(broken.submit(carla, 'x', { action: 'source_revoked', source: 'crm' })).rejects.toMatchObject({
      code: 'control_broken',
    })
    await copy.stop()
  })

  test('a record with a right seal that hangs on another one is found too', async () => {
    await begin()
    const record = {
      control: 1,
      number: 2,
      prev: hashOf('0'),
      at: 0,
      who: 'eve',
      roles: [],
      isOwner: true,
      why: '',
      what: { action: 'key_revoked', name: 'anna' },
    } as const
    await rig.log.append(0, [sealedRecord({ ...record, roles: [] }, secret)])
    await control.sync()
    expect(control.broken).toMatchObject({ number: 2 })
  })
})

test('a source that compliance revoked is not restored by who only keeps the engine running', async () => {
  await control.submit(carla, 'contract ended', { action: 'source_revoked', source: 'bureau' })
  expect(await control.submit(olaf, 'on again', { action: 'source_restored', source: 'bureau' })).toMatchObject({
    code: 'role_missing',
  })
  expect([...control.state.revokedSources.keys()]).toEqual(['bureau'])
})

test('what would not be understood when it is read is never written', async () => {
  await begin()
  const tooLong = 'x'.repeat(1_001)
  await expect(control.submit(carla, tooLong, { action: 'source_revoked', source: 'crm' })).rejects.toThrow(TypeError)
  expect(await control.submit(carla, 'shorter', { action: 'source_revoked', source: 'crm' })).toEqual({ kind: 'done' })
  expect(control.broken).toBeNull()
})

test('who asks for old records gets them, newest first', async () => {
  await begin()
  for (let n = 0; n < 5; n++) await control.submit(carla, `${n}`, { action: 'source_revoked', source: `s${n}` })
  const page = await control.audited(6, 3)
  expect(page.map(({ record }) => record.number)).toEqual([5, 4, 3])
  expect((await control.audited(3, 10)).map(({ record }) => record.number)).toEqual([2, 1])
})
