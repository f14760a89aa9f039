import type { KafkaAdmin } from './kafka-admin.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { KafkaConsumer } from './kafka-consumer.ts'
import { KafkaFeed } from './kafka-feed.ts'
import { KafkaMembership } from './kafka-membership.ts'
import type { KafkaProducer } from './kafka-producer.ts'
import { createAssigner } from './partition-assigner.ts'
import type { TopicBounds } from './topic-bounds.ts'

export type KafkaEventsOptions = {
  readonly connection: KafkaConnection
  readonly admin: KafkaAdmin
  readonly bounds: TopicBounds
  readonly producer: KafkaProducer
  readonly partitions: number
  readonly groupId: string
  readonly node: string
  readonly addr: () => string
  readonly now: () => number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly maxWaitMs: number
  readonly maxBytesPerPartition: number
  readonly bufferBytes: number
}

/** The events that the group gives to this process, and its place in the group: kafkajs has both in one consumer. */
export type KafkaEvents = { readonly feed: KafkaFeed; readonly membership: KafkaMembership; close(): Promise<void> }

/** Members that have heard of a rebalance hold nobody up; how soon they hear of it is this. */
const HEARTBEATS_A_SESSION = 10
/** Joining waits for all members to hear of it, and on a busy machine some attempts fail before one holds. */
const JOIN_LEAST_MS = 60_000

/** Nothing is joined before `membership.join`. */
export function createKafkaEvents(options: KafkaEventsOptions): KafkaEvents {
  const { connection, admin, bounds, producer, partitions, groupId, sessionTimeoutMs, rebalanceTimeoutMs } = options
  const { topic } = bounds
  const feed = new KafkaFeed({ bounds, partitions, producer, bufferBytes: options.bufferBytes })
  const membership = new KafkaMembership({
    admin,
    groupId,
    topic,
    node: options.node,
    addr: options.addr,
    now: options.now,
    sessionTimeoutMs,
    joinTimeoutMs: Math.max(JOIN_LEAST_MS, 2 * (sessionTimeoutMs + rebalanceTimeoutMs)),
  })
  const assign = (assigned: readonly number[]) => {
    feed.assign(assigned)
    membership.assign(assigned)
  }
  const consumer = new KafkaConsumer(
    {
      connection,
      groupId,
      topics: [topic],
      assigner: createAssigner([topic], partitions, () => membership.said()),
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      heartbeatMs: Math.ceil(sessionTimeoutMs / HEARTBEATS_A_SESSION),
      maxWaitMs: options.maxWaitMs,
      maxBytesPerPartition: options.maxBytesPerPartition,
      concurrency: partitions,
    },
    {
      starting: () => membership.starting(),
      joined: (assignment) => assign([...(assignment.get(topic) ?? [])].sort((a, b) => a - b)),
      batch: (batch) => feed.add(batch),
      holes: (_, partition, first, next) => feed.skipHoles(partition, first, next),
      heard: () => membership.heard(),
      lost: () => {
        feed.assign([])
        membership.lost()
      },
      failed: (error) => membership.failed(error),
    },
  )
  feed.attach(consumer)
  membership.attach(consumer)
  // Session by session is soon enough: it is told at once where records come or are asked for.
  const look = setInterval(() => feed.lookAtQuiet(), sessionTimeoutMs)
  return {
    feed,
    membership,
    async close() {
      clearInterval(look)
      await membership.leave()
      await feed.close()
    },
  }
}
