/**
 * kafkajs 2.2.4 works with the broker: each test is something that the Kafka adapter builds on, or has to work around. Run it
 * against another release with PROFFER_TEST_KAFKA_VERSION.
 */
import { AssignerProtocol, CompressionTypes, ConfigResourceTypes } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithKafka } from '../../parts/describe-with-parts.ts'
import { eventually } from './follow.ts'
import { addressAssigner, consume, openRig, type Rig, send } from './kafkajs-rig.ts'

await describeWithKafka('kafkajs with the broker', (brokers) => {
  let rig: Rig
  beforeAll(async () => {
    rig = await openRig(brokers)
  })
  afterAll(() => rig.stop())

  test('a topic is created once and tells its settings', async () => {
    const topic = await rig.topic(3, { 'retention.ms': '3600000' })
    expect(await rig.admin.createTopics({ topics: [{ topic, numPartitions: 5 }] })).toBe(false)
    const [metadata] = (await rig.admin.fetchTopicMetadata({ topics: [topic] })).topics
    expect(metadata?.partitions).toHaveLength(3)
    const configNames = ['message.timestamp.type', 'retention.ms', 'cleanup.policy']
    const answer = await rig.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames }],
    })
    const entries = answer.resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue])
    expect(Object.fromEntries(entries ?? [])).toEqual({
      'message.timestamp.type': 'LogAppendTime',
      'retention.ms': '3600000',
      'cleanup.policy': 'delete',
    })
  })

  test('the reply of a send holds offset and append time, and a reader gets the same append time', async () => {
    const topic = await rig.topic(2)
    const producer = await rig.producer()
    await send(producer, topic, 1, ['a'])
    const reply = await send(producer, topic, 1, ['b', 'c'])
    expect(reply).toMatchObject({ topicName: topic, partition: 1, errorCode: 0, baseOffset: '1' })
    const times: string[] = []
    const consumer = rig.consumer()
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void times.push(message.timestamp) })
    await eventually('all messages came', () => times.length === 3)
    expect(times.slice(1)).toEqual([reply?.logAppendTime, reply?.logAppendTime])
  })

  test('headers come back as bytes, a repeated name as a list', async () => {
    const topic = await rig.topic(1)
    const producer = await rig.producer()
    const headers = { ce_id: Buffer.from([0, 255, 1]), ce_type: 'käse', many: ['a', 'b'], empty: '' }
    await producer.send({ topic, acks: -1, messages: [{ key: 'c', value: null, headers }] })
    const consumer = rig.consumer()
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const message = await new Promise((resolve, reject) => {
      consumer.run({ eachMessage: async ({ message }) => resolve(message) }).catch(reject)
    })
    expect(message).toMatchObject({
      key: Buffer.from('c'),
      value: null,
      headers: {
        ce_id: Buffer.from([0, 255, 1]),
        ce_type: Buffer.from('käse'),
        many: [Buffer.from('a'), Buffer.from('b')],
        empty: Buffer.alloc(0),
      },
    })
  })

  test('gzip works both ways; a batch in a codec that kafkajs lacks ends the consumer for good', async () => {
    const producer = await rig.producer()
    const zipped = await rig.topic(1)
    await producer.send({
      topic: zipped,
      acks: -1,
      compression: CompressionTypes.GZIP,
      messages: [{ value: 'z'.repeat(10_000) }],
    })
    const seen = await consume(rig.consumer(), zipped)
    await eventually('the message came', () => seen.length === 1)
    expect(seen[0]?.values[0]).toHaveLength(10_000)
    // The broker compresses anew: what a Java producer with zstd would have written.
    const foreign = await rig.topic(1, { 'compression.type': 'zstd' })
    await send(producer, foreign, 0, ['x'])
    const consumer = rig.consumer()
    const crashes: { name: string; restart: boolean }[] = []
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      crashes.push({ name: payload.error.name, restart: payload.restart })
    })
    await consume(consumer, foreign)
    await eventually('the consumer crashed', () => crashes.length > 0)
    expect(crashes).toEqual([{ name: 'KafkaJSNotImplemented', restart: false }])
  })

  test('an assigner of our own carries data both ways, and describeGroups shows it', async () => {
    const topic = await rig.topic(4)
    const groupId = `${topic}-group`
    const joins: unknown[] = []
    const one = rig.consumer({ groupId, partitionAssigners: [addressAssigner('one:1')] })
    const other = rig.consumer({ groupId, partitionAssigners: [addressAssigner('other:2')] })
    one.on(one.events.GROUP_JOIN, ({ payload }) => joins.push(payload.memberAssignment[topic]))
    await consume(one, topic)
    expect(joins).toEqual([[0, 1, 2, 3]])
    await consume(other, topic)
    await eventually('the group is balanced anew', () => joins.length === 2)
    expect(joins[1]).toHaveLength(2)
    const [group] = (await rig.admin.describeGroups([groupId])).groups
    expect(group).toMatchObject({ state: 'Stable', protocol: 'rig', protocolType: 'consumer' })
    const told = group?.members.map(({ memberMetadata, memberAssignment }) => ({
      address: String(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData),
      fromLeader: String(AssignerProtocol.MemberAssignment.decode(memberAssignment)?.userData),
      partitions: AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment[topic]?.length,
    }))
    expect(told?.sort((a, b) => a.address.localeCompare(b.address))).toEqual([
      { address: 'one:1', fromLeader: 'one:1 other:2', partitions: 2 },
      { address: 'other:2', fromLeader: 'one:1 other:2', partitions: 2 },
    ])
    await other.disconnect()
    await eventually('the first has all again', () => joins.length === 3)
    expect(joins[2]).toEqual([0, 1, 2, 3])
  })

  test('what a GROUP_JOIN handler pauses and seeks is so before the first fetch', async () => {
    const topic = await rig.topic(2)
    const producer = await rig.producer()
    for (const partition of [0, 1]) await send(producer, topic, partition, ['a', 'b', 'c'])
    const consumer = rig.consumer()
    let fetches = 0
    let before = -1
    consumer.on(consumer.events.FETCH_START, () => void fetches++)
    consumer.on(consumer.events.GROUP_JOIN, () => {
      before = fetches
      consumer.pause([{ topic, partitions: [0, 1] }])
      consumer.seek({ topic, partition: 1, offset: '2' })
    })
    const seen = await consume(consumer, topic)
    await eventually('some rounds of fetching', () => fetches > 4)
    expect(before).toBe(0)
    expect(seen).toEqual([])
    consumer.resume([{ topic, partitions: [1] }])
    await eventually('a batch came', () => seen.length > 0)
    expect(seen).toEqual([{ partition: 1, asked: '2', first: '2', values: ['c'] }])
  })

  test('a fetch under way ends before a resumed or sought partition is read, and a paused one drops what it brought', async () => {
    const topic = await rig.topic(2)
    const producer = await rig.producer()
    for (const partition of [0, 1]) await send(producer, topic, partition, ['a'])
    const waitMs = 1_000
    const consumer = rig.consumer({ maxWaitTimeInMs: waitMs })
    const seen = await consume(consumer, topic)
    await eventually('both were read', () => seen.length === 2)
    const readAgain = async (act: () => void): Promise<number> => {
      seen.length = 0
      const startedAt = performance.now()
      act()
      await eventually('a batch came', () => seen.length > 0)
      return performance.now() - startedAt
    }
    for (const _ of [1, 2, 3]) {
      expect(await readAgain(() => consumer.seek({ topic, partition: 0, offset: '0' }))).toBeLessThan(waitMs + 3_000)
      expect(seen).toEqual([{ partition: 0, asked: '0', first: '0', values: ['a'] }])
    }
    consumer.pause([{ topic, partitions: [1] }])
    await send(producer, topic, 1, ['b'])
    expect(await readAgain(() => consumer.resume([{ topic, partitions: [1] }]))).toBeLessThan(2 * waitMs + 3_000)
    expect(seen).toEqual([{ partition: 1, asked: '1', first: '1', values: ['b'] }])
  })

  test('one handler that is slow holds back the next fetch of every partition of that broker', async () => {
    const topic = await rig.topic(2)
    const producer = await rig.producer()
    const gate = Promise.withResolvers<void>()
    const consumer = rig.consumer()
    const seen = await consume(consumer, topic, ({ partition }) => (partition === 0 ? gate.promise : Promise.resolve()))
    await send(producer, topic, 0, ['slow'])
    await eventually('the handler has begun', () => seen.length === 1)
    await send(producer, topic, 1, ['quick'])
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(seen).toHaveLength(1)
    gate.resolve()
    await eventually('the other partition was read', () => seen.length === 2)
  })

  test('without auto-commit the group has the offsets it was given, and no others', async () => {
    const topic = await rig.topic(2)
    const groupId = `${topic}-group`
    const producer = await rig.producer()
    await send(producer, topic, 0, ['a', 'b', 'c'])
    const consumer = rig.consumer({ groupId })
    const seen = await consume(consumer, topic)
    await eventually('a batch came', () => seen.length > 0)
    expect(await committed(rig, groupId, topic)).toEqual(['-1', '-1'])
    await consumer.commitOffsets([{ topic, partition: 0, offset: '2', metadata: 'seq 7' }])
    expect(await committed(rig, groupId, topic)).toEqual(['2', '-1'])
    // A position behind what was read stays where it is: reading goes on in memory.
    await send(producer, topic, 0, ['d'])
    await eventually('the next batch came', () => seen.length > 1)
    expect(seen[1]).toEqual({ partition: 0, asked: '3', first: '3', values: ['d'] })
  })

  test('a position out of range is silently reset, and the offset of the group with it', async () => {
    const topic = await rig.topic(1)
    const groupId = `${topic}-group`
    const producer = await rig.producer()
    await send(producer, topic, 0, ['a', 'b', 'c', 'd'])
    const consumer = rig.consumer({ groupId })
    const crashes: unknown[] = []
    consumer.on(consumer.events.CRASH, (event) => crashes.push(event))
    const seen = await consume(consumer, topic)
    await eventually('a batch came', () => seen.length > 0)
    await consumer.commitOffsets([{ topic, partition: 0, offset: '1' }])
    // Asked first, because only that makes the admin client know the leader that has to delete.
    expect(await rig.bounds(topic, 0)).toEqual({ low: 0, high: 4 })
    await rig.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    expect(await rig.bounds(topic, 0)).toEqual({ low: 3, high: 4 })
    consumer.seek({ topic, partition: 0, offset: '1' })
    await eventually('reading went on', () => seen.length > 1)
    // Only `asked` tells: it is not the offset that was sought.
    expect(seen[1]).toEqual({ partition: 0, asked: '3', first: '3', values: ['d'] })
    expect(await committed(rig, groupId, topic)).toEqual(['-2'])
    consumer.seek({ topic, partition: 0, offset: '500' })
    await eventually('reading began anew', () => seen.length > 2)
    expect(seen[2]).toMatchObject({ asked: '3' })
    expect(crashes).toEqual([])
  })

  test('offsets that transactions leave out are gaps between what was asked and what came', async () => {
    const topic = await rig.topic(1)
    const producer = await rig.producer({ producer: { transactionalId: `${topic}-tx` } })
    const seen = await consume(rig.consumer(), topic)
    for (const end of ['abort', 'commit'] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, acks: -1, messages: [{ partition: 0, value: end }] })
      await transaction[end]()
    }
    await eventually('the committed one came', () => seen.some(({ values }) => values.includes('commit')))
    expect(seen.flatMap(({ values }) => values)).toEqual(['commit'])
    expect(await rig.bounds(topic, 0)).toEqual({ low: 0, high: 4 })
  })
})

async function committed(rig: Rig, groupId: string, topic: string): Promise<readonly string[]> {
  const [one] = await rig.admin.fetchOffsets({ groupId, topics: [topic] })
  return [...(one?.partitions ?? [])].sort((a, b) => a.partition - b.partition).map(({ offset }) => offset)
}
