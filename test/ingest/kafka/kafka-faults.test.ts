import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../../bench/parts/free-ports.ts'
import { type KafkaPart, startKafka } from '../../../bench/parts/kafka.ts'
import type { KafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import { type Log, LogError, type LogRecord } from '../../../ingest/log.ts'
import { describeWithOwnKafka } from '../../parts/describe-with-parts.ts'
import { eventually, follow } from './follow.ts'
import { type MutingProxy, startMutingProxy } from './muting-proxy.ts'
import { openLogs } from './open-logs.ts'

let broker: KafkaPart
let proxy: MutingProxy
let logs: KafkaLogs

await describeWithOwnKafka('a broker that fails', () => {
  beforeAll(async () => {
    const port = await freePort()
    proxy = await startMutingProxy(port)
    broker = await startKafka({ port, advertisedPort: proxy.port })
  }, 60_000)
  afterAll(async () => {
    await proxy.close()
    await broker.stop()
  })
  beforeEach(async () => {
    logs = await openLogs({ brokers: [`127.0.0.1:${proxy.port}`] }, { prefix: `${randomUUID()}.` })
    await logs.membership.join(() => {})
  })
  afterEach(async () => {
    proxy.mute(false)
    await logs.close()
  })

  test('an append whose answer is lost is sent again and stands in the log once', async () => {
    await logs.feed.append(0, [recordOf(0)])
    for (let i = 1; i <= 5; i++) {
      const appending = logs.feed.append(0, [recordOf(i)])
      proxy.loseNextAnswer()
      expect(await appending).toEqual({ firstOffset: i, lastOffset: i })
    }
    expect((await logs.events.read(0, 0, { maxBytes: 1_000, maxRecords: 100 })).map(numberOf)).toEqual([
      0, 1, 2, 3, 4, 5,
    ])
  })

  test('after an append that nobody knows the end of, the next one is not taken for its repetition', async () => {
    await logs.feed.append(0, [recordOf(0)])
    proxy.mute(true)
    await expect(logs.feed.append(0, [recordOf(1)])).rejects.toMatchObject({ code: 'log_unavailable', retryable: true })
    proxy.mute(false)
    await logs.feed.append(0, [recordOf(2)])
    await logs.feed.append(0, [recordOf(3)])
    const { end } = await logs.events.bounds(0)
    const numbers = (await logs.events.read(0, 0, { maxBytes: 1_000, maxRecords: 100 })).map(numberOf)
    expect(numbers).toHaveLength(end)
    expect([...new Set(numbers)].filter((one) => one !== 1)).toEqual([0, 2, 3])
  })

  test('an append fails before the group would give the partition to somebody else', async () => {
    await logs.feed.append(0, [recordOf(0)])
    proxy.mute(true)
    const startedAt = performance.now()
    await expect(logs.feed.append(0, [recordOf(1)])).rejects.toBeInstanceOf(LogError)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })

  test('a consumer that gets no answers recovers by itself and has missed nothing', async () => {
    const reading = follow(logs.feed, 0, 0, (records) => new Set(records.map(numberOf)).size >= 20, 40_000)
    for (let i = 0; i < 10; i++) await logs.feed.append(0, [recordOf(i)])
    proxy.mute(true)
    await sleep(7_000)
    proxy.mute(false)
    for (let i = 10; i < 20; i++) await appendAgain(logs.feed, 0, i)
    const firsts = [...new Set((await reading).map(numberOf))]
    expect(firsts).toEqual(Array.from({ length: 20 }, (_, i) => i))
  }, 60_000)

  test('a broker that was stopped and started goes on: nothing acknowledged is lost, the order is kept', async () => {
    let stop = false
    const acknowledged: number[] = []
    const appending = (async () => {
      for (let i = 0; !stop; i++) {
        await appendAgain(logs.feed, 1, i)
        acknowledged.push(i)
        await sleep(2)
      }
    })()
    const isDone = (records: readonly LogRecord[]) => stop && numberOf(records.at(-1)) === acknowledged.at(-1)
    const reading = follow(logs.feed, 1, 0, isDone, 60_000)
    await eventually('some are in', () => acknowledged.length > 100)
    await broker.stop({ keepData: true })
    const before = acknowledged.length
    await sleep(1_000)
    await broker.restart()
    await eventually('more are in', () => acknowledged.length > before + 100, 30_000)
    stop = true
    await appending
    // One more, so that the last one that is awaited comes after everything else.
    acknowledged.push(1_000_000)
    await appendAgain(logs.feed, 1, 1_000_000)
    const records = await reading
    const firsts = [...new Set(records.map(numberOf))]
    expect(firsts).toEqual(acknowledged)
    const offsets = records.map((one) => one.offset)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
  }, 120_000)
})

function recordOf(number: number) {
  return { key: 'C1', value: Buffer.from(String(number)) }
}

function numberOf(one: LogRecord | undefined): number {
  return Number(Buffer.from(one?.value ?? []).toString())
}

/** Appends as callers do: again while that may help. */
async function appendAgain(log: Log, partition: number, number: number): Promise<void> {
  for (;;) {
    try {
      await log.append(partition, [recordOf(number)])
      return
    } catch (error) {
      if (!(error instanceof LogError) || !error.retryable) throw error
      await sleep(100)
    }
  }
}
