/** Goal: a dry run touches nothing on servers either, also when another node has the customer. Method: every key of Redis, every end of a topic. */
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { describeWithKafka, describeWithRedis } from '../../parts/describe-with-parts.ts'
import { type RunningEngine, runEngine } from '../running-engine.ts'
import { expectNothingTouched } from './nothing-touched.ts'

const prefix = `${randomUUID()}.`

await describeWithKafka('on a broker', async (brokers) => {
  await describeWithRedis('and a Redis', (url) => {
    const started = (name: string) =>
      runEngine({
        settings: {
          KAFKA_BROKERS: brokers.join(','),
          KAFKA_TOPIC_PREFIX: prefix,
          KAFKA_SESSION_TIMEOUT_MS: '6000',
          REDIS_URL: url,
          REDIS_KEY_PREFIX: prefix,
          PARTITIONS: '2',
          NODE_NAME: name,
        },
      })

    test('keys and topics are the same, asked on either of two nodes', { timeout: 240_000 }, async () => {
      const nodes: RunningEngine[] = [await started('a'), await started('b')]
      const redis = new Redis(url)
      const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      const bytesOf = async () => {
        const keys = (await redis.keys(`${prefix}*`)).sort()
        const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix)).sort()
        const values = await Promise.all(
          keys.map(async (key) => `${key} ${(await redis.dumpBuffer(key)).toString('hex')}`),
        )
        return { values, ends: await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic))) }
      }
      try {
        await vi.waitFor(
          async () => {
            const { partitions } = Object((await nodes[0]?.call('GET', '/v1/partitions'))?.body)
            expect(new Set(partitions.map(({ addr }: { addr: string }) => addr)).size).toBe(2)
            expect(partitions.every(({ state }: { state: string }) => state === 'running')).toBe(true)
          },
          { timeout: 60_000, interval: 200 },
        )
        for (const node of nodes) {
          const answer = await node.call('POST', '/v1/dry-runs', { customerId: 'C-dry', placement: 'app_offers' })
          expect(answer.status).toBe(200)
        }
        const [first] = nodes
        if (first !== undefined) await expectNothingTouched(first, bytesOf)
      } finally {
        await admin.disconnect()
        redis.disconnect()
        for (const node of nodes) await node.stop()
      }
    })
  })
})
