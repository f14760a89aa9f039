/** Goal: what-ifs and shadows work where no log and no store is embedded. Method: an engine on Kafka, Redis and ClickHouse over HTTP. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { packFilesOf } from '../../../rules/pack-texts.ts'
import {
  describeWithClickHouse,
  describeWithKafka,
  describeWithRedis,
  uniqueName,
} from '../../parts/describe-with-parts.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'

const prefix = `${randomUUID()}.`
const waiting = { timeout: 120_000, interval: 500 }
const customers = ['C1', 'C2', 'C3', 'C4', 'C5', 'C6']

/** The pack without thanks below fifty thousand. */
async function silentFiles(): Promise<Record<string, string>> {
  const files = { ...(await packFilesOf('rules/packs/retail-bank', [])) }
  const triggers = (files['triggers.yaml'] ?? '').replace(
    'event.amount >= money("5000.00")\n    offers: [repayment_thanks]',
    'event.amount >= money("50000.00")\n    offers: [repayment_thanks]',
  )
  const own = Object.entries(files).filter(([name]) => !name.includes('/'))
  return { ...Object.fromEntries(own), 'triggers.yaml': triggers }
}

await describeWithKafka('with logs on Kafka', async (brokers) => {
  await describeWithRedis('customers in Redis', async (redis) => {
    await describeWithClickHouse('and history on a ClickHouse server', (clickHouse) => {
      let engine: RunningEngine

      async function thank(ids: readonly string[]): Promise<void> {
        const consent = { channel: 'sms', granted: true, purpose: 'marketing' }
        const events = ids.flatMap((id) => [cloudEvent(id, 'consent.updated', consent), repayment(id, 500_000)])
        expect((await engine.call('POST', '/v1/events', events)).body).toMatchObject({ accepted: events.length })
      }

      beforeAll(async () => {
        engine = await runEngine({
          settings: {
            KAFKA_BROKERS: brokers.join(','),
            KAFKA_TOPIC_PREFIX: prefix,
            REDIS_URL: redis,
            REDIS_KEY_PREFIX: prefix,
            CLICKHOUSE_URL: clickHouse(uniqueName('whatif')),
            PARTITIONS: '2',
            NODE_NAME: 'a',
            // What a node answers without its shard is no evidence.
            DECISION_DEADLINE_MS: '10000',
          },
          history: true,
        })
        await vi.waitFor(async () => expect((await engine.call('GET', '/readyz')).status).toBe(200), waiting)
        await thank(customers)
        for (const customerId of customers)
          await engine.call('POST', '/v1/decisions', { customerId, placement: 'app_offers' })
        await engine.engine.shards.drained()
        expect(await engine.engine.history?.flush(60_000)).toBe(true)
        // The window of a what-if ends so long before it is asked for.
        await new Promise((resolve) => setTimeout(resolve, 2_100))
      }, 240_000)
      afterAll(() => engine.stop(), 60_000)

      test('a what-if meets what was decided and says who loses', { timeout: 240_000 }, async () => {
        const begun = await engine.call('POST', '/v1/what-ifs', { files: await silentFiles(), days: 1 })
        expect(begun.body).toMatchObject({ state: 'running' })
        await vi.waitFor(async () => {
          const { body } = await engine.call('GET', '/v1/what-ifs')
          expect(Object(body).state).not.toBe('running')
        }, waiting)
        const { state, report } = Object((await engine.call('GET', '/v1/what-ifs')).body)
        expect(state).toBe('done')
        expect(report.belief).toMatchObject({ differed: 0, missing: 0, surplus: 0 })
        expect(report.belief.met).toBeGreaterThanOrEqual(customers.length * 2)
        expect(report.holes).toEqual([])
        const line = report.offers.find(({ offer }: { offer: string }) => offer === 'repayment_thanks')
        expect(line).toMatchObject({ made: { current: 6, next: 0 }, lost: 6, gained: 0 })
      })

      test('a shadow follows history on the server', { timeout: 240_000 }, async () => {
        await engine.call('POST', '/v1/shadow', { files: await silentFiles() })
        await vi.waitFor(async () => {
          const { body } = await engine.call('GET', '/v1/shadow')
          expect(Object(body)).toMatchObject({ state: 'following', sentence: null })
        }, waiting)
        await thank(['S1', 'S2', 'S3'])
        await vi.waitFor(async () => {
          const { body } = await engine.call('GET', '/v1/shadow/report')
          expect(Object(body).offers).toMatchObject([
            { offer: 'repayment_thanks', made_current: 3, lost: 3, gained: 0 },
          ])
        }, waiting)
        await engine.call('POST', '/v1/shadow/stop')
      })
    })
  })
})
