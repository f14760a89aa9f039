/**
 * Faults 5 and 6: Redis loses commits that it had acknowledged. Method: replication of a real pair is cut, or late, and the
 * replica takes over under load, with the engine alive, killed with it, or killed while it catches up.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { withRedis } from '../../bench/parts/redis-server.ts'
import { startTcpProxy } from '../../bench/parts/tcp-proxy.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { type FaultBank, partitions } from './fault-bank.ts'
import { setWritable } from './kafka-side.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until } from './with-bank.ts'
import { type Failover, withPair } from './with-pair.ts'

const unsafe = { REDIS_WAIT_REPLICAS: '0' }
const limit = { timeout: 120_000 }

await describeWithKafkaAndOwnRedis('what a store lost by a failover', (brokers) => {
  test.concurrent.for(faultSeeds(2))('is adopted by the engine that lives: seed %i', limit, (seed) =>
    withPair({ seed, brokers, settings: unsafe }, async (bank, failover) => {
      await bank.start('a')
      const load = beginLoad(bank, { events: 100 })
      await loseCommits(bank, failover)
      await failover.failOver()
      await load.end()
      await bank.settle()
      const taken = await adopted(bank)
      await mustHold(bank)
      expect(taken).toBeGreaterThan(0)
    }),
  )

  test.concurrent.for(faultSeeds(1))('is adopted by the next engine when one dies at it: seed %i', limit, (seed) =>
    withPair({ seed, brokers, settings: unsafe }, async (bank, failover) => {
      // Every partition was taken once at the start; this is the first to be taken again, or one behind it.
      const passing = partitions + 1 + bank.random.below(partitions - 1)
      const dies = { failAt: { name: 'drained', passing, how: 'kill' } } as const
      let node = await bank.start('a', dies)
      const load = beginLoad(bank, { events: 100 })
      await loseCommits(bank, failover, async () => {
        // A busy machine had it take partitions again before: that is not the death that is meant.
        if (!node.isRunning) node = await bank.start('a', dies)
      })
      await failover.failOver()
      expect(await Promise.race([node.ended, sleep(20_000, 'alive')])).toBe(null)
      bank.tell(`killed when partition ${passing - partitions} of ${partitions} was taken again`)
      await bank.start('a')
      await load.end()
      await mustHold(bank)
    }),
  )

  test.concurrent.for(faultSeeds(1))(
    'is adopted as far as it had left when the engine died with it: seed %i',
    limit,
    (seed) =>
      withPair({ seed, brokers, settings: unsafe }, async (bank, failover) => {
        const node = await bank.start('a')
        const load = beginLoad(bank, { events: 100 })
        await loseCommits(bank, failover)
        await Promise.all([node.kill(), failover.failOver()])
        await bank.start('a')
        await load.end()
        await mustHold(bank, { forgets: true })
      }),
  )

  test.concurrent.for(faultSeeds(1))('is nothing when commits wait for the replica: seed %i', limit, (seed) =>
    withPair({ seed, brokers, settings: { REDIS_WAIT_REPLICAS: '1' } }, async (bank, { pair, failOver }) => {
      // The replica is a while behind, and what is committed cannot leave: only the replica can keep it.
      const late = await startTcpProxy({ target: { host: '127.0.0.1', port: pair.primary.port } })
      late.delay(60)
      try {
        await withRedis(pair.replica.port, (redis) => redis.replicaof('127.0.0.1', late.port))
        const node = await bank.start('a')
        expect(await bank.settle()).toEqual([])
        await setWritable(brokers, `${bank.prefix}decisions`, false)
        bank.tell('no decision leaves')
        const load = beginLoad(bank, { events: 100 })
        // Early enough that customers still get offers: later on all have met their caps.
        await until(async () => bank.answers.filter(({ committed }) => committed).length > 5)
        await sleep(bank.random.below(300))
        // What is under way to the replica is lost with them.
        late.refuse()
        await Promise.all([node.kill(), pair.primary.kill()])
        bank.tell('the engine and the primary were killed')
        await failOver()
        await setWritable(brokers, `${bank.prefix}decisions`, true)
        await bank.start('a', {}, { REDIS_WAIT_REPLICAS: '0' })
        await load.end()
        await mustHold(bank)
      } finally {
        await late.close()
      }
    }),
  )
})

/** The store goes on alone for a while, until it has commits of every partition that the replica has not. `meanwhile`: again and again. */
async function loseCommits(
  bank: FaultBank,
  { pair }: Failover,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  await sleep(1_000 + bank.random.below(1_000))
  await pair.cutReplication()
  bank.tell('replication is cut')
  const before = await bank.metas()
  await sleep(500 + bank.random.below(1_000))
  await until(async () => {
    await meanwhile()
    return (await bank.metas()).every((meta, p) => (meta?.seq ?? 0) > (before[p]?.seq ?? 0))
  })
}

/** Decisions that engines took in again. */
async function adopted(bank: FaultBank): Promise<number> {
  const told = await Promise.all(bank.nodes.map((node) => node.partitions()))
  return told.flatMap((all) => all ?? []).reduce((sum, status) => sum + status.adopted, 0)
}
