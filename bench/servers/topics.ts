/** Topics of the benchmarks: made, filled with the plain stream beforehand, read back to the end, removed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, type Consumer, Kafka, type KafkaMessage, logLevel, Partitioners } from 'kafkajs'
import { partitionOf } from '../../ingest/partition.ts'
import { type EventStream, maxEventBytes, streamCustomerId } from '../workload/stream.ts'

const recordsARequest = 2_000
const servedWithinMs = 20_000

/** A client as every contender's: no retries of a whole minute, nothing printed. */
export function kafkaClient(brokers: readonly string[], clientId: string): Kafka {
  return new Kafka({ brokers: [...brokers], clientId, logLevel: logLevel.NOTHING })
}

/** Ends the process when a handler of the consumer throws: kafkajs would stop reading without a word. */
export function endOnCrash(consumer: Consumer): void {
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    process.stderr.write(`${payload.error.stack ?? payload.error.message}\n`)
    process.exit(1)
  })
}

/** Makes topics with a number of partitions; the broker dates their records. */
export async function makeTopics(
  brokers: readonly string[],
  topics: readonly string[],
  numPartitions: number,
): Promise<void> {
  const admin = kafkaClient(brokers, 'bench-admin').admin()
  await admin.connect()
  try {
    await admin.createTopics({ waitForLeaders: false, topics: topics.map((topic) => ({ topic, numPartitions })) })
    await untilServed(admin, topics, numPartitions)
  } finally {
    await admin.disconnect()
  }
}

/** kafkajs can wait for leaders too, and fails when the broker has not heard of the topic yet. */
async function untilServed(admin: Admin, topics: readonly string[], numPartitions: number): Promise<void> {
  const until = performance.now() + servedWithinMs
  for (;;) {
    try {
      const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] })
      const led = found.flatMap((one) => one.partitions).filter(({ leader }) => leader >= 0)
      if (led.length === topics.length * numPartitions) return
    } catch (cause) {
      if (performance.now() > until) throw cause
    }
    if (performance.now() > until) throw new Error(`the topics have no leaders after ${servedWithinMs / 1_000} s`)
    await sleep(50)
  }
}

/** Removes all topics whose names begin so. */
export async function removeTopics(brokers: readonly string[], prefix: string): Promise<void> {
  const admin = kafkaClient(brokers, 'bench-admin').admin()
  await admin.connect()
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  } finally {
    await admin.disconnect()
  }
}

/** Appends the next events of the stream in its order: each to its customer's partition, keyed by the customer. */
export async function fillTopic(
  brokers: readonly string[],
  topic: string,
  {
    stream,
    events,
    partitions,
    appended,
  }: {
    readonly stream: EventStream
    readonly events: number
    readonly partitions: number
    /** Counted on, by partition. */
    readonly appended?: Float64Array
  },
): Promise<void> {
  const producer = kafkaClient(brokers, 'bench-filler').producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  try {
    for (let sent = 0; sent < events; ) {
      const messages = Array.from({ length: Math.min(recordsARequest, events - sent) }, () => {
        stream.next()
        const key = streamCustomerId(stream.customer)
        const value = Buffer.allocUnsafe(maxEventBytes)
        const length = stream.write(value, 0)
        const partition = partitionOf(key, partitions)
        if (appended !== undefined) appended[partition] = (appended[partition] ?? 0) + 1
        return { key, value: value.subarray(0, length), partition }
      })
      await producer.send({ topic, messages })
      sent += messages.length
    }
  } finally {
    await producer.disconnect()
  }
}

/** Tells of every record that is in a topic now, in the order of each partition; of transactions only what was committed. */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  onRecord: (partition: number, message: KafkaMessage) => void,
): Promise<void> {
  const kafka = kafkaClient(brokers, 'bench-reader')
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const left = new Map(offsets.flatMap(({ partition, low, high }) => (low === high ? [] : [[partition, Number(high)]])))
  if (left.size === 0) return
  const consumer = kafka.consumer({
    groupId: `bench-reader-${topic}-${process.pid}-${Date.now()}`,
    maxWaitTimeInMs: 50,
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    const done = Promise.withResolvers<void>()
    // Not in the handler: what holds markers of transactions only is not handed to it.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
      if (Number(lastOffset) + 1 >= (left.get(partition) ?? 0)) left.delete(partition)
      if (left.size === 0) done.resolve()
    })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) {
          if (Number(message.offset) < (left.get(batch.partition) ?? 0)) onRecord(batch.partition, message)
        }
      },
    })
    await done.promise
  } finally {
    await consumer.disconnect()
  }
}
