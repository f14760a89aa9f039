/**
 * Fault 1: kill -9 at each moment of a batch. Method: a node on real servers is killed at the moments in an order and at
 * passings drawn from the seed, and started again each time, under load.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import type { RedisServer } from '../../bench/parts/redis-server.ts'
import { createRandom } from '../../bench/workload/random.ts'
import { failpointNames } from '../../engine/shard/failpoint.ts'
import { bank } from '../engine/step/bank-pack.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { partitions } from './fault-bank.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, withBank } from './with-bank.ts'

const killsABank = 3

/** The thanks for a repayment are of a stock without end, so that batches pass the moment behind their reservations too. */
const pieces = {
  resources: [{ id: 'thanks', kind: 'stock', units: 1_000_000, text: { en: 'thanks', zh: '谢意' } }],
  offers: bank.offers.map((offer) =>
    offer.id === 'repayment-thanks' ? { ...offer, takes: [{ resource: 'thanks', amount: 1 }] } : offer,
  ),
}

await describeWithKafkaAndOwnRedis('a node that is killed', (brokers) => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  const cases = faultSeeds(1).flatMap((seed) => {
    const order = shuffled(failpointNames, seed)
    return Array.from({ length: Math.ceil(failpointNames.length / killsABank) }, (_, i) => {
      const names = order.slice(i * killsABank, (i + 1) * killsABank)
      return { seed, names, at: names.join(', ') }
    })
  })

  test.concurrent.for(cases)(
    'loses and doubles nothing: seed $seed, at $at',
    { timeout: 120_000 },
    async ({ seed, names }) => {
      const where = { engine: redis.url, evidence: () => redis.url }
      await withBank({ seed, brokers, redis: where, pieces }, async (there) => {
        const { random } = there
        for (const name of names) {
          // A partition is taken once at a start, and customers are loaded only at first.
          const passing = 1 + random.below(name === 'drained' || name === 'loaded' ? partitions : 20)
          const node = await there.start('a', { failAt: { name, passing, how: 'kill' } })
          const load = beginLoad(there, { events: 100 })
          expect(await Promise.race([node.ended, sleep(30_000, 'alive')])).toBe(null)
          there.tell(`killed at ${name}, passing ${passing}`)
          await load.end()
        }
        await there.start('a')
        await mustHold(there)
      })
    },
  )
})

function shuffled<One>(values: readonly One[], seed: number): readonly One[] {
  const random = createRandom(seed, 'order')
  const order = [...values]
  for (let i = order.length - 1; i > 0; i--) {
    const [one] = order.splice(random.below(i + 1), 1)
    if (one !== undefined) order.push(one)
  }
  return order
}
