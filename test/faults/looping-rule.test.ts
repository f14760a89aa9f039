/**
 * Fault 13: a rule never returns. Method: one of two nodes has a host function in front of a guardrail that is endless from some
 * asking on, drawn from the seed, under load on real servers. Callers are timed all the while, those of each node apart.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import type { RedisServer } from '../../bench/parts/redis-server.ts'
import { partitionOf } from '../../ingest/partition.ts'
import type { Decision } from '../../sinks/decision.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { readAll } from '../engine/shard/data-folder.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import { customerIds, type FaultBank, partitions } from './fault-bank.ts'
import type { FaultNode } from './fault-node.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until, withBank } from './with-bank.ts'

const guardrail = 'no-lifestyle-credit-for-students'
/** What it closes, of what this load can be offered. */
const loans = new Set(['inbox-loan', 'sms-loan'])
const stallMs = 1_500
const withinMs = 400
/** What an answer may take at the most on a machine that others use as well: less than a thread stands still, so nobody waits for it. */
const answerMs = 1_000

await describeWithKafkaAndOwnRedis('a rule that never returns', (brokers) => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  test.concurrent.for(faultSeeds(1))(
    'is out of service, its thread is begun anew, and nothing else stands still or is lost: seed %i',
    { timeout: 120_000 },
    async (seed) => {
      await withBank({ seed, brokers, redis: { engine: redis.url, evidence: () => redis.url } }, async (bank) => {
        const settings = { SHARD_MODE: 'worker', RULE_STALL_MS: String(stallMs) }
        const rule = `guardrail:${guardrail}`
        const from = 20 + bank.random.below(60)
        const sick = await bank.start('a', { trap: { rule, how: 'loop', from } }, settings)
        expect(await bank.settle()).toEqual([])
        const sickAddr = (await bank.metas())[0]?.addr
        const well = await bank.start('b', {}, settings)
        await until(async () => new Set((await bank.metas()).map((meta) => meta?.addr)).size === 2)
        expect(await bank.settle()).toEqual([])
        const before = await bank.metas()
        const isSick = before.map((meta) => meta?.addr === sickAddr)

        const load = beginLoad(bank, { events: 100, everyMs: 12 })
        const callers = [sick, well].map((node, i) => new Caller(bank, node, ofPartitions(isSick, i === 0)))
        await until(async () => (await sick.quarantined())?.some((one) => one.rule === rule) === true)
        bank.tell(`the guardrail is out of service, which looped at asking ${from}`)
        await load.end()
        expect(await bank.settle()).toEqual([])
        const [ofSick = [], ofWell = []] = await Promise.all(callers.map((caller) => caller.end()))
        const since = (await sick.quarantined())?.[0]?.since ?? 0

        // Everybody got an answer in time; those of the thread that stood still for longer than a deadline the safe one.
        expect(ofSick.filter(({ reason }) => reason === 'deadline_exceeded').length).toBeGreaterThan(0)
        expect(percentile(ofSick, 0.99)).toBeLessThan(answerMs)
        expect(percentile(ofWell, 0.99)).toBeLessThan(answerMs)
        const decided = ofWell.filter(({ reason }) => reason !== 'deadline_exceeded')
        expect(decided.length / ofWell.length).toBeGreaterThan(0.9)
        bank.tell(
          `p99 ${Math.round(percentile(ofSick, 0.99))} ms there, ${Math.round(percentile(ofWell, 0.99))} ms at the other node`,
        )
        expect(await well.quarantined()).toEqual([])
        // Its partitions were taken again by the same node under new tokens, those of the other node were left alone.
        for (const [partition, meta] of (await bank.metas()).entries()) {
          expect(meta?.addr).toBe(before[partition]?.addr)
          expect(meta?.token === before[partition]?.token).toBe(isSick[partition] !== true)
        }
        const decisions = await decisionsOf(bank)
        const later = decisions.filter(({ partition, decision }) => isSick[partition] && decision.now > since)
        expect(later.flatMap(({ decision }) => decision.offers.filter(({ offer }) => loans.has(offer)))).toEqual([])
        const quarantined = decisions.filter(({ decision }) =>
          decision.fates.some((fate) => fate.reason === 'rule_quarantined'),
        )
        expect(quarantined.length).toBeGreaterThan(0)
        expect(quarantined.every(({ partition }) => isSick[partition])).toBe(true)
        // There a loan does not come past the guardrails any more; with the other node it does.
        expect(new Set(later.flatMap(({ decision }) => stagesOfLoans(decision)))).toEqual(new Set(['guardrail']))
        const others = decisions.filter(({ partition, decision }) => !isSick[partition] && decision.now > since)
        expect(others.flatMap(({ decision }) => stagesOfLoans(decision)).some((stage) => stage !== 'guardrail')).toBe(
          true,
        )
        await mustHold(bank)
      })
    },
  )
})

type Timed = { readonly tookMs: number; readonly reason: string }

/** Asks a node for one customer after the other, each as soon as the answer before is there. */
class Caller {
  readonly #bank: FaultBank
  readonly #timed: Timed[] = []
  #isEnding = false
  readonly #done: Promise<void>

  constructor(bank: FaultBank, node: FaultNode, ids: readonly string[]) {
    this.#bank = bank
    this.#done = this.#run(node, ids)
    this.#done.catch(() => {})
  }

  async end(): Promise<readonly Timed[]> {
    this.#isEnding = true
    await this.#done
    return this.#timed
  }

  async #run(node: FaultNode, ids: readonly string[]): Promise<void> {
    for (let i = 0; !this.#isEnding; i++) {
      const askedAt = Date.now()
      const started = performance.now()
      const call = {
        customerId: ids[i % ids.length] ?? '',
        requestId: `timed-${ids[0]}-${i}`,
        placement: 'inbox',
        withinMs,
      }
      const given = await node.decide(call)
      if (given === null) throw new Error('a node did not answer')
      this.#timed.push({ tookMs: performance.now() - started, reason: given.reason })
      this.#bank.answers.push({ ...given, askedAt })
      await sleep(15)
    }
  }
}

function stagesOfLoans({ fates }: Decision): string[] {
  return fates.filter(({ offer }) => loans.has(offer)).map(({ stage }) => stage)
}

function ofPartitions(isSick: readonly boolean[], which: boolean): string[] {
  return customerIds().filter((id) => isSick[partitionOf(id, partitions)] === which)
}

function percentile(timed: readonly Timed[], share: number): number {
  const sorted = timed.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? Number.POSITIVE_INFINITY
}

async function decisionsOf(bank: FaultBank): Promise<{ readonly partition: number; readonly decision: Decision }[]> {
  const all = Array.from({ length: partitions }, async (_, partition) => {
    const records = await readAll(bank.logs.decisions, partition)
    return records.map(({ value }) => ({ partition, decision: decodeDecision(value) }))
  })
  return (await Promise.all(all)).flat()
}
