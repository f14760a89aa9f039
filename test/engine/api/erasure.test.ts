/** Erasing a customer over real HTTP: what every store holds afterwards, whatever comes late or again. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import { erasedForMs } from '../../../ingest/erasure.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'

let engine: RunningEngine

beforeAll(async () => {
  engine = await runEngine({ history: true })
})
afterAll(() => engine.stop())

const post = (body: unknown) => engine.call('POST', '/v1/events', body)
const erase = (customer: string, body: unknown = {}) => engine.call('POST', `/v1/customers/${customer}/erase`, body)
const receiptOf = async (customer: string) =>
  Object((await engine.call('GET', `/v1/customers/${customer}/erasure`)).body)
const entry = (receipt: { stores: readonly { store: string }[] }, store: string) =>
  receipt.stores.find((one) => one.store === store)
/** What is kept for the engine's own use has nothing of the customer any more. */
async function isGone(customer: string): Promise<void> {
  for (const store of ['state', 'identity', 'dead_letters'])
    await expect.poll(async () => entry(await receiptOf(customer), store)).toMatchObject({ state: 'gone', left: 0 })
}
const letters = async (): Promise<readonly { id: string; reason: string }[]> =>
  Object((await engine.call('GET', '/v1/dead-letters?limit=1000')).body).deadLetters

/** A customer with a state, an alias and two dead letters, one of them under the alias. */
async function live(customer: string): Promise<readonly string[]> {
  const device = `@device:${customer}`
  await post([cloudEvent(customer, 'identity.linked', { alias: device }), repayment(customer, 700_000)])
  const refused = [
    cloudEvent(customer, 'repayment.made', { amount: -1 }),
    cloudEvent(device, 'repayment.made', { amount: 'much' }),
    repayment(customer, 1, { time: '2020-01-01T00:00:00Z' }),
  ]
  const answer = await post(refused)
  expect(answer.body).toMatchObject({ deadLettered: 3 })
  return Object(answer.body).events.map((one: { deadLetterId: string }) => one.deadLetterId)
}

