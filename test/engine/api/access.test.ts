/** Who may call what: every route by every role, held against a table that is written down here. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Role, roles } from '../../../engine/control/roles.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'

const everybody = [...roles]
const reads: readonly Role[] = ['operator', 'author', 'approver', 'compliance']
const open = 'open' as const
const owner = 'owner' as const

/** By method and path; what is not here fails, so that a new route has to say who may call it. */
const table: Readonly<Record<string, 'open' | 'owner' | readonly Role[]>> = {
  'POST /v1/events': ['producer', 'gateway', 'compliance', 'operator'],
  'POST /v1/decisions': ['app'],
  'GET /v1/decisions/{id}': ['app', 'operator', 'approver', 'compliance'],
  'GET /v1/decisions/{id}/replay': ['operator', 'compliance', 'approver'],
  'GET /v1/replays': ['operator', 'compliance', 'approver'],
  'POST /v1/replays': ['operator', 'compliance', 'approver'],
  'POST /v1/replays/halt': ['operator', 'compliance', 'approver'],
  'POST /v1/permits/{decisionId}': ['gateway'],
  'GET /v1/customers/{id}': ['operator', 'compliance'],
  'POST /v1/customers/{id}/erase': ['operator', 'compliance'],
  'GET /v1/customers/{id}/erasure': ['operator', 'compliance'],
  'GET /v1/explain': ['operator', 'compliance'],
  'POST /v1/dry-runs': reads,
  'POST /v1/what-ifs': reads,
  'GET /v1/what-ifs': reads,
  'POST /v1/what-ifs/stop': reads,
  'POST /v1/shadow': ['operator', 'author'],
  'GET /v1/shadow': reads,
  'GET /v1/shadow/report': reads,
  'POST /v1/shadow/stop': ['operator', 'author'],
  'GET /v1/packs/{hash}/certificate': reads,
  'GET /v1/quarantine': ['operator'],
  'POST /v1/quarantine/lift': ['operator'],
  'GET /v1/partitions': ['operator'],
  'POST /v1/partitions/{partition}/reopen': ['operator'],
  'GET /v1/stock': reads,
  'GET /v1/backfill': ['operator'],
  'POST /v1/backfill': ['operator'],
  'POST /v1/backfill/halt': ['operator'],
  'GET /v1/dead-letters': ['operator'],
  'GET /v1/dead-letters/{id}': ['operator'],
  'POST /v1/dead-letters/{id}/redrive': ['operator'],
  'GET /v1/tail': ['gateway', 'operator', 'compliance'],
  'POST /v1/sql': reads,
  'GET /v1/keys': owner,
  'POST /v1/keys': owner,
  'POST /v1/keys/{name}/revoke': owner,
  'POST /v1/packs/check': ['author'],
  'POST /v1/packs/test': ['author'],
  'GET /v1/packs/active': reads,
  'GET /v1/versions': reads,
  'POST /v1/versions': ['author'],
  'GET /v1/versions/{number}': reads,
  'GET /v1/versions/{number}/files': reads,
  'GET /v1/versions/{number}/diff': reads,
  'POST /v1/versions/{number}/approve': ['approver', 'compliance'],
  'POST /v1/versions/{number}/reject': ['approver', 'compliance'],
  'POST /v1/versions/{number}/activate': ['operator', 'approver'],
  'POST /v1/versions/rollback': ['operator', 'approver', 'compliance'],
  'GET /v1/audit': ['operator', 'approver', 'compliance'],
  'GET /v1/audit/verify': ['operator', 'approver', 'compliance'],
  'GET /v1/sources': reads,
  'POST /v1/sources/{id}/revoke': ['compliance', 'operator'],
  'POST /v1/sources/{id}/restore': ['compliance'],
  'GET /livez': open,
  'GET /readyz': open,
  'GET /metrics': everybody,
  'GET /openapi.json': open,
}

