/**
 * Fault 11: a Redis Cluster changes under load. Method: of a real cluster with three masters one hands over to its replica, one is
 * killed, and a slot moves.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../../bench/parts/redis-cluster.ts'
import type { RedisServer } from '../../bench/parts/redis-server.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { type FaultBank, partitions } from './fault-bank.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until, withBank } from './with-bank.ts'

const limit = { timeout: 120_000 }

await describeWithKafkaAndOwnRedis('a Redis Cluster', (brokers) => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster({ nodeTimeoutMs: 1_000, config: { 'cluster-require-full-coverage': 'no' } })
  })
  afterAll(() => cluster.stop())
  const urls = (): string => cluster.nodes.map(({ url }) => url).join()
  const inBank = (seed: number, use: (bank: FaultBank) => Promise<void>): Promise<void> =>
    withBank({ seed, brokers, redis: { engine: urls(), evidence: urls } }, use)

  /** The master of each partition. */
  async function mastersOf(bank: FaultBank): Promise<RedisServer[]> {
    const masters: RedisServer[] = []
    for (let p = 0; p < partitions; p++) masters.push(await cluster.masterOf(await slotOf(bank, p)))
    return masters
  }
  const slotOf = (bank: FaultBank, partition: number): Promise<number> =>
    cluster.slotOf(`${bank.prefix}{p${partition}}:meta`)

  /** Not all partitions on one master, or there were no others to go on. */
  async function spread(bank: FaultBank): Promise<void> {
    const [first, ...others] = await mastersOf(bank)
    if (others.some((one) => one !== first)) return
    for (const slot of [0, 16_383]) {
      const master = await cluster.masterOf(slot)
      if (master !== first) return cluster.moveSlot(await slotOf(bank, 1), master)
    }
  }

  test.for(faultSeeds(1))('whose masters fail over loses nothing, and the others go on: seed %i', limit, (seed) =>
    inBank(seed, async (bank) => {
      await spread(bank)
      await bank.start('a')
      expect(await bank.settle()).toEqual([])
      const load = beginLoad(bank, { events: 100, everyMs: 10 })
      await sleep(500 + bank.random.below(500))
      const [first] = await mastersOf(bank)
      if (first !== undefined) await cluster.failOver(first)
      bank.tell('the master of p0 handed over to its replica')
      await sleep(500 + bank.random.below(500))
      const masters = await mastersOf(bank)
      // Another one, so that the first does not get its old address back.
      const others = masters.filter((one) => one !== masters[0])
      const victim = others[bank.random.below(others.length)]
      const since = Date.now()
      await victim?.kill()
      bank.tell(`the master of ${masters.flatMap((one, p) => (one === victim ? [`p${p}`] : [])).join()} was killed`)
      await until(async () => !(await mastersOf(bank)).some((one) => one.pid() === null))
      bank.tell('its replica took over')
      await victim?.restart()
      await load.end()
      await mustHold(bank)
      const paused = bank.answers.filter(({ askedAt, reason }) => askedAt > since && reason === 'store_unavailable')
      expect(paused.length).toBeGreaterThan(0)
      for (const { customerId } of paused) expect(masters[partitionOf(customerId, partitions)]).toBe(victim)
    }),
  )

  test.for(faultSeeds(1))('whose slots move loses nothing: seed %i', limit, (seed) =>
    inBank(seed, async (bank) => {
      await bank.start('a')
      const load = beginLoad(bank, { events: 100 })
      for (let i = 0; i < 4; i++) {
        await sleep(200 + bank.random.below(300))
        const partition = bank.random.below(partitions)
        const slot = await slotOf(bank, partition)
        const from = await cluster.masterOf(slot)
        const masters = (await mastersOf(bank)).filter((one) => one !== from)
        const to = masters[bank.random.below(masters.length)]
        if (to === undefined) continue
        await cluster.moveSlot(slot, to)
        bank.tell(`the slot of p${partition} moved`)
      }
      await load.end()
      await mustHold(bank)
    }),
  )
})
