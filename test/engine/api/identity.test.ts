/** One customer under many names, over real HTTP: on the embedded parts and with the customers in a real Redis. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRedisIdentityMap } from '../../../engine/identity/redis-identity-map.ts'
import { aliasSecret } from '../../../engine/nodes/node-key.ts'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'
import { type StartedRedis, startRedis } from '../store/redis/start-redis.ts'

const card = '6225880123456789'

/** The suite on one kind of store. */
function identitySuite(settings: () => Record<string, string>, kept: () => Promise<string>): void {
  let dataDir: string
  let engine: RunningEngine
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'proffer-identity-api-'))
    engine = await runEngine({ dataDir, settings: settings() })
  })
  afterAll(async () => {
    await engine.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  const post = (body: unknown) => engine.call('POST', '/v1/events', body)
  const link = (customer: string, alias: string) => cloudEvent(customer, 'identity.linked', { alias })
  const unlink = (customer: string, alias: string) => cloudEvent(customer, 'identity.unlinked', { alias })
  const fxView = (name: string) => cloudEvent(name, 'page.viewed', { page: 'fx/rates', pageGroup: 'fx', dwellMs: 900 })
  const ask = (name: string, requestId: string) =>
    engine.call('POST', '/v1/decisions', {
      customerId: name,
      placement: 'app_offers',
      requestId,
      deadlineMs: 5_000,
    })
  const viewOf = (name: string) => engine.call('GET', `/v1/customers/${encodeURIComponent(name)}`)
  /** The counter of FX pages of whoever has the name, in words. */
  const fxViews = async (name: string): Promise<string> => {
    const { variables } = Object((await viewOf(name)).body)
    return variables.find((one: { name: string }) => one.name === 'fx_views_24h').value
  }

  test('what is posted under one name is counted under every other', async () => {
    expect((await post([link('C-one', '@device:one'), link('C-one', '@wechat:oGZUI0eg')])).body).toMatchObject({
      accepted: 2,
    })
    await post(fxView('@device:one'))
    await post(fxView('@wechat:oGZUI0eg'))
    await post(fxView('C-one'))
    for (const name of ['C-one', '@device:one', '@wechat:oGZUI0eg']) expect(await fxViews(name)).toBe('3')
    expect((await viewOf('@device:one')).body).toMatchObject({ customerId: 'C-one', known: true })
  })

  test('a decision under one name is the decision under the other', async () => {
    await post(link('C-two', '@device:two'))
    await post(fxView('C-two'))
    const answers = [await ask('@device:two', 'r-1'), await ask('C-two', 'r-1')].map(({ body }) => Object(body))
    const [first, again] = answers
    expect(first.offers.length).toBeGreaterThan(0)
    expect(again.offers).toEqual(first.offers)
    expect(again.reason).toBe(first.reason)
    expect(first.reason).not.toBe('customer_unknown')
    const customersOf = async () => {
      const { decisions } = Object((await engine.call('GET', '/v1/tail?cursor=start&limit=1000')).body)
      const recorded = new Map(decisions.map((one: { id: string; customerId: string }) => [one.id, one.customerId]))
      return answers.map(({ decisionId }) => recorded.get(decisionId))
    }
    await expect.poll(customersOf).toEqual(['C-two', 'C-two'])
  })

  test('an alias may be used in the very call that links it, and an event under it is counted once', async () => {
    const view = fxView('@device:three')
    const answer = await post([link('C-three', '@device:three'), view, view, { ...view, subject: 'C-three' }])
    expect(answer.body).toMatchObject({ accepted: 2, duplicates: 2, deadLettered: 0 })
    expect(await fxViews('C-three')).toBe('1')
  })

  test('an event is explained under an alias', async () => {
    await post(link('C-why', '@device:why'))
    const view = fxView('@device:why')
    await post(view)
    const answer = await engine.call('GET', `/v1/explain?customer=%40device%3Awhy&event=${view['id']}`)
    expect(answer.body).toMatchObject({ customerId: 'C-why', event: view['id'] })
  })

  test('an event of nobody is kept, and comes in when the alias is linked and it is handed in again', async () => {
    const answer = await post(fxView('@device:later'))
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ code: 'event_rejected', reason: 'customer_unknown', field: 'subject' })
    expect(Object(answer.body).detail).toContain('deadletters redrive')
    const redrive = `/v1/dead-letters/${Object(answer.body).deadLetterId}/redrive`
    expect((await engine.call('POST', redrive)).body).toMatchObject({ reason: 'customer_unknown' })
    await post(link('C-later', '@device:later'))
    expect((await engine.call('POST', redrive)).status).toBe(200)
    await engine.engine.shards.drained()
    expect(await fxViews('C-later')).toBe('1')
  })

  test('nobody gets an offer that may be shown to anybody, and a page that says so', async () => {
    const answer = await ask('@device:nobody', 'r-1')
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ outcome: 'fallback', reason: 'customer_unknown', requestId: 'r-1' })
    const unknown = Object(answer.body)
    expect(unknown.offers.map((one: { offer: string }) => one.offer)).toEqual(
      Object((await ask('C-never-seen', 'r-1')).body).offers.map((one: { offer: string }) => one.offer),
    )
    expect(unknown.decisionId).toMatch(/^[0-9a-f]{32}$/)
    for (const path of ['/v1/customers/%40device%3Anobody', '/v1/explain?customer=%40device%3Anobody&event=e']) {
      const page = await engine.call('GET', path)
      expect(page.status).toBe(404)
      expect(page.body).toMatchObject({ code: 'customer_unknown' })
    }
    expect((await engine.call('GET', '/metrics')).text).toMatch(/decisions_unknown_alias_total [1-9]/)
  })

  test('an alias of another customer is refused with what to do, and free once it is unlinked', async () => {
    await post(link('C-had', '@device:sold'))
    const taken = await post(link('C-has', '@device:sold'))
    expect(taken.status).toBe(422)
    expect(taken.body).toMatchObject({ reason: 'alias_taken', field: 'alias' })
    expect(Object(taken.body).detail).toContain('identity.unlinked')
    expect((await post(unlink('C-has', '@device:sold'))).body).toMatchObject({ reason: 'alias_taken' })
    await post([unlink('C-had', '@device:sold'), link('C-has', '@device:sold')])
    await post(fxView('@device:sold'))
    expect([await fxViews('C-has'), await fxViews('C-had')]).toEqual(['1', '0'])
  })

  test('an alias that is unlinked is nobody’s for the very next call', async () => {
    await post(link('C-gone', '@device:gone'))
    expect((await viewOf('@device:gone')).status).toBe(200)
    await post(unlink('C-gone', '@device:gone'))
    expect((await viewOf('@device:gone')).status).toBe(404)
    expect((await post(fxView('@device:gone'))).body).toMatchObject({ reason: 'customer_unknown' })
  })

  test('an erased customer has no alias and gets none', async () => {
    await post([link('C-erased', '@device:erased'), fxView('@device:erased')])
    expect((await post(cloudEvent('@device:erased', 'customer.erased', {}))).body).toMatchObject({ accepted: 1 })
    expect((await viewOf('@device:erased')).status).toBe(404)
    expect((await ask('@device:erased', 'r-1')).body).toMatchObject({ reason: 'customer_unknown' })
    expect((await post(link('C-erased', '@device:new'))).body).toMatchObject({ reason: 'erased' })
    expect((await post(link('C-other', '@device:erased'))).status).toBe(200)
  })

  test.each([
    ['a kind in capitals', '@Device:a'],
    ['no value', '@device:'],
    ['a value that is too long', `@device:${'x'.repeat(129)}`],
    ['a blank', '@device:a b'],
  ])('an alias with %s is refused wherever it stands, and not repeated', async (_, alias) => {
    expect((await post(fxView(alias))).body).toMatchObject({ reason: 'customer_invalid', field: 'subject' })
    expect((await post(link('C1', alias))).body).toMatchObject({ reason: 'field_invalid', field: 'alias' })
    const decision = await ask(alias, 'r-1')
    expect(decision.body).toMatchObject({ status: 400, code: 'body_invalid' })
    const view = await viewOf(alias)
    expect(view.body).toMatchObject({ status: 400, code: 'query_invalid' })
    expect(decision.text + view.text).not.toContain(alias)
  })

  test('links outlive a restart, and a card number that was linked and used is nowhere on disk', async () => {
    await post([link('C-card', `@card:${card}`), repayment(`@card:${card}`, 100), fxView(`@card:${card}`)])
    await ask(`@card:${card}`, 'r-1')
    await engine.stop()
    expect((await kept()) + readAll(dataDir)).toContain('C-card')
    expect((await kept()) + readAll(dataDir)).not.toContain(card)
    engine = await runEngine({ dataDir, settings: settings() })
    expect(await fxViews(`@card:${card}`)).toBe('1')
  })
}

