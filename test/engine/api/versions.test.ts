/** A change of policy from the proposal to the roll-back, over real HTTP, against a whole engine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Role } from '../../../engine/control/roles.ts'
import type { PackFiles } from '../../../rules/pack-texts.ts'
import { type SmallPack, smallPack, writePack } from '../control/small-pack.ts'
import { type Answer, type RunningEngine, runEngine } from '../running-engine.ts'

let dir: string
let engine: RunningEngine
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-versions-'))
  await writePack(join(dir, 'pack'), smallPack())
  await start()
  for (const [name, roles] of people) keys.set(name, await keyOf(name, ...roles))
})
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true })
})

const people: readonly (readonly [string, readonly Role[]])[] = [
  ['anna', ['author']],
  ['bob', ['approver']],
  ['carla', ['compliance']],
  ['olaf', ['operator']],
]
const keys = new Map<string, string>()

async function start(): Promise<void> {
  engine = await runEngine({ dataDir: join(dir, 'data'), settings: { PACK: join(dir, 'pack') } })
}

async function keyOf(name: string, ...roles: readonly Role[]): Promise<string> {
  const { body } = await engine.call('POST', '/v1/keys', { name, roles })
  return String(Object(body).key)
}

const as = (who: string) => ({ Authorization: `Bearer ${keys.get(who) ?? who}` })
const ask = (who: string, path: string): Promise<Answer> => engine.call('GET', path, undefined, as(who))
const say = (who: string, path: string, why = 'a test'): Promise<Answer> => engine.call('POST', path, { why }, as(who))
const propose = (who: string, pack: SmallPack | PackFiles, why = 'a test'): Promise<Answer> =>
  engine.call('POST', '/v1/versions', { files: 'pack.yaml' in pack ? pack : smallPack(pack), why }, as(who))
const numberOf = (answer: Answer): number => {
  expect(answer.text).toContain('"version"')
  return Number(Object(answer.body).version)
}

async function inForce(): Promise<{ version: number; hash: string; priority: number }> {
  const { body } = await ask('olaf', '/v1/versions')
  const [found] = Object(body).versions.filter(({ status }: { status: string }) => status === 'in_force')
  // What decides is asked too: the hash that decisions carry.
  const decision = await engine.call('POST', '/v1/decisions', { customerId: 'C1', placement: 'home' })
  expect(Object(decision.body).packHash).toBe(found.hash)
  return found
}

test('the first version is the pack of the first start, with its sources', async () => {
  expect(await ask('anna', '/v1/versions/1')).toMatchObject({ body: { status: 'in_force', author: 'first start' } })
  expect((await ask('anna', '/v1/versions/1/files')).body).toEqual({ files: smallPack() })
})

test('a change that closes nothing goes in force with one approval of another person, and is rolled back to the same bytes', async () => {
  const before = await inForce()
  const proposed = await propose('anna', { priority: 11 })
  const number = numberOf(proposed)
  expect(proposed.body).toMatchObject({
    status: 'proposed',
    needsCompliance: false,
    waitsFor: ['approver'],
    scenarios: 1,
    changes: [{ kind: 'offer', id: 'deposit', change: 'changed', fields: [{ field: 'priority' }] }],
  })
  expect(await say('olaf', `/v1/versions/${number}/activate`)).toMatchObject({
    status: 409,
    body: { code: 'governance_refused', reason: 'not_approved' },
  })
  expect(await say('bob', `/v1/versions/${number}/approve`)).toMatchObject({
    status: 200,
    body: { status: 'approved' },
  })
  const activated = await say('olaf', `/v1/versions/${number}/activate`, 'spring campaign')
  expect(activated).toMatchObject({ status: 200, body: { status: 'in_force', before: before.hash } })
  expect(Object(activated.body).shards.length).toBeGreaterThan(0)
  expect((await inForce()).version).toBe(number)

  const store = await modelOf(before.hash)
  expect(await say('carla', '/v1/versions/rollback', 'complaints')).toMatchObject({ status: 200 })
  const after = await inForce()
  expect(after).toMatchObject({ version: before.version, hash: before.hash })
  expect(await modelOf(after.hash)).toBe(store)
  const audit = await ask('carla', '/v1/audit?limit=6')
  expect(Object(audit.body).records.map(({ action, who, why }: Record<string, string>) => [action, who, why])).toEqual([
    ['activated', 'carla', 'complaints'],
    ['activating', 'carla', 'complaints'],
    ['activated', 'olaf', 'spring campaign'],
    ['activating', 'olaf', 'spring campaign'],
    ['version_approved', 'bob', 'a test'],
    ['activating', 'olaf', 'a test'],
  ])
})

/** The certificate stands for the pack that is kept: it has the hash of the model in it. */
async function modelOf(hash: string): Promise<string> {
  return (await ask('anna', `/v1/packs/${hash}/certificate`)).text
}

