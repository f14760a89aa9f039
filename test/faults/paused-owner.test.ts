/**
 * Fault 3: an owner stands still, another node takes over, the first one goes on. Method: SIGSTOP and SIGCONT around a real
 * session timeout, under load, at instants drawn from the seed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import type { RedisServer } from '../../bench/parts/redis-server.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until, withBank } from './with-bank.ts'

await describeWithKafkaAndOwnRedis('an owner that stood still', (brokers) => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test.concurrent.for(faultSeeds(2))(
    'commits and lets out nothing any more: seed %i',
    { timeout: 120_000 },
    async (seed) => {
      await withBank({ seed, brokers, redis: { engine: redis.url, evidence: () => redis.url } }, async (bank) => {
        const [first] = await Promise.all([bank.start('a'), bank.start('b')])
        expect(await bank.settle()).toEqual([])
        const before = (await bank.metas()).map((meta) => meta?.token)
        const load = beginLoad(bank, { events: 100, everyMs: 12 })
        await sleep(bank.random.below(1_500))
        first.pause()
        bank.tell('a stands still')
        await until(async () => new Set((await bank.metas()).map((meta) => meta?.addr)).size === 1)
        // The new owner goes on for a while.
        await sleep(200 + bank.random.below(1_500))
        first.resume()
        bank.tell('a goes on')
        await load.end()
        await mustHold(bank)
        const taken = (await bank.metas()).filter((meta, partition) => meta?.token !== before[partition])
        expect(taken.length).toBeGreaterThan(0)
      })
    },
  )
})
