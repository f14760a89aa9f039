/** What kafkajs 2.2.4 does when a reply is lost or the broker goes away: the ground that the Kafka adapter stands on. */
import { connect } from 'node:net'
import type { KafkaConfig } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type KafkaPart, startKafka } from '../../../bench/parts/kafka.ts'
import { startTcpProxy, type TcpProxy } from '../../../bench/parts/tcp-proxy.ts'
import { describeWithKafka, describeWithOwnKafka } from '../../parts/describe-with-parts.ts'
import { eventually } from './follow.ts'
import { consume, openRig, type Rig, send } from './kafkajs-rig.ts'

await describeWithKafka('kafkajs behind a bad wire', (brokers) => {
  let rig: Rig
  let proxy: TcpProxy
  beforeAll(async () => {
    rig = await openRig(brokers)
    const [host = '', port = ''] = (brokers[0] ?? '').split(':')
    proxy = await startTcpProxy({ target: { host, port: Number(port) } })
  })
  afterAll(async () => {
    await rig.stop()
    await proxy.close()
  })

  /** The broker tells clients its own address; this client goes through the proxy all the same. */
  const proxied = (): Partial<KafkaConfig> => ({
    retry: { retries: 1, initialRetryTime: 50 },
    socketFactory: ({ onConnect }) => connect(proxy.port, '127.0.0.1', onConnect),
  })

  test('a send whose reply is lost is tried again and written once', async () => {
    const topic = await rig.topic(1)
    const producer = await rig.producer({ client: proxied() })
    await send(producer, topic, 0, ['first'])
    const lost = proxy.loseReply({ when: (bytes) => bytes.includes('second') })
    expect(await send(producer, topic, 0, ['second'])).toMatchObject({ baseOffset: '1' })
    await lost
    expect(await rig.bounds(topic, 0)).toEqual({ low: 0, high: 2 })
  })

  test('after a send that failed in doubt, another of the same size is acknowledged and not written', async () => {
    const topic = await rig.topic(1)
    const producer = await rig.producer({ client: proxied() })
    await send(producer, topic, 0, ['first'])
    await failInDoubt(producer, topic, ['second'])
    // The sequence number of the lost reply is used again, so the broker takes it for the same batch.
    expect(await send(producer, topic, 0, ['third'])).toMatchObject({ errorCode: 0, baseOffset: '1' })
    await send(producer, topic, 0, ['fourth'])
    const seen = await consume(rig.consumer(), topic)
    await eventually('the last one came', () => seen.flatMap(({ values }) => values).includes('fourth'))
    expect(seen.flatMap(({ values }) => values)).toEqual(['first', 'second', 'fourth'])
  })

  test('after a send that failed in doubt, another size is refused until the same batch is sent again', async () => {
    const topic = await rig.topic(1)
    const producer = await rig.producer({ client: proxied() })
    const doubtful = ['doubtful-1', 'doubtful-2', 'doubtful-3']
    await failInDoubt(producer, topic, doubtful)
    await expect(send(producer, topic, 0, ['other'])).rejects.toMatchObject({ type: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
    expect(await send(producer, topic, 0, doubtful)).toMatchObject({ baseOffset: '0' })
    expect(await send(producer, topic, 0, ['other'])).toMatchObject({ baseOffset: '3' })
  })

  test('after a send that failed in doubt, a new producer writes what it is told', async () => {
    const topic = await rig.topic(1)
    const producer = await rig.producer({ client: proxied() })
    await failInDoubt(producer, topic, ['doubtful'])
    const next = await rig.producer()
    expect(await send(next, topic, 0, ['other'])).toMatchObject({ baseOffset: '1' })
  })

  /** The broker has written the batch, and the producer gave up. */
  async function failInDoubt(producer: Parameters<typeof send>[0], topic: string, values: readonly string[]) {
    const lost = proxy.loseReply({ when: (bytes) => bytes.includes(values[0] ?? '') }).then(() => proxy.refuse())
    // Not retriable, it says, though its cause is.
    await expect(send(producer, topic, 0, values)).rejects.toMatchObject({
      name: 'KafkaJSNonRetriableError',
      retriable: false,
      cause: { name: 'KafkaJSConnectionError' },
    })
    await lost
    proxy.pass()
  }
})

await describeWithOwnKafka('kafkajs over a restart of its broker', () => {
  let kafka: KafkaPart
  let rig: Rig
  beforeEach(async () => {
    kafka = await startKafka()
    rig = await openRig(kafka.brokers)
  })
  afterEach(async () => {
    await rig.stop()
    await kafka.stop()
  })

  test('producer and consumer outlive a killed broker: nothing lost, nothing twice, no new join', async () => {
    const topic = await rig.topic(1)
    const consumer = rig.consumer({ sessionTimeout: 30_000 })
    const events: string[] = []
    consumer.on(consumer.events.GROUP_JOIN, () => events.push('join'))
    consumer.on(consumer.events.CRASH, () => events.push('crash'))
    const seen = await consume(consumer, topic)
    const producer = await rig.producer({ client: { retry: { retries: 20, maxRetryTime: 1_000 } } })
    await send(producer, topic, 0, ['before'])
    await eventually('it was read', () => seen.length === 1)
    await kafka.kill()
    const during = send(producer, topic, 0, ['during'])
    await kafka.restart()
    expect(await during).toMatchObject({ baseOffset: '1' })
    await send(producer, topic, 0, ['after'])
    await eventually('all were read', () => seen.flatMap(({ values }) => values).length === 3)
    expect(seen.flatMap(({ values }) => values)).toEqual(['before', 'during', 'after'])
    expect(events).toEqual(['join'])
  }, 60_000)

  test('a consumer that gave up starts anew by itself, with its pauses and positions forgotten', async () => {
    const topic = await rig.topic(1)
    const consumer = rig.consumer({ sessionTimeout: 2_000, retry: { retries: 1, initialRetryTime: 100 } })
    const events: string[] = []
    consumer.on(consumer.events.GROUP_JOIN, () => events.push('join'))
    consumer.on(consumer.events.CRASH, ({ payload }) => events.push(`crash ${payload.restart}`))
    const seen = await consume(consumer, topic)
    await send(await rig.producer(), topic, 0, ['a'])
    await eventually('it was read', () => seen.length === 1)
    consumer.pause([{ topic, partitions: [0] }])
    await kafka.kill()
    await eventually('the consumer crashed', () => events.length > 1)
    expect(() => consumer.pause([{ topic }])).toThrow('consumer#run must be called first')
    await kafka.restart()
    await eventually('it was read again', () => seen.length > 1, 30_000)
    expect(seen[1]).toEqual({ partition: 0, asked: '0', first: '0', values: ['a'] })
    expect(consumer.paused()).toEqual([])
    expect(new Set(events)).toEqual(new Set(['join', 'crash true']))
  }, 60_000)
})
