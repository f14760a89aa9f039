/** Erasure with log and dead letters on Kafka and customers in Redis, shared by two nodes, on a log that others write to. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { describeWithKafka, describeWithRedis } from '../parts/describe-with-parts.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from './running-engine.ts'

const prefix = `${randomUUID()}.`
const waiting = { timeout: 30_000, interval: 200 }

await describeWithKafka('on a broker', async (brokers) => {
  await describeWithRedis('and a Redis', (redis) => {
    let nodes: readonly RunningEngine[] = []
    const started = (name: string) =>
      runEngine({
        settings: {
          KAFKA_BROKERS: brokers.join(','),
          KAFKA_TOPIC_PREFIX: prefix,
          KAFKA_TRUSTED: 'all',
          KAFKA_SESSION_TIMEOUT_MS: '6000',
          REDIS_URL: redis,
          REDIS_KEY_PREFIX: prefix,
          PARTITIONS: '2',
          NODE_NAME: name,
        },
      })
    beforeAll(async () => {
      nodes = [await started('a'), await started('b')]
    }, 60_000)
    afterAll(async () => {
      for (const node of nodes) await node.stop()
    }, 60_000)

    test('an erasure that a bank’s own system wrote is carried out on every node', { timeout: 90_000 }, async () => {
      const [a, b] = nodes
      if (a === undefined || b === undefined) throw new Error('there are two nodes')
      const customer = 'C-shared'
      await vi.waitFor(async () => {
        const { partitions } = Object((await a.call('GET', '/v1/partitions')).body)
        expect(new Set(partitions.map(({ addr }: { addr: string }) => addr)).size).toBe(2)
        expect(partitions.every(({ state }: { state: string }) => state === 'running')).toBe(true)
      }, waiting)
      await a.call('POST', '/v1/events', [
        cloudEvent(customer, 'identity.linked', { alias: '@device:shared' }),
        repayment(customer, 500),
        cloudEvent('@device:shared', 'repayment.made', { amount: -1 }),
      ])
      const letterIds = async (node: RunningEngine) => {
        const { deadLetters } = Object((await node.call('GET', '/v1/dead-letters?limit=100')).body)
        return deadLetters.map(({ id }: { id: string }) => id)
      }
      await vi.waitFor(async () => expect(await letterIds(b)).toHaveLength(1), waiting)
      const [letter] = await letterIds(b)

      const { events } = a.engine
      const erasure = {
        id: 'gdpr-1',
        source: 'privacy-office',
        type: 'customer.erased',
        customerId: customer,
        time: Date.now(),
        provenance: { via: 'stream', consentId: null },
        data: { ground: 'request' },
      } as const
      await events.append(partitionOf(customer, 2), [{ key: customer, value: encodeEvent(erasure) }])
      for (const node of [a, b]) {
        await vi.waitFor(async () => {
          const { stores } = Object((await node.call('GET', `/v1/customers/${customer}/erasure`)).body)
          for (const name of ['state', 'identity', 'dead_letters']) {
            const found = stores.find(({ store }: { store: string }) => store === name)
            expect(found).toMatchObject({ state: 'gone', left: 0 })
          }
          const topics = stores.filter(({ store }: { store: string }) => store.startsWith(`log.${prefix}`))
          // Events, decisions, batches, dead letters; the control log knows no customer.
          expect(topics.map(({ state }: { state: string }) => state)).toEqual(Array(4).fill('gone_by'))
        }, waiting)
        // The other node hears of removed letters from the topic.
        await vi.waitFor(async () => expect(await letterIds(node)).not.toContain(letter), waiting)
        expect((await node.call('GET', '/v1/customers/@device:shared')).status).toBe(404)
        expect((await node.call('POST', '/v1/events', repayment(customer, 1))).body).toMatchObject({ reason: 'erased' })
      }
    })
  })
})