describe('one call', () => {
  test('takes the customer out of state, identity map and dead letters, and says so store by store', async () => {
    const ids = await live('C-gone')
    const others = await live('C-gone2')
    const answer = await erase('C-gone', { ground: 'request' })
    expect(answer.status).toBe(200)
    const receipt = Object(answer.body)
    expect(receipt.customerId).toBe('C-gone')
    expect(receipt.refusedUntil - receipt.erasedAt).toBe(erasedForMs)
    await isGone('C-gone')
    expect((await engine.call('GET', '/v1/customers/C-gone')).body).toMatchObject({ known: false })
    expect((await engine.call('GET', '/v1/customers/@device:C-gone')).status).toBe(404)
    const kept = (await letters()).map(({ id }) => id)
    for (const id of ids) expect(kept).not.toContain(id)
    for (const id of others) expect(kept).toContain(id)
    expect((await engine.call('GET', '/v1/customers/@device:C-gone2')).body).toMatchObject({ known: true })
  })

  test('nothing of the customer is taken any more, and of what comes only that it came is kept', async () => {
    await live('C-late')
    await erase('C-late')
    for (const event of [repayment('C-late', 5), repayment('C-late', 5, { time: new Date(Date.now() - 3_600_000) })])
      expect((await post(event)).body).toMatchObject({ reason: 'erased' })
    const relinked = await post(cloudEvent('C-late', 'identity.linked', { alias: '@device:new' }))
    expect(relinked.body).toMatchObject({ reason: 'erased' })
    const letter = await engine.call('GET', `/v1/dead-letters/${Object(relinked.body).deadLetterId}`)
    expect(letter.body).toMatchObject({ reason: 'erased', bytes: '' })
    expect((await receiptOf('C-late')).stores).toContainEqual(
      expect.objectContaining({ store: 'dead_letters', left: 0 }),
    )
    await engine.engine.shards.drained()
    const receipt = await receiptOf('C-late')
    expect(entry(receipt, 'state')).toMatchObject({ state: 'gone' })
    const ofShard = (await letters()).filter(({ id, reason }) => reason === 'erased' && /^p\d/.test(id))
    expect(ofShard.length).toBeGreaterThan(1)
    for (const { id } of ofShard)
      expect((await engine.call('GET', `/v1/dead-letters/${id}`)).body).toMatchObject({ bytes: '' })
    const answer = await engine.call('POST', '/v1/decisions', { customerId: 'C-late', placement: 'app_offers' })
    // That somebody was erased is no business of an app's.
    expect(answer.body).toMatchObject({ outcome: 'fallback', reason: 'not_available' })
  })

  test('an event of an erased customer is not explained any more, though the log has it yet', async () => {
    const event = repayment('C-told', 700_000)
    await post(event)
    const explain = () => engine.call('GET', `/v1/explain?customer=C-told&event=${String(event['id'])}`)
    expect((await explain()).status).toBe(200)
    await erase('C-told')
    expect(await explain()).toMatchObject({ status: 410, body: { code: 'customer_erased' } })
  })

  test('erasing again changes nothing and gives the receipt again', async () => {
    await live('C-twice')
    const first = Object((await erase('C-twice')).body)
    const again = await erase('C-twice')
    expect(again.status).toBe(200)
    expect(Object(again.body).erasedAt).toBe(first.erasedAt)
  })

  test('an alias leads to the customer, who is erased with it', async () => {
    await live('C-alias')
    expect((await erase('@device:C-alias')).body).toMatchObject({ customerId: 'C-alias' })
    expect((await erase('@device:C-alias')).status).toBe(404)
  })

  test('logs tell by when they are rid of the customer, backups and consumers that they are not proffer’s', async () => {
    await live('C-logs')
    const receipt = Object((await erase('C-logs')).body)
    const retentionMs = engine.config.LOG_RETENTION_HOURS * 3_600_000
    for (const log of ['log.events', 'log.decisions']) {
      const { state, goneBy } = Object(entry(receipt, log))
      expect(state).toBe('gone_by')
      expect(goneBy - receipt.erasedAt - retentionMs).toBeGreaterThanOrEqual(0)
    }
    for (const store of ['backups', 'consumers']) expect(entry(receipt, store)).toMatchObject({ state: 'outside' })
  })

  test('history deletes the rows, and the statement of the receipt shows it', { timeout: 60_000 }, async () => {
    await live('C-rows')
    await vi.waitFor(
      async () => {
        const sql = { query: "SELECT count() AS n FROM events_raw WHERE customer_id = 'C-rows'", format: 'csv' }
        expect(Object((await engine.call('POST', '/v1/sql', sql)).body).text).toContain('3')
      },
      { timeout: 20_000, interval: 200 },
    )
    await erase('C-rows')
    await vi.waitFor(
      async () => {
        const receipt = await receiptOf('C-rows')
        const tables = receipt.stores.filter(({ store }: { store: string }) => store.startsWith('history.'))
        expect(tables.map(({ left }: { left: number }) => left)).toEqual([0, 0, 0, 0, 0])
        for (const { verify } of tables) {
          const counted = await engine.call('POST', '/v1/sql', { query: verify, format: 'csv' })
          expect(Object(counted.body).text.trim().split('\n').at(-1)).toBe('0')
        }
      },
      { timeout: 30_000, interval: 500 },
    )
  })
})

test('an erasure that others wrote to the log empties the identity map and the dead letters too', async () => {
  const ids = await live('C-stream')
  const { events } = engine.engine
  const event = {
    id: 'gdpr-1',
    source: 'privacy-office',
    type: 'customer.erased',
    customerId: 'C-stream',
    time: Date.now(),
    provenance: { via: 'stream', consentId: null },
    data: { ground: 'request' },
  } as const
  await events.append(partitionOf('C-stream', events.partitions), [{ key: 'C-stream', value: encodeEvent(event) }])
  await isGone('C-stream')
  const kept = (await letters()).map(({ id }) => id)
  // The one under the alias could be told by the alias alone, which was still linked.
  for (const id of ids) expect(kept).not.toContain(id)
})

describe('wrong calls', () => {
  test('somebody who was not erased has a receipt that says so', async () => {
    await post(repayment('C-here', 1))
    expect(await receiptOf('C-here')).toMatchObject({ state: 'none', erasedAt: null, stores: [] })
  })

  test('a name that is none, a ground that is none and a deadline that is none are refused, and nothing is erased', async () => {
    await post(repayment('C-stays', 1))
    expect((await erase('C%20stays')).status).toBe(400)
    expect((await erase('C-stays', { ground: 'whim' })).status).toBe(400)
    expect((await erase('C-stays', '{')).status).toBe(400)
    const late = await engine.call('POST', '/v1/customers/C-stays/erase?deadlineMs=0', {})
    expect(late.status).toBe(400)
    expect((await engine.call('GET', '/v1/customers/C-stays')).body).toMatchObject({ known: true, erasedAt: null })
  })

  test('without the key nobody is erased', async () => {
    const response = await fetch(`${engine.url}/v1/customers/C-stays/erase`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(401)
  })
})
