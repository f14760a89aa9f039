/**
 * Fault 14, the clock of the owner: an engine whose clock is an hour ahead believes that the night is over. Method: quiet hours that end in
 * half an hour, messages that wait for it under load, and a process whose clock is wrong from its start, or is set while it owns.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import type { RedisServer } from '../../bench/parts/redis-server.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { type FaultBank, partitions } from './fault-bank.ts'
import type { FaultNode } from './fault-node.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until, withBank } from './with-bank.ts'

const hourMs = 3_600_000

await describeWithKafkaAndOwnRedis('an engine whose clock is an hour ahead', (brokers) => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  const options = (seed: number) => ({
    ...{ seed, brokers, contact: quietAtPresent() },
    redis: { engine: redis.url, evidence: () => redis.url },
  })

  test.concurrent.for(faultSeeds(1))(
    'owns nothing, also when there is nobody else: seed %i',
    { timeout: 180_000 },
    async (seed) => {
      await withBank(options(seed), async (bank) => {
        const right = await bank.start('a')
        expect(await bank.settle()).toEqual([])
        const load = beginLoad(bank, { events: 100, everyMs: 12 })
        const wrong = await bank.start('b', {}, {}, hourMs)
        await until(async () => (await refusedBy(wrong)) > 0)
        await sleep(bank.random.below(1_000))
        await right.kill()
        bank.tell('a is killed, b is the only one')
        await until(async () => (await refusedBy(wrong)) === partitions)
        const before = await tokens(bank)
        await sleep(2_000)
        expect(await tokens(bank)).toEqual(before)
        expect(await sentBySms(bank)).toEqual([])
        await wrong.kill()
        await bank.start('c')
        await load.end()
        await mustHold(bank)
        expect(await sentBySms(bank)).toEqual([])
        expect(await held(bank)).toBeGreaterThan(0)
      })
    },
  )

  test.concurrent.for(faultSeeds(1))(
    'lets go of what it owns when its clock is set: seed %i',
    { timeout: 180_000 },
    async (seed) => {
      await withBank(options(seed), async (bank) => {
        const owner = await bank.start('a')
        expect(await bank.settle()).toEqual([])
        const load = beginLoad(bank, { events: 100, everyMs: 12 })
        await until(async () => (await held(bank)) > 5)
        await sleep(bank.random.below(1_000))
        await owner.setClock(hourMs)
        bank.tell('the clock of a is set an hour ahead')
        await until(async () => (await refusedBy(owner)) === partitions)
        await owner.setClock(0)
        bank.tell('and right again')
        await load.end()
        await mustHold(bank)
        expect(await sentBySms(bank)).toEqual([])
      })
    },
  )
})

/** No SMS from two hours ago until half an hour ahead, by the clock that is right. */
function quietAtPresent() {
  const text = { en: 'Not now', zh: '现在不发' }
  const timeOfDay = (at: number): string => new Date(at).toISOString().slice(11, 16)
  const hours = { from: timeOfDay(Date.now() - 2 * hourMs), to: timeOfDay(Date.now() + hourMs / 2) }
  const applies = { categories: 'all', channels: ['sms'] }
  return { quietHours: [{ id: 'night', ...hours, applies, instead: 'hold', text }], releaseSpread: '1s' }
}

/** How many partitions an engine has been given and does not take because of its clock. */
async function refusedBy(node: FaultNode): Promise<number> {
  const all = (await node.partitions()) ?? []
  return all.filter(({ state, reason }) => state !== 'running' && reason?.startsWith('clock_skew') === true).length
}

async function tokens(bank: FaultBank): Promise<readonly (string | undefined)[]> {
  return (await bank.metas()).map((meta) => meta?.token)
}

async function decisionsOf(bank: FaultBank) {
  const { decisions } = await bank.evidence()
  return decisions.flat().map(({ value }) => decodeDecision(value))
}

/** Marketing that left by SMS. */
async function sentBySms(bank: FaultBank): Promise<readonly string[]> {
  const sent = (await decisionsOf(bank)).filter(
    ({ channel, contacts }) => channel === 'sms' && contacts.some((contact) => contact.class === 'marketing'),
  )
  return sent.map(({ id }) => id)
}

async function held(bank: FaultBank): Promise<number> {
  return (await decisionsOf(bank)).filter((decision) => decision.held.length > 0).length
}
