/**
 * Fault 15: a stock, two nodes, commits that stand still for longer than a lease, and a store that forgets. Method: new customers ask for a gift on
 * the nodes of a bank with 8 partitions while the line to Redis stands still now and then; whoever gets it accepts, or lets it lapse. And a
 * failover that loses what was reserved, with the engine alive. `STOCK_ASKS` makes it as large as one likes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import { startTcpProxy } from '../../bench/parts/tcp-proxy.ts'
import { openRedisResources } from '../../engine/store/redis/redis-resources.ts'
import type { ResourceCount } from '../../engine/store/resource.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { answerOf, giftPieces } from '../engine/shard/stock-bank.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { recordOf } from '../simulation/workload.ts'
import type { FaultBank } from './fault-bank.ts'
import type { GivenAnswer } from './node-child.ts'
import { faultSeeds } from './seeds.ts'
import { until, withBank } from './with-bank.ts'
import { withPair } from './with-pair.ts'

const stock = 100
const partitions = 8
const asksAtOnce = 60
const asksMin = Number(process.env['STOCK_ASKS'] ?? 600)
/** The offer holds for two seconds, its acceptance may take two more. */
const lease = { validFor: '2s', grace: '2s', ms: 4_000 } as const
const stallMs = lease.ms + 1_000

await describeWithKafkaAndOwnRedis('a stock', (brokers) => {
  test.for(faultSeeds(1))(
    'is never promised twice, and all of it in the end: seed %i',
    { timeout: 900_000 },
    async (seed) => {
      const redis = await startRedis()
      const proxy = await startTcpProxy({ target: { host: '127.0.0.1', port: redis.port } })
      const where = { engine: `redis://127.0.0.1:${proxy.port}`, evidence: () => redis.url }
      try {
        await withBank(
          { seed, brokers, redis: where, partitions, pieces: giftPieces({ units: stock, ...lease }) },
          async (bank) => {
            await bank.start('a')
            await bank.start('b')
            expect(await bank.settle()).toEqual([])
            const claims = new Claims(bank, () => redis.url)
            let stalls = 0
            for (let round = 0; claims.asked < asksMin || (await claims.count()).confirmed < stock; round++) {
              const asked = claims.ask(asksAtOnce)
              // The first rounds have the line stand still at some moment of the batches that are under way.
              const isStalled = round < 4
              if (isStalled) {
                await sleep(bank.random.below(40))
                proxy.stall()
                await sleep(stallMs)
                proxy.pass()
                bank.tell(`the line stood still for ${stallMs} ms`)
                stalls++
              }
              await claims.answer(await asked)
              const { reserved, confirmed, oversold } = await claims.count()
              bank.tell(`${claims.asked} asked, ${claims.accepted} accepted: ${reserved} reserved, ${confirmed} taken`)
              expect(oversold).toBe(0)
              expect(reserved + confirmed).toBeLessThanOrEqual(stock)
              // Sold out as it looks: what was not accepted has to lapse first.
              if (reserved + confirmed === stock && confirmed < stock) await sleep(lease.ms)
            }
            expect(stalls).toBe(4)
            expect(await bank.settle()).toEqual([])
            expect(await claims.count()).toMatchObject({ confirmed: stock, oversold: 0 })
            expect(claims.accepted).toBe(stock)
            expect(claims.lapsed).toBeGreaterThan(0)
          },
        )
      } finally {
        await proxy.close()
        await redis.stop()
      }
    },
  )

  test.for(faultSeeds(1))(
    'that a store forgot is promised again, and that is told: seed %i',
    { timeout: 120_000 },
    (seed) =>
      withPair(
        { seed, brokers, settings: { REDIS_WAIT_REPLICAS: '0' }, partitions, pieces: giftPieces({ units: 10 }) },
        async (bank, { pair, failOver }) => {
          let url = pair.primary.url
          await bank.start('a')
          expect(await bank.settle()).toEqual([])
          const claims = new Claims(bank, () => url)
          await pair.cutReplication()
          const first = await claims.askUntil(10)
          expect(await bank.settle()).toEqual([])
          url = pair.replica.url
          await failOver()
          // What was promised left on the log and is known to the customers' states again; the store of stock has forgotten it.
          expect(await bank.settle()).toEqual([])
          expect(await claims.count()).toMatchObject({ reserved: 0, confirmed: 0 })
          const second = await claims.askUntil(10)
          expect(await claims.count()).toMatchObject({ reserved: 10, oversold: 0 })
          await claims.accept([...first, ...second])
          // What was promised counts, and somebody is told.
          expect(await claims.count()).toMatchObject({ reserved: 0, confirmed: 20, oversold: 10 })
        },
      ),
  )
})

/** Customers who ask for the gift, each once, and what they do about it. */
class Claims {
  asked = 0
  accepted = 0
  lapsed = 0
  readonly #bank: FaultBank
  readonly #url: () => string

  constructor(bank: FaultBank, url: () => string) {
    this.#bank = bank
    this.#url = url
  }

  /** New customers ask at once, at any node; who got the gift. */
  async ask(count: number, withinMs = 2_000): Promise<readonly GivenAnswer[]> {
    const answers = await Promise.all(
      Array.from({ length: count }, () => {
        const n = this.asked++
        const { nodes } = this.#bank
        const node = nodes[n % nodes.length]
        return node?.decide({
          customerId: `claimant-${n}`,
          requestId: `claim-${n}`,
          placement: 'home-banner',
          withinMs,
        })
      }),
    )
    return answers.flatMap((answer) => (answer?.offers.includes('gift') === true ? [answer] : []))
  }

  /** Asks until so many got it. */
  async askUntil(count: number): Promise<readonly GivenAnswer[]> {
    const got: GivenAnswer[] = []
    await until(async () => {
      if (got.length < count) got.push(...(await this.ask(count - got.length)))
      return got.length >= count
    })
    return got
  }

  /** Four of five accept at once, the others never. */
  async answer(got: readonly GivenAnswer[]): Promise<void> {
    const takes = got.filter(() => this.#bank.random.chance(0.8))
    this.lapsed += got.length - takes.length
    await this.accept(takes)
  }

  /** Their acceptances are in the log, counted, and settled. */
  async accept(got: readonly GivenAnswer[]): Promise<void> {
    const { logs } = this.#bank
    await Promise.all(
      got.map(({ customerId, id }) => {
        const record = recordOf(answerOf(customerId, 'offer.accepted', id))
        return logs.events.append(partitionOf(customerId, partitions), [record])
      }),
    )
    this.accepted += got.length
    if (got.length > 0) expect(await this.#bank.settle()).toEqual([])
  }

  async count(): Promise<ResourceCount> {
    const resources = await openRedisResources({ urls: [this.#url()], prefix: this.#bank.prefix, waitReplicas: 0 })
    try {
      return (await resources.count('gifts')) ?? { capacity: 0, reserved: 0, confirmed: 0, oversold: 0 }
    } finally {
      await resources.close()
    }
  }
}
