/**
 * Fault 12: no decision can leave for a long while. Method: the decisions topic of a real Kafka refuses records while customers
 * ask, with a small bound of what may wait.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import { type RedisServer, withRedis } from '../../bench/parts/redis-server.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { type FaultBank, partitions } from './fault-bank.ts'
import { setWritable } from './kafka-side.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, withBank } from './with-bank.ts'

const outboxCommits = 20

await describeWithKafkaAndOwnRedis('a decisions topic that takes nothing', (brokers) => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test.concurrent.for(faultSeeds(1))(
    'fills the outbox to its bound, then callers get the fallback, then all leaves in order: seed %i',
    {
      timeout: 120_000,
    },
    (seed) =>
      withBank({ seed, brokers, redis: { engine: redis.url, evidence: () => redis.url } }, async (bank) => {
        const topic = `${bank.prefix}decisions`
        await bank.start('a', { limits: { outboxCommits } })
        const load = beginLoad(bank, { events: 100, everyMs: 12 })
        await sleep(500 + bank.random.below(1_000))
        await setWritable(brokers, topic, false)
        bank.tell('no decision leaves')
        const longest: number[] = []
        for (let i = 0; i < 20; i++) {
          await sleep(200)
          longest.push(...(await waiting(bank, redis)))
        }
        await setWritable(brokers, topic, true)
        bank.tell('decisions leave again')
        await load.end()
        await mustHold(bank)
        const reasons = new Set(bank.answers.map(({ reason }) => reason))
        expect(reasons).toContain('outbox_full')
        expect(Math.max(...longest)).toBeGreaterThanOrEqual(outboxCommits)
        // What was let out but is not trimmed yet lies beside what waits: one commit says so.
        expect(Math.max(...longest)).toBeLessThanOrEqual(outboxCommits + trimmedLate)
        expect(Math.max(...(await waiting(bank, redis)))).toBeLessThanOrEqual(1)
      }),
  )
})

/** Commits that were let out in one go when the topic closed, and stay until the next commit. */
const trimmedLate = 10

/** Outbox values that the store keeps, by partition. */
function waiting(bank: FaultBank, redis: RedisServer): Promise<number[]> {
  return withRedis(redis.port, (client) =>
    Promise.all(Array.from({ length: partitions }, (_, p) => client.hlen(`${bank.prefix}{p${p}}:o`))),
  )
}
