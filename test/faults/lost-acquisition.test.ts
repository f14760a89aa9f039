/**
 * Fault 7: the write that made a node the owner is lost by a failover, so that the store names the owner before. Method: the old
 * owner stands still while another takes over without a replica, then the replica takes over and the old owner goes on. The replica has
 * all that the old owner committed: nothing it answered may be forgotten, and it does not notice by its number that the store went back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until } from './with-bank.ts'
import { withPair } from './with-pair.ts'

await describeWithKafkaAndOwnRedis('two nodes that both own a partition', (brokers) => {
  test.concurrent.for(faultSeeds(1))('never both commit: seed %i', { timeout: 120_000 }, (seed) =>
    withPair({ seed, brokers, settings: { REDIS_WAIT_REPLICAS: '0' } }, async (bank, { pair, failOver }) => {
      const first = await bank.start('a')
      expect(await bank.settle()).toEqual([])
      const before = (await bank.metas()).map((meta) => meta?.addr)
      const load = beginLoad(bank, { events: 100, everyMs: 10 })
      await sleep(500 + bank.random.below(500))
      first.pause()
      bank.tell('a stands still')
      await pair.caughtUp()
      await pair.cutReplication()
      bank.tell('replication is cut')
      const second = bank.start('b')
      await until(async () => (await bank.metas()).every((meta, p) => meta?.addr !== before[p]))
      bank.tell('b has everything')
      // The new owner goes on for a while.
      await sleep(200 + bank.random.below(800))
      await failOver()
      expect((await bank.metas()).map((meta) => meta?.addr)).toEqual(before)
      first.resume()
      bank.tell('a goes on')
      await second
      await load.end()
      await mustHold(bank)
    }),
  )
})
