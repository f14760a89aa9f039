/** History over Kafka: holes, retention, records that are none, a ClickHouse that is away, and secrets. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startClickHouse } from '../../../bench/parts/clickhouse.ts'
import { type KafkaPart, startKafka } from '../../../bench/parts/kafka.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { History } from '../../../sinks/history/start-history.ts'
import { describeWithOwnKafka } from '../../parts/describe-with-parts.ts'
import { eventually, numberOf, offering, purchase } from './history-world.ts'
import { createKafkaWorld, type KafkaWorld } from './kafka-world.ts'
import { startStatementProxy } from './statement-proxy.ts'

const sasl = { mechanism: 'plain', username: 'engine', password: 'tell-nobody-of-this' } as const
let broker: KafkaPart
let world: KafkaWorld
let kafka: Kafka

await describeWithOwnKafka('logs on Kafka', () => {
  beforeAll(async () => {
    broker = await startKafka({ sasl, tls: true })
    kafka = new Kafka({ clientId: 'tests', brokers: [...broker.brokers], logLevel: logLevel.NOTHING })
  }, 60_000)
  afterAll(() => broker.stop())
  beforeEach(async () => {
    world = await createKafkaWorld(broker.brokers)
  })
  afterEach(() => world.dispose())

  const events = () => `${world.prefix}events`
  const secure = () => ({ brokers: broker.secure?.brokers ?? [], tls: { ca: broker.secure?.ca ?? '' } })
  const partitionOfNumber = (number: number) => partitionOf(purchase(number).customerId, 4)

  /** Sends events in a transaction that ends one way or the other, which leaves a marker behind them. */
  async function inTransaction(list: readonly number[], end: 'commit' | 'abort'): Promise<void> {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      transactionalId: `${world.prefix}${end}`,
    })
    await producer.connect()
    const transaction = await producer.transaction()
    const messages = list.map((number) => ({
      key: purchase(number).customerId,
      value: Buffer.from(encodeEvent(purchase(number))),
      partition: partitionOfNumber(number),
    }))
    await transaction.send({ topic: events(), messages })
    await transaction[end]()
    await producer.disconnect()
  }

  async function sendRaw(topic: string, values: readonly (Buffer | null)[]): Promise<void> {
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic, messages: values.map((value) => ({ key: 'someone', value, partition: 2 })) })
    await producer.disconnect()
  }

  test('holes at the end of a log keep nobody waiting', async () => {
    const history = await world.start('a')
    await inTransaction([1, 2, 3], 'commit')
    expect(await history.flush(20_000)).toBe(true)
    expect(await numberOf(history, 'SELECT count() FROM events')).toBe(3)
    await inTransaction([4, 5, 6], 'abort')
    expect(await history.flush(20_000)).toBe(true)
    await eventually('it is not behind', () => history.status().lagRecords === 0)
    await world.addEvents([purchase(7)])
    await inTransaction([8], 'abort')
    expect(await history.flush(20_000)).toBe(true)
    expect(await numberOf(history, 'SELECT count() FROM events')).toBe(4)
    expect(history.status()).toMatchObject({ skipped: 0, undecodable: 0, lagMs: 0 })
    // After a start the position is behind the holes already.
    await history.stop(3_000)
    const again = await world.start('a')
    expect(await again.flush(20_000)).toBe(true)
    expect(again.status().rows.events).toBe(0)
  }, 60_000)

  test('what retention removed before it was copied is skipped and counted, and the rest is copied', async () => {
    await world.addEvents([purchase(0)])
    const history = await world.start('a')
    expect(await history.flush(20_000)).toBe(true)
    await history.stop(3_000)
    await world.addEvents(Array.from({ length: 10 }, (_, i) => purchase(i * 50)))
    const partition = partitionOfNumber(0)
    const admin = kafka.admin()
    await admin.connect()
    // kafkajs deletes only in topics that it knows.
    await admin.fetchTopicOffsets(events())
    await admin.deleteTopicRecords({ topic: events(), partitions: [{ partition, offset: '8' }] })
    await admin.disconnect()
    const again = await world.start('a')
    expect(await again.flush(20_000)).toBe(true)
    expect(again.status().skipped).toBe(7)
    // Number 0 was copied twice, of the others those with offsets 8, 9 and 10 are left.
    expect(await numberOf(again, 'SELECT count() FROM events')).toBe(4)
  }, 60_000)

  test('records that cannot be decoded are passed over, and found again', async () => {
    await sendRaw(events(), [Buffer.from('{"no":"avro"}'), Buffer.from([0, 0, 0, 99, 99, 1]), null])
    await sendRaw(`${world.prefix}decisions`, [Buffer.from([0, 0, 0, 3, 234, 1, 2, 3])])
    await world.addEvents([purchase(1)])
    await world.addDecisions([offering(1)])
    const history = await world.start('a')
    expect(await history.flush(20_000)).toBe(true)
    expect(await numberOf(history, 'SELECT count() FROM events')).toBe(1)
    expect(await numberOf(history, 'SELECT count() FROM decisions')).toBe(1)
    expect(history.status().undecodable).toBe(4)
    const found = await history.query(
      'SELECT log, log_partition, log_offset, reason FROM undecodable ORDER BY ALL',
      'csv',
    )
    expect(found).toEqual({
      kind: 'ok',
      text: [
        '"log","log_partition","log_offset","reason"',
        '"decisions",2,0,"decision_undecodable"',
        '"events",2,0,"undecodable"',
        '"events",2,1,"schema_unknown"',
        '"events",2,2,"undecodable"',
        '',
      ].join('\n'),
    })
  }, 60_000)

  test('while ClickHouse is away everything waits, and after it started anew nothing is missing', async () => {
    const server = await startClickHouse()
    const proxy = await startStatementProxy(server.origin)
    try {
      const url = `http://${server.user}:${server.password}@127.0.0.1:${proxy.port}/bank`
      const history = await world.start('a', { url })
      const fill = async (from: number) => {
        const numbers = Array.from({ length: 100 }, (_, i) => from + i)
        await world.addEvents(numbers.map((number) => purchase(number)))
        await world.addDecisions(numbers.map(offering))
      }
      await fill(0)
      expect(await history.flush(20_000)).toBe(true)
      const { rows } = history.status()
      await server.kill()
      await fill(100)
      await eventually('it says so', () => history.status().state === 'failing')
      expect(history.status().sentence).toMatch(/^ClickHouse is not reachable/)
      await sleep(6_000)
      await server.restart()
      expect(await history.flush(25_000)).toBe(true)
      expect(await numberOf(history, 'SELECT count() FROM events')).toBe(200)
      expect(await numberOf(history, 'SELECT count() FROM decisions')).toBe(200)
      // It might have lost what it had not synced, so the last minute was copied again.
      expect(history.status().rows.events).toBe(rows.events + 200)
      expect(history.status()).toMatchObject({ state: 'running', sentence: null, restarts: 0, skipped: 0 })
    } finally {
      await world.dispose()
      await proxy.close()
      await server.stop()
    }
  }, 90_000)

  test('it logs in at the brokers, and its secrets are neither in its command line nor in its environment', async () => {
    const history = await world.start('a', {}, { ...secure(), sasl })
    await world.addEvents([purchase(1)])
    expect(await history.flush(20_000)).toBe(true)
    const { pid } = history.status()
    for (const file of ['cmdline', 'environ']) {
      const text = await readFile(`/proc/${pid}/${file}`, 'utf8')
      expect(text.length).toBeGreaterThan(0)
      expect(text).not.toContain(sasl.password)
      expect(text).not.toContain('a key for tests only')
    }
  }, 60_000)

  test('a refused login is told without what was tried, and asked again', async () => {
    const history = await world.start('a', {}, { ...secure(), sasl: { ...sasl, password: 'another-word' } })
    await eventually('it says so', () => failing(history))
    const { sentence } = history.status()
    expect(sentence).toContain('the broker refuses the login')
    expect(sentence).not.toContain('another-word')
    expect(history.status().restarts).toBe(0)
  }, 60_000)
})

function failing(history: History): boolean {
  return history.status().state === 'failing' && (history.status().sentence ?? '').includes('login')
}