test('a guardrail is not loosened without compliance', async () => {
  const number = numberOf(await propose('anna', { silence: '30d' }))
  expect(await ask('bob', `/v1/versions/${number}`)).toMatchObject({
    body: {
      needsCompliance: true,
      waitsFor: ['approver', 'compliance'],
      compliance: [expect.stringContaining('silence')],
    },
  })
  await say('bob', `/v1/versions/${number}/approve`)
  expect(await say('olaf', `/v1/versions/${number}/activate`)).toMatchObject({ body: { reason: 'not_approved' } })
  await say('carla', `/v1/versions/${number}/approve`)
  expect(await say('olaf', `/v1/versions/${number}/activate`)).toMatchObject({ status: 200 })
  expect(await say('bob', '/v1/versions/rollback')).toMatchObject({ status: 200 })
})

test('an author approves nothing of their own, under no key and in no role', async () => {
  const number = numberOf(await propose('anna', { priority: 12 }))
  const other = await keyOf('anna', 'approver', 'compliance')
  expect(await say('anna', `/v1/versions/${number}/approve`)).toMatchObject({ status: 403 })
  expect(await say(other, `/v1/versions/${number}/approve`, 'me')).toMatchObject({
    status: 409,
    body: { reason: 'own_version' },
  })
  const { body } = await ask('carla', '/v1/audit?limit=1')
  expect(body).toMatchObject({
    records: [{ who: 'anna', action: 'version_approved', outcome: 'refused', reason: 'own_version', why: 'me' }],
  })
})

test('an approval against another version in force does not count', async () => {
  const [one, two] = [
    numberOf(await propose('anna', { priority: 13 })),
    numberOf(await propose('anna', { priority: 14 })),
  ]
  await say('bob', `/v1/versions/${one}/approve`)
  await say('bob', `/v1/versions/${two}/approve`)
  await say('olaf', `/v1/versions/${one}/activate`)
  expect(await say('olaf', `/v1/versions/${two}/activate`)).toMatchObject({
    status: 409,
    body: { reason: 'base_changed' },
  })
  await say('bob', `/v1/versions/${two}/approve`)
  expect(await say('olaf', `/v1/versions/${two}/activate`)).toMatchObject({ status: 200 })
  // Back by two, one after the other.
  await say('olaf', '/v1/versions/rollback')
  await say('olaf', '/v1/versions/rollback')
  expect((await inForce()).version).toBe(1)
})

test('the same content again is the version it was', async () => {
  expect(await propose('anna', {})).toMatchObject({
    status: 409,
    body: { reason: 'version_known', detail: expect.stringContaining('version 1') },
  })
})

test('a pack that is not sound, or whose scenarios do not come out, is no version', async () => {
  const count = async () => Object((await ask('anna', '/v1/versions')).body).versions.length
  const before = await count()
  const broken = { ...smallPack(), 'offers.yaml': 'offers: []\n' }
  const unsound = await propose('anna', broken)
  expect(unsound).toMatchObject({ status: 422, body: { code: 'pack_refused', report: { kind: 'refused' } } })
  const checked = await engine.call('POST', '/v1/packs/check', { files: broken }, as('anna'))
  expect(Object(unsound.body).report).toEqual(checked.body)
  expect(await propose('anna', { expected: 'tips', priority: 15 })).toMatchObject({
    status: 422,
    body: { code: 'pack_refused', report: { failed: 1 } },
  })
  const noReason = { status: 400, body: { detail: expect.stringContaining('say why, in a sentence') } }
  expect(await propose('anna', { priority: 15 }, ' ')).toMatchObject(noReason)
  expect(await say('olaf', '/v1/versions/rollback', '')).toMatchObject(noReason)
  expect(await count()).toBe(before)
})

test('a rejected version is never put in force', async () => {
  const number = numberOf(await propose('anna', { priority: 16 }))
  expect(await say('carla', `/v1/versions/${number}/reject`, 'not now')).toMatchObject({ body: { status: 'rejected' } })
  expect(await say('olaf', `/v1/versions/${number}/activate`)).toMatchObject({ body: { reason: 'version_settled' } })
})

test('what changed between two versions is told by definition', async () => {
  const number = numberOf(await propose('anna', { priority: 17, silence: '60d' }))
  expect(await ask('bob', `/v1/versions/${number}/diff?from=1`)).toMatchObject({
    body: {
      changes: [
        { kind: 'guardrail', id: 'silence', change: 'changed', compliance: expect.any(String) },
        { kind: 'offer', id: 'deposit', change: 'changed', compliance: null },
      ],
    },
  })
  const detail = expect.stringMatching(/^There is no version 999:/)
  for (const path of ['/v1/versions/999/diff', '/v1/versions/1/diff?from=999'])
    expect(await ask('bob', path)).toMatchObject({ status: 404, body: { detail } })
})

test('after a restart everything is as it was, and the version in force rules', async () => {
  const number = numberOf(await propose('anna', { priority: 18 }))
  await say('bob', `/v1/versions/${number}/approve`)
  await say('olaf', `/v1/versions/${number}/activate`)
  const before = await ask('carla', '/v1/audit?limit=1000')
  await engine.stop()
  await start()
  expect((await ask('carla', '/v1/audit?limit=1000')).body).toEqual(before.body)
  expect((await inForce()).version).toBe(number)
  expect(await ask('carla', '/v1/audit/verify')).toMatchObject({ body: { intact: true } })
})
