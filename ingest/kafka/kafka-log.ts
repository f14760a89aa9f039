import assert from 'node:assert'
import type { Feed, Log } from '../log.ts'
import type { Member, Membership } from '../membership.ts'
import { createKafkaAdmin } from './kafka-admin.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { createKafkaEvents } from './kafka-events.ts'
import { membersOf } from './kafka-membership.ts'
import { createKafkaProducer } from './kafka-producer.ts'
import { KafkaReader } from './kafka-reader.ts'
import { type KafkaFacts, prepareTopics, type TopicOptions, topicNames } from './kafka-topics.ts'
import { createTopicBounds } from './topic-bounds.ts'
import { createTopicLog } from './topic-log.ts'

export type KafkaLogOptions = {
  readonly connection: KafkaConnection
  readonly topics: TopicOptions
  /** Stable name of this node, the same after a restart, another one for each node. */
  readonly node: string
  /** Where this node can be asked, `host:port`; empty: nowhere. Asked when the group is joined. */
  readonly addr: () => string
  /** Unix milliseconds: of processes with one node name the latest counts. */
  readonly now: () => number
  /** Of records we send. `gzip` saves network for CPU. */
  readonly compression?: 'none' | 'gzip'
  /** A node that is silent so long loses its partitions; 10,000 when absent. Within the limits of the broker. */
  readonly sessionTimeoutMs?: number
  /** How long the group waits for its members to agree on a new assignment; absent: 10,000, less with a short session. */
  readonly rebalanceTimeoutMs?: number
  /** How long a broker holds an empty fetch back (ms): shorter costs idle CPU, longer delays what was paused. */
  readonly maxWaitMs?: number
  /** So much of a partition may wait in memory to be read, bytes; one fetch (1 MB) more may come. */
  readonly bufferBytes?: number
}

export type KafkaLogs = {
  /** The events at any offset, whoever has the partition. */
  readonly events: Log
  readonly decisions: Log
  /** What commits were made from. */
  readonly batches: Log
  /** Dead letters of all nodes; `openKafkaDeadLetters` makes them readable. */
  readonly deadLetters: Log
  /** What people change of the installation: one partition, kept for ever. */
  readonly control: Log
  /** The events of the partitions of this node, as the engine follows them: see `KafkaFeed`. */
  readonly feed: Log & Feed
  readonly membership: Membership
  readonly facts: KafkaFacts
  /** Who is in the group now, this process or not. */
  members(): Promise<readonly Member[]>
  /** Whether the group has stored a position: then somebody has read these events before. */
  hasPositions(): Promise<boolean>
  /** Leaves the group, then closes everything; what was appended before is answered. */
  close(): Promise<void>
}

const SESSION_MS = 10_000
const REBALANCE_MS = 10_000
/** Sessions that a rebalance may take at most: in two of silence everything may be somebody else's. */
const REBALANCE_SESSIONS = 1.5
const MAX_WAIT_MS = 50
const BUFFER_BYTES = 512 * 1024
/** Share of the session timeout within which a request ends: see `KafkaProducerOptions.lifetimeMs`. */
const LIFETIME_SHARE = 0.8

/**
 * Opens the logs of a deployment on Kafka. Topics are made where that is allowed, and checked; the group is joined by
 * `membership.join`.
 * @throws LogError `log_unavailable`, not retryable when something has to be changed, which it then says
 */
export async function openKafkaLogs(options: KafkaLogOptions): Promise<KafkaLogs> {
  const { connection, sessionTimeoutMs = SESSION_MS, compression = 'none' } = options
  const { prefix, partitions } = options.topics
  const rebalanceTimeoutMs =
    options.rebalanceTimeoutMs ?? Math.min(REBALANCE_MS, Math.floor(REBALANCE_SESSIONS * sessionTimeoutMs))
  // The group is silent while it rebalances, and silence of that length means that everything may be somebody else's.
  assert(rebalanceTimeoutMs < 2 * sessionTimeoutMs, 'a rebalance takes less than two sessions')
  const admin = createKafkaAdmin(connection)
  const facts = await prepareTopics(admin, options.topics).catch(async (error) => {
    await admin.close()
    throw error
  })
  const names = topicNames(prefix)
  const deadLetterPartitions = facts.topics.find((one) => one.topic === names.deadLetters)?.partitions ?? 1
  const maxBytesPerPartition = Math.max(...facts.topics.map((one) => one.maxMessageBytes))
  const eventBounds = createTopicBounds(admin, names.events, partitions)
  const reader = new KafkaReader({
    connection,
    group: prefix,
    topics: [
      eventBounds,
      createTopicBounds(admin, names.decisions, partitions),
      createTopicBounds(admin, names.batches, partitions),
      createTopicBounds(admin, names.deadLetters, deadLetterPartitions),
      createTopicBounds(admin, names.control, 1),
    ],
    sessionTimeoutMs,
    maxBytesPerPartition,
  })
  const lifetimeMs = Math.floor(sessionTimeoutMs * LIFETIME_SHARE)
  const produce = (topic: string) => createKafkaProducer({ connection, topic, compression, lifetimeMs })
  const producers = {
    events: produce(names.events),
    decisions: produce(names.decisions),
    batches: produce(names.batches),
    deadLetters: produce(names.deadLetters),
    control: produce(names.control),
  }
  const { feed, membership, close } = createKafkaEvents({
    connection,
    admin,
    bounds: eventBounds,
    producer: producers.events,
    partitions,
    groupId: `${prefix}engine`,
    node: options.node,
    addr: options.addr,
    now: options.now,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    maxWaitMs: options.maxWaitMs ?? MAX_WAIT_MS,
    maxBytesPerPartition,
    bufferBytes: options.bufferBytes ?? BUFFER_BYTES,
  })
  return {
    events: createTopicLog({ topic: names.events, partitions, producer: producers.events, reader }),
    decisions: createTopicLog({ topic: names.decisions, partitions, producer: producers.decisions, reader }),
    batches: createTopicLog({ topic: names.batches, partitions, producer: producers.batches, reader }),
    deadLetters: createTopicLog({
      topic: names.deadLetters,
      partitions: deadLetterPartitions,
      producer: producers.deadLetters,
      reader,
    }),
    control: createTopicLog({ topic: names.control, partitions: 1, producer: producers.control, reader }),
    feed,
    membership,
    facts,
    members: () => membersOf(admin, `${prefix}engine`, names.events),
    async hasPositions() {
      const stored = await admin.ask('the positions of the group cannot be read', (asked) =>
        asked.fetchOffsets({ groupId: `${prefix}engine`, topics: [names.events] }),
      )
      return stored.some(({ partitions: all }) => all.some(({ offset }) => Number(offset) >= 0))
    },
    async close() {
      await close()
      await Promise.all([reader.close(), ...Object.values(producers).map((producer) => producer.close())])
      await admin.close()
    },
  }
}
