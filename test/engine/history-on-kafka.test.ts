/** An engine whose logs are on Kafka has its history there too, and what the door signs is what erases. */
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { describeWithKafka, describeWithRedis } from '../parts/describe-with-parts.ts'
import { erasureOf, eventually, numberOf } from '../sinks/history/history-world.ts'
import { cloudEvent, type RunningEngine, replayed, runEngine } from './running-engine.ts'

const prefix = `${randomUUID()}.`
let running: RunningEngine

await describeWithKafka('an engine on Kafka', async (brokers) => {
  await describeWithRedis('and on Redis', (redis) => {
    beforeAll(async () => {
      running = await runEngine({
        settings: {
          KAFKA_BROKERS: brokers.join(','),
          KAFKA_TOPIC_PREFIX: prefix,
          REDIS_URL: redis,
          REDIS_KEY_PREFIX: prefix,
          PARTITIONS: '2',
          NODE_NAME: 'a',
        },
        history: true,
      })
      // A fresh database is made first.
      expect(await running.engine.history?.flush(60_000)).toBe(true)
    }, 120_000)
    afterAll(() => running.stop())

    test('its history has every decision and event of the topics, and forgets whom the door says to', async () => {
      const { history } = running.engine
      if (history === null) throw new Error('this engine has a history')
      const repayment = (customer: string) =>
        cloudEvent(customer, 'repayment.made', { amount: 600_000, currency: 'CNY', product: 'credit_card' })
      const sent = ['C1', 'C2', 'C3'].flatMap((customer) => [repayment(customer), repayment(customer)])
      expect((await running.call('POST', '/v1/events', sent)).status).toBe(200)
      await history.flush(20_000)
      await eventually(
        'decisions are there',
        async () => (await numberOf(history, 'SELECT count() FROM decisions')) === 6,
      )
      expect(await numberOf(history, 'SELECT count() FROM events')).toBe(6)
      expect(await history.flush(20_000)).toBe(true)
      const [from, to] = [Date.now() - 3_600_000, Date.now() + 3_600_000].map((at) => new Date(at).toISOString())
      expect((await running.call('POST', `/v1/replays?from=${from}&to=${to}`, {})).status).toBe(202)
      expect(await replayed(running)).toMatchObject({ state: 'done', equal: 6, different: 0, holes: [] })

      // What others write to the topic erases nobody.
      const producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).producer()
      await producer.connect()
      const partition = partitionOf('C1', 2)
      const value = Buffer.from(encodeEvent(erasureOf('C1')))
      await producer.send({ topic: `${prefix}events`, messages: [{ key: 'C1', value, partition }] })
      await producer.disconnect()
      const erased = await running.call('POST', '/v1/events', [
        cloudEvent('C2', 'customer.erased', { ground: 'request' }),
      ])
      expect(erased.status).toBe(200)
      await eventually('its rows are deleted', async () => {
        const { state, tables } = await history.erasure('C2')
        return state.kind === 'pending' && tables.every(({ rows }) => rows === 0)
      })
      expect(await history.flush(20_000)).toBe(true)
      expect((await history.erasure('C1')).state).toEqual({ kind: 'none' })
      expect(await numberOf(history, "SELECT count() FROM decisions WHERE customer_id = 'C1'")).toBe(2)
    }, 180_000)
  })
})
