import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type KafkaPart, startKafka } from '../../../bench/parts/kafka.ts'
import { openKafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import { describeWithOwnKafka } from '../../parts/describe-with-parts.ts'
import { eventually } from './follow.ts'
import { openLogs } from './open-logs.ts'

const user = { username: 'engine', password: 'secret-of-engine' }
let broker: KafkaPart
let admin: Admin
let prefix: string

await describeWithOwnKafka('topics and connections', () => {
  beforeAll(async () => {
    broker = await startKafka({ sasl: { mechanism: 'plain', ...user } })
    const kafka = new Kafka({ clientId: 'operator', brokers: [...broker.brokers], logLevel: logLevel.NOTHING })
    admin = kafka.admin()
    await admin.connect()
  }, 60_000)
  afterAll(async () => {
    await admin.disconnect()
    await broker.stop()
  })
  beforeEach(() => {
    prefix = `${randomUUID()}.`
  })

  test('missing topics are made with the clock of the broker and without compaction, and the facts say how', async () => {
    const logs = await openLogs(broker, { prefix, partitions: 3, retentionMs: 3_600_000 })
    expect(logs.facts).toEqual({
      brokers: 1,
      clusterId: expect.stringMatching(/./),
      topics: ['events', 'decisions', 'batches', 'dead-letters', 'control'].map((name) => ({
        topic: `${prefix}${name}`,
        partitions: name === 'dead-letters' || name === 'control' ? 1 : 3,
        replication: 1,
        minInsyncReplicas: 1,
        retentionMs: name === 'control' ? -1 : 3_600_000,
        segmentMs: 604_800_000,
        maxMessageBytes: 1_048_588,
      })),
    })
    await logs.close()
    const again = await openLogs(broker, { prefix, partitions: 3, create: false })
    expect(again.facts).toEqual(logs.facts)
    await again.close()
  })

  test('two nodes that start at once make the topics once', async () => {
    const opened = await Promise.all([1, 2, 3].map(() => openLogs(broker, { prefix })))
    expect(new Set(opened.map((one) => JSON.stringify(one.facts))).size).toBe(1)
    await Promise.all(opened.map((one) => one.close()))
  })

  test('missing topics are named when they may not be made', async () => {
    await expect(openLogs(broker, { prefix, create: false })).rejects.toMatchObject({
      code: 'log_unavailable',
      retryable: false,
      message: expect.stringContaining(`${prefix}events, ${prefix}decisions, ${prefix}batches, ${prefix}dead-letters`),
    })
  })

  test.each([
    ['events', 'message.timestamp.type', 'CreateTime'],
    ['events', 'cleanup.policy', 'compact'],
    ['decisions', 'cleanup.policy', 'compact,delete'],
    ['decisions', 'max.message.bytes', '500000'],
    ['events', 'max.message.bytes', '1000000'],
    ['control', 'retention.ms', '3600000'],
    ['control', 'cleanup.policy', 'compact'],
  ])('%s with %s=%s is refused with the command that mends it', async (name, config, value) => {
    await (await openLogs(broker, { prefix })).close()
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: `${prefix}${name}` }
    const configs = new Map([
      ['message.timestamp.type', 'LogAppendTime'],
      [config, value],
    ])
    const configEntries = Array.from(configs, ([key, said]) => ({ name: key, value: said }))
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] })
    const command = new RegExp(`kafka-configs.sh .*${prefix}${name} --add-config ${config}=`)
    expect(await refusal()).toMatchObject({ retryable: false, message: expect.stringMatching(command) })
  })

  test('topics of another number of partitions are refused, also when they grow while the engine runs', async () => {
    const logs = await openLogs(broker, { prefix, partitions: 2 })
    await admin.createPartitions({ topicPartitions: [{ topic: `${prefix}events`, count: 4 }] })
    const message = expect.stringContaining('has 4 partitions, the setting is 2')
    expect(await refusal()).toMatchObject({ retryable: false, message })
    await expect(logs.events.bounds(0)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('has 4 partitions now'),
    })
    await logs.close()
  })

  test('a prefix that Kafka would not take is refused', async () => {
    await expect(openLogs(broker, { prefix: 'bank/' })).rejects.toMatchObject({ retryable: false })
  })

  test('a broker that is not there is worth another try, and what kafkajs says about it holds no values', async () => {
    const said: unknown[] = []
    const hear = (message: unknown) => said.push(message)
    subscribe('proffer:kafka', hear)
    const nobody = { brokers: ['127.0.0.1:1'] }
    await expect(openLogs(nobody, { prefix })).rejects.toMatchObject({ code: 'log_unavailable', retryable: true })
    unsubscribe('proffer:kafka', hear)
    expect(said.length).toBeGreaterThan(0)
    expect(said.every((one) => Object.keys(Object(one)).join() === 'level,message')).toBe(true)
  })

  test('user and password reach the broker; wrong ones are refused with a sentence that says so', async () => {
    const connection = { brokers: broker.secure?.brokers ?? [], clientId: 'proffer-test' }
    const topics = { prefix, partitions: 2, create: true, retentionMs: 3_600_000 }
    const open = (password: string) =>
      openKafkaLogs({
        connection: { ...connection, sasl: { mechanism: 'plain', username: user.username, password } },
        topics,
        node: 'a',
        addr: () => '',
        now: () => Date.now(),
      })
    const logs = await open(user.password)
    await logs.membership.join(() => {})
    expect(await logs.feed.append(0, [{ key: 'C1', value: Buffer.from('x') }])).toEqual({
      firstOffset: 0,
      lastOffset: 0,
    })
    expect(await logs.events.read(0, 0, { maxBytes: 10, maxRecords: 10 })).toHaveLength(1)
    await logs.close()
    await expect(open('wrong')).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('refuses the login'),
    })
  })
})

/** Why the topics are refused, as soon as the broker has learnt of their change. */
async function refusal(): Promise<unknown> {
  let refused: unknown = null
  await eventually('the topics are refused', async () => {
    const opened = await openLogs(broker, { prefix }).catch((error: unknown) => {
      refused = error
    })
    await opened?.close()
    return refused !== null
  })
  return refused
}
