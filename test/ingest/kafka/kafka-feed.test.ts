import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { KafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import type { LogRecord, NewRecord } from '../../../ingest/log.ts'
import { describeWithKafka } from '../../parts/describe-with-parts.ts'
import { eventually, follow } from './follow.ts'
import { openLogs } from './open-logs.ts'

const WIDE = { maxBytes: 1_000_000, maxRecords: 10_000 }
let kafka: Kafka
let admin: Admin
let prefix: string
let logs: KafkaLogs

await describeWithKafka('the feed of events', (brokers) => {
  beforeAll(async () => {
    kafka = new Kafka({ clientId: 'outsider', brokers: [...brokers], logLevel: logLevel.NOTHING })
    admin = kafka.admin()
    await admin.connect()
  }, 60_000)
  afterAll(async () => {
    await admin.disconnect()
  })
  beforeEach(async () => {
    prefix = `${randomUUID()}.`
    logs = await openLogs({ brokers }, { prefix })
    await logs.membership.join(() => {})
  })
  afterEach(() => logs.close())

  test('gives what was appended from the offset that is asked for, in order, and tells of what comes later', async () => {
    await logs.feed.append(0, numbered(0, 100))
    await logs.feed.append(1, numbered(500, 3))
    const first = await follow(logs.feed, 0, 40, (records) => records.length >= 60)
    expect(first.map((one) => one.offset)).toEqual(Array.from({ length: 60 }, (_, i) => 40 + i))
    expect(first.map(numberOf)).toEqual(first.map((one) => one.offset))
    const later = follow(logs.feed, 0, 100, (records) => records.length >= 2)
    await logs.feed.append(0, numbered(100, 2))
    expect((await later).map(numberOf)).toEqual([100, 101])
    expect((await follow(logs.feed, 1, 0, (records) => records.length >= 3)).map(numberOf)).toEqual([500, 501, 502])
  })

  test('keeps key, value, headers and an append time that never decreases', async () => {
    const value = Uint8Array.from({ length: 65_536 }, (_, i) => i % 251)
    for (let i = 0; i < 5; i++)
      await logs.feed.append(0, [{ key: '客户', value, headers: { 'proffer-sig': `s${i}`, x: 'ü' } }])
    await logs.feed.append(0, [{ key: '', value: new Uint8Array(0) }])
    const records = await follow(logs.feed, 0, 0, (found) => found.length >= 6)
    expect(records[3]).toMatchObject({ key: '客户', headers: { 'proffer-sig': 's3', x: 'ü' } })
    expect(Buffer.compare(Buffer.from(records[4]?.value ?? []), Buffer.from(value))).toBe(0)
    expect(records[5]).toMatchObject({ key: '', value: Buffer.alloc(0) })
    expect(records[5]?.headers).toBeUndefined()
    const times = records.map((one) => one.appendTime)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test('reads again what was read but did not fit a batch, and goes back when that is asked for', async () => {
    await logs.feed.append(0, numbered(0, 50))
    await follow(logs.feed, 0, 0, (records) => records.length >= 50)
    expect((await logs.feed.read(0, 20, { maxBytes: 1_000, maxRecords: 5 })).map(numberOf)).toEqual([
      20, 21, 22, 23, 24,
    ])
    expect((await logs.feed.read(0, 22, WIDE)).map(numberOf)).toEqual(Array.from({ length: 28 }, (_, i) => 22 + i))
    expect((await follow(logs.feed, 0, 5, (records) => records.length >= 45)).map(numberOf)[0]).toBe(5)
  })

  test('an empty read says nothing of what is on its way', async () => {
    await logs.events.append(0, numbered(0, 50))
    expect(await logs.feed.read(0, 0, WIDE)).toEqual([])
    expect(logs.feed.hasCome(0, 50)).toBe(false)
    await follow(logs.feed, 0, 0, (records) => records.length >= 50)
    expect(logs.feed.hasCome(0, 50)).toBe(true)
    // Going back is another fetch.
    await logs.feed.read(0, 40, WIDE)
    expect(await logs.feed.read(0, 10, WIDE)).toEqual([])
    expect(logs.feed.hasCome(0, 50)).toBe(false)
  })

  test('an append larger than one request arrives whole and in order, and a record may have a megabyte', async () => {
    expect(await logs.feed.append(0, numbered(0, 3_000, 1_000))).toEqual({ firstOffset: 0, lastOffset: 2_999 })
    await logs.feed.append(0, [{ key: 'C1', value: Buffer.alloc(1_000_000, '7') }])
    const records = await follow(logs.feed, 0, 0, (found) => found.length >= 3_001)
    expect(records.slice(0, 3_000).map(numberOf)).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
    expect(records[3_000]?.value).toHaveLength(1_000_000)
  })

  test('an offset beyond the end is told, not waited for', async () => {
    await logs.feed.append(0, numbered(0, 5))
    await expect(follow(logs.feed, 0, 6, (records) => records.length > 0)).rejects.toMatchObject({ code: 'log_gap' })
  })

  test('stops fetching while nobody reads, so that memory is bounded, and loses nothing by it', async () => {
    const padding = 1_000
    await logs.feed.append(0, numbered(0, 1, padding))
    await follow(logs.feed, 0, 0, (records) => records.length >= 1)
    for (let i = 0; i < 20; i++) await logs.events.append(0, numbered(1 + i * 800, 800, padding))
    await sleep(1_500)
    const waiting = 'waitingBytes' in logs.feed ? Number(logs.feed.waitingBytes) : Number.NaN
    expect(waiting).toBeGreaterThan(500_000)
    expect(waiting).toBeLessThan(512 * 1024 + 1_100_000)
    const rest = await follow(logs.feed, 0, 1, (records) => records.length >= 16_000)
    expect(rest.map(numberOf)).toEqual(Array.from({ length: 16_000 }, (_, i) => i + 1))
  })

  test('goes over markers and aborted records of transactions without alarm', async () => {
    const topic = `${prefix}events`
    const producer = kafka.producer({ transactionalId: prefix, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const seen = follow(logs.feed, 0, 0, (records) => records.some((one) => numberOf(one) === 99))
    for (let i = 0; i < 6; i++) {
      const transaction = await producer.transaction()
      const messages = numbered(i * 10, 10).map((one) => ({
        key: one.key,
        value: Buffer.from(one.value),
        partition: 0,
      }))
      await transaction.send({ topic, messages })
      await (i % 2 === 0 ? transaction.commit() : transaction.abort())
      await sleep(i * 20)
    }
    await producer.disconnect()
    await logs.feed.append(0, numbered(99, 1))
    const expected = [0, 2, 4].flatMap((i) => numbered(i * 10, 10).map((one) => Number(one.key.slice(1))))
    const live = await seen
    expect(live.map(numberOf)).toEqual([...expected, 99])
    expect(live.at(-1)?.offset).toBe(66)

    await expect(logs.feed.read(0, 33, WIDE)).resolves.toEqual([])
    expect((await follow(logs.feed, 0, 33, (records) => records.length >= 11)).map(numberOf)[0]).toBe(40)
    expect((await logs.events.read(0, 55, WIDE)).map(numberOf)).toEqual([99])
    expect((await logs.events.read(0, 11, WIDE)).map(numberOf)[0]).toBe(20)
  })

  test('an end that is nothing but markers reads as empty, not as a gap', async () => {
    const producer = kafka.producer({ transactionalId: prefix, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: `${prefix}events`, messages: [{ key: 'C1', value: '1', partition: 1 }] })
    await transaction.abort()
    await producer.disconnect()
    await eventually('the marker is there', async () => (await logs.events.bounds(1)).end === 2)
    expect(await logs.events.read(1, 0, WIDE)).toEqual([])
    const told = new Set<number>()
    const forget = logs.feed.onAppend((partition) => told.add(partition))
    expect(await logs.feed.read(1, 0, WIDE)).toEqual([])
    // Whoever waits for all that was there hears that it has come.
    await eventually('all has come', async () => told.has(1) && logs.feed.hasCome(1, 2))
    expect(await logs.feed.read(1, 0, WIDE)).toEqual([])
    expect(logs.feed.hasCome(1, 3)).toBe(false)
    forget()
  })

  test('tells of records that were deleted before they were read, and does not jump over them', async () => {
    await logs.feed.append(0, numbered(0, 100))
    await follow(logs.feed, 0, 0, (records) => records.length >= 10)
    await logs.events.append(1, numbered(0, 100))
    await deleteBelow(1, 60)
    await expect(follow(logs.feed, 1, 50, (records) => records.length > 0)).rejects.toMatchObject({ code: 'log_gap' })
    await expect(logs.events.read(1, 50, WIDE)).rejects.toMatchObject({ code: 'log_gap', retryable: false })
    expect((await logs.events.read(1, 60, WIDE)).map(numberOf)[0]).toBe(60)
    expect((await follow(logs.feed, 1, 60, (records) => records.length >= 40)).map(numberOf)[0]).toBe(60)
  })

  test.each([
    ['some of them', 15_000],
    ['all, so that nothing comes by which to notice', 16_001],
  ])('tells of records that were deleted while nobody read: %s', async (_, below) => {
    const padding = 1_000
    await logs.feed.append(0, numbered(0, 1, padding))
    await follow(logs.feed, 0, 0, (records) => records.length >= 1)
    for (let i = 0; i < 20; i++) await logs.events.append(0, numbered(1 + i * 800, 800, padding))
    await sleep(1_000)
    await deleteBelow(0, below)
    const read: number[] = []
    const reading = follow(logs.feed, 0, 1, (records) => {
      read.push(records.length)
      return records.length >= 16_000
    })
    await expect(reading).rejects.toMatchObject({ code: 'log_gap' })
    expect(read.at(-1)).toBeGreaterThan(300)
    expect(read.at(-1)).toBeLessThan(3_000)
  })

  test('tells of a topic that was made anew and is shorter now', async () => {
    const topic = `${prefix}events`
    await logs.feed.append(0, numbered(0, 100))
    await follow(logs.feed, 0, 0, (records) => records.length >= 100)
    const reading = follow(logs.feed, 0, 100, (records) => records.length > 0, 25_000)
    const outcome = reading.then(
      () => 'records',
      (error: unknown) => error,
    )
    await admin.deleteTopics({ topics: [topic] })
    await eventually('the topic is gone', async () => !(await admin.listTopics()).includes(topic))
    await sleep(500)
    await admin.createTopics({
      topics: [
        {
          topic,
          numPartitions: 2,
          replicationFactor: 1,
          configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
        },
      ],
    })
    expect(await outcome).toMatchObject({ code: 'log_gap' })
  })
})

async function deleteBelow(partition: number, offset: number): Promise<void> {
  // kafkajs deletes from topics only that it has asked about before.
  await admin.fetchTopicOffsets(`${prefix}events`)
  await admin.deleteTopicRecords({ topic: `${prefix}events`, partitions: [{ partition, offset: String(offset) }] })
}

function numbered(from: number, count: number, padding = 0): readonly NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `C${from + i}`,
    value: Buffer.from(String(from + i).padEnd(padding, ' ')),
  }))
}

function numberOf(one: LogRecord): number {
  return Number(Buffer.from(one.value).toString())
}