/** Every byte below a folder. */
function readAll(folder: string): string {
  return execFileSync('sh', ['-c', 'find . -type f -exec cat {} +'], {
    cwd: folder,
    encoding: 'latin1',
    maxBuffer: 2 ** 30,
  })
}

describe('with the embedded store', () => {
  identitySuite(
    () => ({}),
    async () => '',
  )
})

await describeWithOwnRedis('with the customers in Redis', () => {
  let redis: StartedRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  identitySuite(
    () => ({ REDIS_URL: redis.url }),
    async () => {
      const dumps = (await redis.client.keys('*')).map(
        async (key) => `${key} ${(await redis.client.dumpBuffer(key))?.toString('latin1')}`,
      )
      return (await Promise.all(dumps)).join('\n')
    },
  )

  test('while Redis is away an alias gets the safe offer, and an event is to be sent again', async () => {
    const settings = { REDIS_URL: redis.url, REDIS_KEY_PREFIX: 'away:', REDIS_TIMEOUT_MS: '500' }
    const engine = await runEngine({ settings })
    try {
      const linked = cloudEvent('C-away', 'identity.linked', { alias: '@device:away' })
      expect((await engine.call('POST', '/v1/events', linked)).status).toBe(200)
      await redis.kill()
      const asked = { customerId: '@device:away', placement: 'app_offers' }
      const answer = await engine.call('POST', '/v1/decisions', asked)
      expect(answer.body).toMatchObject({ outcome: 'fallback' })
      expect(['store_unavailable', 'deadline_exceeded']).toContain(Object(answer.body).reason)
      const refused = await engine.call('POST', '/v1/events', repayment('@device:away', 100))
      expect(refused.body).toMatchObject({ status: 503, code: 'identity_unavailable' })
      expect((await engine.call('GET', '/v1/customers/%40device%3Aaway')).body).toMatchObject({
        status: 503,
        code: 'identity_unavailable',
      })
    } finally {
      await redis.restart()
      await engine.stop()
    }
  })

  test('an alias that one node links or unlinks is so for the other at once', async () => {
    const settings = { REDIS_URL: redis.url, REDIS_KEY_PREFIX: 'two:' }
    const one = await runEngine({ settings })
    const seal = createAliasSeal(aliasSecret(one.engine.installation.cluster.salt))
    const other = await openRedisIdentityMap({ urls: [redis.url], prefix: 'two:', seal })
    try {
      const change = { alias: seal.alias('@device:far'), customerId: 'C-far', at: Date.now() }
      await other.change([{ ...change, kind: 'link' }])
      expect((await one.call('GET', '/v1/customers/%40device%3Afar')).body).toMatchObject({ customerId: 'C-far' })
      await other.change([{ ...change, kind: 'unlink' }])
      expect((await one.call('GET', '/v1/customers/%40device%3Afar')).status).toBe(404)
    } finally {
      await other.close()
      await one.stop()
    }
  })
})
