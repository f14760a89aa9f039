/**
 * Fault 9: the events log is not the one it was. Method: records are deleted unread, and topics made anew, on a real Kafka while
 * the engine is away; holes that mean nothing come from transactions while it runs.
 */
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import type { RedisServer } from '../../bench/parts/redis-server.ts'
import { createRandom } from '../../bench/workload/random.ts'
import { signingSecret } from '../../engine/nodes/node-key.ts'
import { PastReader } from '../../engine/whatif/read-past.ts'
import type { Hole } from '../../engine/whatif/report.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { createRecordSignature } from '../../ingest/record-signature.ts'
import { type Past, pageOf, pastOfLogs } from '../engine/whatif/past-of-logs.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { oneBatchACommit } from '../protocol/batch-checkers.ts'
import { type Evidence, loggedEvents } from '../protocol/evidence.ts'
import { replayAll } from '../protocol/replay-checker.ts'
import { recordOf, worldEvent } from '../simulation/workload.ts'
import { beginLoad, runLoad } from './bank-load.ts'
import { customers, type FaultBank, partitions, salt } from './fault-bank.ts'
import { asAdmin } from './kafka-side.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until, withBank } from './with-bank.ts'

const limit = { timeout: 120_000 }

await describeWithKafkaAndOwnRedis('an events log', (brokers) => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  const inBank = (seed: number, use: (bank: FaultBank) => Promise<void>): Promise<void> =>
    withBank({ seed, brokers, redis: { engine: redis.url, evidence: () => redis.url } }, use)

  /** Events that are made elsewhere, appended past every adapter of ours. */
  async function append(bank: FaultBank, events: number): Promise<void> {
    const kafka = new Kafka({ clientId: 'faults', brokers: [...brokers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic: `${bank.prefix}events`, messages: messages(bank, events) })
    await producer.disconnect()
  }

  /** Makes the topic anew, with so many records. */
  async function makeAnew(bank: FaultBank, events: number): Promise<void> {
    const topic = `${bank.prefix}events`
    await asAdmin(brokers, async (admin) => {
      await admin.deleteTopics({ topics: [topic] })
      const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
      const made = [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }]
      // The old one goes a while later, and an answer may be lost: what counts is that an empty one is there.
      await until(async () => {
        await admin.createTopics({ topics: made, waitForLeaders: false })
        return (await admin.fetchTopicOffsets(topic)).every(({ high }) => high === '0')
      })
    })
    if (events > 0) await append(bank, events)
  }

  const faults = {
    'that lost records which were never read': {
      closes: /^log_gap/,
      async change(bank: FaultBank) {
        await append(bank, 200)
        const topic = `${bank.prefix}events`
        await asAdmin(brokers, async (admin) => {
          // Asked first also because the client learns the leaders of the topic by it.
          const ends = await admin.fetchTopicOffsets(topic)
          const gone = ends.map(({ partition, high }) => ({ partition, offset: String(Number(high) - 1) }))
          await admin.deleteTopicRecords({ topic, partitions: gone })
        })
      },
    },
    'that was made anew and is shorter': { closes: /^log_reset/, change: (bank: FaultBank) => makeAnew(bank, 0) },
    'that was made anew and is longer': { closes: /^log_reset/, change: (bank: FaultBank) => makeAnew(bank, 1_000) },
  } as const

  for (const [name, { closes, change }] of Object.entries(faults)) {
    test.concurrent.for(faultSeeds(1))(`${name} closes its partitions and nothing is counted: seed %i`, limit, (seed) =>
      inBank(seed, async (bank) => {
        const node = await bank.start('a')
        await runLoad(bank, { events: 200, everyMs: 4 })
        expect(await bank.settle()).toEqual([])
        expect(await node.stop()).toBe(true)
        const before = await counted(bank)
        await change(bank)
        const again = await bank.start('a')
        await until(async () => (await again.partitions())?.every(({ state }) => state === 'closed') === true)
        for (const { reason } of (await again.partitions()) ?? []) expect(reason).toMatch(closes)
        const call = { customerId: 'C1', requestId: 'closed', placement: 'inbox', withinMs: 2_000 }
        expect(await again.decide(call)).toMatchObject({ reason: 'partition_closed', committed: false })
        expect(await counted(bank)).toEqual(before)
      }),
    )
  }

  test.concurrent.for(faultSeeds(1))(
    'with holes of transactions goes on, and what was called off does not count: seed %i',
    limit,
    (seed) =>
      inBank(seed, async (bank) => {
        await bank.start('a')
        const kafka = new Kafka({ clientId: 'faults', brokers: [...brokers], logLevel: logLevel.NOTHING })
        const producer = kafka.producer({
          transactionalId: bank.prefix,
          idempotent: true,
          maxInFlightRequests: 1,
          createPartitioner: Partitioners.DefaultPartitioner,
        })
        await producer.connect()
        // Ends behind the last transaction: a position does not go over holes with nothing behind them.
        const load = beginLoad(bank, { events: 150 })
        for (let i = 0; i < 10; i++) {
          const transaction = await producer.transaction()
          const isCalledOff = bank.random.chance(0.5)
          await transaction.send({
            topic: `${bank.prefix}events`,
            messages: messages(bank, 10, isCalledOff ? 'off' : 'on'),
          })
          await (isCalledOff ? transaction.abort() : transaction.commit())
        }
        await producer.disconnect()
        await load.end()
        await mustHold(bank)
        const evidence = await bank.evidence()
        const ids = [...loggedEvents(evidence)].map(({ event }) => event.id)
        expect(ids.some((id) => id.startsWith('on'))).toBe(true)
        expect(ids.some((id) => id.startsWith('off'))).toBe(false)
        const [records = []] = evidence.events
        expect(records.at(-1)?.offset).toBeGreaterThan(records.length)
        await expectMissing(bank, evidence, 0)
        // A record that is gone is something else than an offset that never was one.
        const fewer = [records.toSpliced(records.length >> 1, 1), ...evidence.events.slice(1)]
        await expectMissing(bank, { ...evidence, events: fewer }, 1)
      }),
  )
})