let engine: RunningEngine
const keys = new Map<Role, string>()
beforeAll(async () => {
  engine = await runEngine()
  for (const role of roles) keys.set(role, await keyOf(`the-${role}`, role))
})
afterAll(() => engine.stop())

async function keyOf(name: string, ...may: Role[]): Promise<string> {
  const { body } = await engine.call('POST', '/v1/keys', { name, roles: may })
  if (typeof body !== 'object' || body === null || !('key' in body)) throw new Error('no key was made')
  return String(body.key)
}

const as = (key: string | undefined) => ({ Authorization: `Bearer ${key ?? ''}` })

/** Nothing of it is done: the parts of the path name nothing, and no body is what the call takes. */
async function statusOf(call: string, headers: Record<string, string>): Promise<number> {
  const [method, path = ''] = call.split(' ')
  const url = path.replaceAll(/\{[a-zA-Z]+\}/g, '0')
  const answer = await (method === 'GET'
    ? engine.call('GET', url, undefined, headers)
    : engine.call('POST', url, '{"nothing":', headers))
  return answer.status
}

test('every call of the API is in the table, and none that is not there', async () => {
  const { body } = await engine.call('GET', '/openapi.json')
  const found = Object.entries(Object(body).paths).flatMap(([path, methods]) =>
    Object.keys(Object(methods)).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(found.sort()).toEqual(Object.keys(table).sort())
})

test('every route that the sources name is in the table', () => {
  const shape = (path: string) => path.replaceAll(/\{[a-zA-Z]+\}|:[a-zA-Z]+/g, '*')
  const sources = readdirSync('engine/api').filter((file) => !file.startsWith('openapi'))
  const served = sources.flatMap((file) => {
    const text = readFileSync(`engine/api/${file}`, 'utf8')
    return Array.from(text.matchAll(/path: '([^']+)'/g), ([, path]) => shape(path ?? ''))
  })
  expect([...new Set(served)].sort()).toEqual(
    [...new Set(Object.keys(table).map((call) => shape(call.split(' ')[1] ?? '')))].sort(),
  )
})

describe.each(roles)('the role %s', (role) => {
  test.each(Object.entries(table))('may call %s or is told who may', async (call, allowed) => {
    const status = await statusOf(call, as(keys.get(role)))
    const isAllowed = allowed === 'open' || (allowed !== 'owner' && allowed.includes(role))
    // An event of no type is a fact, which is a producer's: others are refused behind the door, by what they send.
    if (call === 'POST /v1/events' && isAllowed && role !== 'producer') return
    expect(status === 403).toBe(!isAllowed)
  })
})

test('a refusal names the roles that may', async () => {
  const answer = await engine.call('POST', '/v1/decisions', {}, as(keys.get('author')))
  expect(answer.status).toBe(403)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({ code: 'role_missing', roles: ['app'], detail: expect.stringContaining('app') })
})

describe('events', () => {
  const sms = { decisionId: '0'.repeat(32), channel: 'sms' }
  const sent = () => cloudEvent('C-1', 'message.sent', sms)
  const overridden = () => cloudEvent('C-1', 'guardrail.overridden', { guardrail: 'x', role: 'x', reason: 'x' })
  const erased = () => cloudEvent('C-1', 'customer.erased', {})
  test.each([
    ['producer', repayment('C-1', 100), true],
    ['producer', sent(), false],
    ['producer', overridden(), false],
    ['producer', erased(), false],
    ['gateway', sent(), true],
    ['gateway', repayment('C-1', 100), false],
    ['compliance', overridden(), true],
    ['compliance', erased(), false],
    ['operator', erased(), true],
    ['operator', sent(), false],
  ] as const)('of a %s are those that are theirs to send (%#)', async (role, event, isAllowed) => {
    const answer = await engine.call('POST', '/v1/events?deadlineMs=1', event, as(keys.get(role)))
    expect(answer.status === 403).toBe(!isAllowed)
  })

  test('whose type is no text go to the dead letters as any other that is none', async () => {
    const none = { ...repayment('C-1', 100), type: { toString: 1 } }
    const answer = await engine.call('POST', '/v1/events', none, as(keys.get('producer')))
    expect(answer).toMatchObject({ status: 422, body: { field: 'type' } })
  })

  test('are taken all or none when one of them is not the caller’s to send', async () => {
    const before = (await engine.engine.events.bounds(0)).end
    const answer = await engine.call('POST', '/v1/events', [repayment('C-2', 1), sent()], as(keys.get('producer')))
    expect(answer.status).toBe(403)
    expect((await engine.engine.events.bounds(0)).end).toBe(before)
  })
})

test('an app sees of a decision what its customer may be told, and no record', async () => {
  const path = `/v1/decisions/${'0'.repeat(32)}`
  const staff = await engine.call('GET', path, undefined, as(keys.get('app')))
  expect(staff.status).toBe(403)
  const customer = await engine.call('GET', `${path}?for=customer`, undefined, as(keys.get('app')))
  expect(customer.status).not.toBe(403)
})

describe('a key', () => {
  test('is shown once, and kept as a digest alone', async () => {
    const key = await keyOf('once', 'app')
    const listed = await engine.call('GET', '/v1/keys')
    expect(listed.text).toContain('once')
    const audit = await engine.call('GET', '/v1/audit?limit=1000')
    for (const told of [listed.text, audit.text]) expect(told).not.toContain(key)
  })

  test('that is revoked is none from that moment', async () => {
    const key = await keyOf('leaver', 'app')
    const ask = () => engine.call('POST', '/v1/decisions', { customerId: 'C1', placement: 'app_offers' }, as(key))
    expect((await ask()).status).toBe(200)
    expect((await engine.call('POST', '/v1/keys/leaver/revoke', { why: 'left' })).status).toBe(200)
    expect((await ask()).status).toBe(401)
    expect((await engine.call('POST', '/v1/keys/leaver/revoke', {})).status).toBe(404)
  })

  test.each([
    ['owner', ['app']],
    ['Anna', ['app']],
    ['anna', []],
    ['anna', ['king']],
  ])('of the name %s with the roles %j is refused', async (name, may) => {
    const { status } = await engine.call('POST', '/v1/keys', { name, roles: may })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  })
})

test('refused calls of governance are in the audit, once a minute for each', async () => {
  const key = await keyOf('curious', 'producer')
  for (let n = 0; n < 5; n++) await engine.call('POST', '/v1/keys', { name: 'x', roles: ['app'] }, as(key))
  await engine.call('POST', '/v1/decisions', {}, as(key))
  // It is written behind the answer.
  const told = async () => (await engine.call('GET', '/v1/audit?limit=1000')).text.match(/"who":"curious"/g)?.length
  await expect.poll(told).toBe(1)
  await engine.call('POST', '/v1/keys', { name: 'x', roles: ['app'] }, as(key))
  expect(await told()).toBe(1)
  const { body } = await engine.call('GET', '/v1/audit?limit=1000')
  expect(body).toMatchObject({
    records: expect.arrayContaining([
      expect.objectContaining({
        who: 'curious',
        action: 'call_refused',
        subject: { call: 'POST /v1/keys', code: 'role_missing' },
      }),
    ]),
  })
})

test('no role alters the audit: what was recorded is still there after every call that there is', async () => {
  const audit = async () => {
    const { body } = await engine.call('GET', '/v1/audit?limit=1000')
    return JSON.stringify(Object(body).records.filter(({ number }: { number: number }) => number <= 5))
  }
  const before = await audit()
  for (const call of Object.keys(table)) {
    const path = (call.split(' ')[1] ?? '').replaceAll(/\{[a-zA-Z]+\}/g, '1')
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      await fetch(engine.url + path, { method, headers: as(engine.engine.key), body: '{"why":"x"}' })
  }
  expect(await audit()).toBe(before)
  expect(await engine.call('GET', '/v1/audit/verify')).toMatchObject({ body: { intact: true } })
}, 120_000)
