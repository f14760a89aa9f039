/**
 * Fault 10: the store is not the one it was. Method: a real Redis is emptied, loses a header, may evict, or is put back to a
 * snapshot from before.
 */
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import { type RedisServer, withRedis } from '../../bench/parts/redis-server.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad, runLoad } from './bank-load.ts'
import { type FaultBank, partitions } from './fault-bank.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until, withBank } from './with-bank.ts'

const limit = { timeout: 120_000 }

await describeWithKafkaAndOwnRedis('a store', (brokers) => {
  async function inBank(seed: number, use: (bank: FaultBank, redis: RedisServer) => Promise<void>): Promise<void> {
    const redis = await startRedis()
    try {
      await withBank({ seed, brokers, redis: { engine: redis.url, evidence: () => redis.url } }, (bank) =>
        use(bank, redis),
      )
    } finally {
      await redis.stop()
    }
  }

  test.concurrent.for(faultSeeds(1))(
    'that is emptied closes everything, and no engine starts on it: seed %i',
    limit,
    (seed) =>
      inBank(seed, async (bank, redis) => {
        const node = await bank.start('a')
        const load = beginLoad(bank, { events: 100 })
        await sleep(1_000 + bank.random.below(1_000))
        await withRedis(redis.port, (client) => client.flushall())
        bank.tell('the store was emptied')
        await until(async () => (await node.partitions())?.every(({ state }) => state === 'closed') === true)
        const closedAt = Date.now()
        const out = await decided(bank)
        await load.end()
        const late = bank.answers.filter(({ askedAt }) => askedAt > closedAt)
        expect(late.length).toBeGreaterThan(0)
        expect(new Set(late.map(({ reason }) => reason))).toEqual(new Set(['partition_closed']))
        expect(await decided(bank)).toBe(out)
        await node.stop()
        await expect(bank.start('a')).rejects.toMatchObject({ code: 'state_missing' })
      }),
  )

  test.concurrent.for(faultSeeds(1))('that lost one header closes that partition alone: seed %i', limit, (seed) =>
    inBank(seed, async (bank, redis) => {
      const node = await bank.start('a')
      expect(await bank.settle()).toEqual([])
      const lost = bank.random.below(partitions)
      await withRedis(redis.port, (client) => client.del(`${bank.prefix}{p${lost}}:meta`))
      bank.tell(`the header of p${lost} is gone`)
      // The first thing it is needed for is to load customers, who must not look new.
      await runLoad(bank, { events: 100 })
      await until(async () => {
        const all = (await node.partitions()) ?? []
        return all.every(({ partition, state, next, end }) =>
          partition === lost ? state === 'closed' : state === 'running' && next === end,
        )
      })
      expect((await node.partitions())?.[lost]?.reason).toContain('header of the partition is missing')
    }),
  )

  test('that may evict is refused', limit, () =>
    inBank(1, async (bank, redis) => {
      await withRedis(redis.port, (client) => client.config('SET', 'maxmemory-policy', 'allkeys-lru'))
      await expect(bank.start('a')).rejects.toMatchObject({ code: 'redis_unfit' })
    }),
  )

  test.concurrent.for(faultSeeds(1))(
    'that is put back to a snapshot is caught up from the logs: seed %i',
    limit,
    (seed) =>
      inBank(seed, async (bank, redis) => {
        const node = await bank.start('a')
        await runLoad(bank, { events: 150 + bank.random.below(150) })
        const snapshot = join(redis.dir, 'kept.rdb')
        await withRedis(redis.port, (client) => client.save())
        await copyFile(join(redis.dir, 'dump.rdb'), snapshot)
        bank.tell('the snapshot was taken')
        await runLoad(bank, { events: 300 })
        expect(await bank.settle()).toEqual([])
        expect(await node.stop()).toBe(true)
        const seqs = (await bank.metas()).map((meta) => meta?.seq ?? 0)
        await redis.stop({ keepData: true })
        await copyFile(snapshot, join(redis.dir, 'dump.rdb'))
        await redis.restart()
        const rewound = (await bank.metas()).map((meta) => meta?.seq ?? 0)
        bank.tell(`put back from ${seqs.join()} to ${rewound.join()}`)
        for (const [partition, seq] of rewound.entries()) expect(seq).toBeLessThan(seqs[partition] ?? 0)
        await bank.start('a')
        // Customers go on asking: what is adopted counts against their caps.
        await runLoad(bank, { events: 150 })
        await mustHold(bank)
      }),
  )
})

/** How many decisions are out. */
async function decided(bank: FaultBank): Promise<number> {
  let all = 0
  for (let partition = 0; partition < partitions; partition++) all += (await bank.logs.decisions.bounds(partition)).end
  return all
}