/** So many events of partition 0 are missed by each who reads the past: a replay of everybody, of one customer, a what-if, the checker. */
async function expectMissing(bank: FaultBank, evidence: Evidence, count: 0 | 1): Promise<void> {
  const hole = { kind: 'events_missing', partition: 0 }
  const holes = count === 0 ? [] : [hole]
  for (const customerId of [undefined, 'C1']) {
    const found = await replayAll({ ...evidence, packs: [evidence.pack.loaded] }, customerId)
    expect(found.replayed).toBeGreaterThan(0)
    expect(found.holes).toMatchObject(holes.map((one) => ({ ...one, count })))
    if (count === 0) expect(found.problems).toEqual([])
  }
  const { events: log, batches, decisions } = bank.logs
  const past = await pastOfLogs({ log, batches, decisions })
  expect(await holesOf({ ...past, events: eventsOf(evidence) }, evidence.asOf)).toMatchObject(holes)
  expect(oneBatchACommit(evidence)).toHaveLength(count)
}

function eventsOf({ events }: Evidence): Past['events'] {
  return async (partition, from, to, limit) =>
    pageOf((events[partition] ?? []).filter(({ offset }) => offset >= from && offset < to).slice(0, limit))
}

async function holesOf(past: Past, to: number): Promise<readonly Hole[]> {
  const after = Array.from({ length: partitions }, () => 0)
  const range = { after, from: past.startsAt, to, windowFrom: past.startsAt, isFollowed: false }
  const found: Hole[] = []
  for await (const { holes } of new PastReader(past, range).slices()) found.push(...holes)
  return found
}

let made = 0

/** Purchases with ids that the load does not use. */
function messages(bank: FaultBank, events: number, name = 'else') {
  const random = createRandom(bank.seed, `${name} ${made}`)
  const { sign } = createRecordSignature(signingSecret(salt))
  return Array.from({ length: events }, () => {
    const event = worldEvent(1_000_000, random, Date.now(), customers, null)
    const { key, value, headers = {} } = sign(recordOf({ ...event, id: `${name}-${made++}` }))
    return { key, value: Buffer.from(value), partition: partitionOf(event.customerId, partitions), headers }
  })
}

/** All that may not change while a partition is closed. */
async function counted(bank: FaultBank): Promise<unknown> {
  const { metas, stored, decisions } = await bank.evidence()
  const without = metas.map((meta) => ({ ...meta, token: '', addr: '' }))
  return { metas: without, stored, decisions: decisions.map((records) => records.length) }
}
