/**
 * Fault 8: nodes are restarted one after the other while customers ask. Method: real processes leave a real group in order and
 * come back, under load; a caller is sent to the nodes that were not told to end.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import type { RedisServer } from '../../bench/parts/redis-server.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, withBank } from './with-bank.ts'

await describeWithKafkaAndOwnRedis('a rolling restart', (brokers) => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test.concurrent.for(faultSeeds(1))(
    'loses no input and leaves no caller without an answer: seed %i',
    {
      timeout: 120_000,
    },
    (seed) =>
      withBank({ seed, brokers, redis: { engine: redis.url, evidence: () => redis.url } }, async (bank) => {
        await Promise.all([bank.start('a'), bank.start('b')])
        expect(await bank.settle()).toEqual([])
        const load = beginLoad(bank, { events: 100, everyMs: 12 })
        for (const name of ['a', 'b', 'a']) {
          await sleep(500 + bank.random.below(1_000))
          expect(await bank.node(name).stop()).toBe(true)
          bank.tell(`${name} has ended`)
          await bank.start(name)
        }
        await load.end()
        await mustHold(bank)
        expect(bank.count.unanswered).toBe(0)
        expect(bank.answers.some(({ committed }) => committed)).toBe(true)
      }),
  )
})
