/** kafkajs against a real broker, for the tests that say what the adapter may build on. */
import {
  type Admin,
  AssignerProtocol,
  type Batch,
  type Consumer,
  type ConsumerConfig,
  Kafka,
  type KafkaConfig,
  logLevel,
  type PartitionAssigner,
  Partitioners,
  type Producer,
  type ProducerConfig,
} from 'kafkajs'
import { uniqueName } from '../../parts/describe-with-parts.ts'
import { eventually } from './follow.ts'

export type Rig = {
  readonly admin: Admin
  /** A new topic, LogAppendTime like the broker. */
  topic(partitions: number, config?: Readonly<Record<string, string>>): Promise<string>
  /** Idempotent; partitions are chosen by the caller. */
  producer(options?: { client?: Partial<KafkaConfig>; producer?: Partial<ProducerConfig> }): Promise<Producer>
  /** Not yet connected: events can be listened to first. */
  consumer(config?: Partial<ConsumerConfig>): Consumer
  /** Where the log of a partition begins and ends. */
  bounds(topic: string, partition: number): Promise<{ low: number; high: number }>
  stop(): Promise<void>
}

export async function openRig(brokers: readonly string[]): Promise<Rig> {
  const open: { disconnect(): Promise<void> }[] = []
  const connect = (client: Partial<KafkaConfig> = {}) =>
    new Kafka({ clientId: 'rig', brokers: [...brokers], logLevel: logLevel.NOTHING, ...client })
  const kafka = connect()
  const admin = kafka.admin()
  await admin.connect()
  return {
    admin,
    async topic(partitions, config = {}) {
      const topic = uniqueName('events')
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
      const topics = [{ topic, numPartitions: partitions, configEntries }]
      // Waiting for leaders, kafkajs gives up when a broker has not heard of the topic yet.
      await admin.createTopics({ topics, waitForLeaders: false })
      await eventually('the topic has leaders', async () => {
        const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => null)
        return found?.topics[0]?.partitions.length === partitions
      })
      return topic
    },
    async producer({ client, producer = {} } = {}) {
      const created = connect(client).producer({
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner: Partitioners.DefaultPartitioner,
        ...producer,
      })
      open.push(created)
      await created.connect()
      return created
    },
    consumer(config = {}) {
      const created = kafka.consumer({
        groupId: uniqueName('group'),
        sessionTimeout: 6_000,
        heartbeatInterval: 500,
        maxWaitTimeInMs: 100,
        ...config,
      })
      open.push(created)
      return created
    },
    async bounds(topic, partition) {
      const found = (await admin.fetchTopicOffsets(topic)).find((one) => one.partition === partition)
      return { low: Number(found?.low), high: Number(found?.high) }
    },
    async stop() {
      await Promise.all(open.map((one) => one.disconnect()))
      await admin.disconnect()
    },
  }
}

/** Sends values to a partition and waits for the acknowledgement of all replicas. */
export async function send(producer: Producer, topic: string, partition: number, values: readonly string[]) {
  const messages = values.map((value) => ({ partition, key: 'customer', value }))
  const [reply] = await producer.send({ topic, acks: -1, messages })
  return reply
}

export type Seen = {
  readonly partition: number
  /** The offset that the fetch asked for, not part of kafkajs' types. */
  readonly asked: string
  readonly first: string | null
  readonly values: readonly string[]
}

export function seenOf(batch: Batch): Seen {
  return {
    partition: batch.partition,
    asked: String(Reflect.get(batch, 'fetchedOffset')),
    first: batch.firstOffset(),
    values: batch.messages.map(({ value }) => String(value)),
  }
}

/** Runs a consumer as the engine does: nothing commits by itself, an offset moves on only when the batch says so. */
export async function consume(consumer: Consumer, topic: string, onBatch?: (seen: Seen) => Promise<void>) {
  const seen: Seen[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch, resolveOffset }) => {
      const one = seenOf(batch)
      seen.push(one)
      await onBatch?.(one)
      resolveOffset(batch.lastOffset())
    },
  })
  return seen
}

/** Spreads partitions over members in turn; each member says an address, and the leader sends all addresses to all. */
export function addressAssigner(address: string): PartitionAssigner {
  return ({ cluster }) => ({
    name: 'rig',
    version: 1,
    async assign({ members, topics }) {
      const addresses = members.map(({ memberMetadata }) =>
        String(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData),
      )
      const userData = Buffer.from(addresses.sort().join(' '))
      const [topic = ''] = topics
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
      return members.map(({ memberId }, i) => {
        const assignment = { [topic]: partitions.filter((partition) => partition % members.length === i) }
        return {
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 1, assignment, userData }),
        }
      })
    },
    protocol: ({ topics }) => ({
      name: 'rig',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.from(address) }),
    }),
  })
}
