/** The logs on Kafka. */
import { topicNames } from '../../ingest/kafka/kafka-topics.ts'
import { SharedReader } from '../../ingest/kafka/shared-reader.ts'
import type { KafkaPlace } from './log-place.ts'
import type { CopySource, LogSource } from './log-source.ts'

/** Brokers are asked less often than a file: it is how late a quiet log's first record is seen. */
const pollMs = 500

/**
 * Joins the group and goes on trying.
 * @param share `all`: this process copies every partition. `group`: those that fall to it among the nodes' processes.
 */
export function kafkaSource(place: KafkaPlace, share: 'all' | 'group'): CopySource {
  const { prefix, partitions, node, clusterId } = place
  const topics = topicNames(prefix)
  const reader = new SharedReader({
    connection: place.connection,
    // A group of its own has one member: what was left of it by a kill has the same node name and counts no more.
    groupId: share === 'group' ? `${prefix}history` : `${prefix}history-${node}`,
    node,
    topics: [topics.events, topics.decisions, topics.batches],
    partitions,
    now: Date.now,
    sessionTimeoutMs: place.sessionTimeoutMs,
    maxBytesPerPartition: place.messageBytesMax,
  })
  const sourceOf = (topic: string): LogSource => ({
    name: `kafka ${clusterId} ${topic}`,
    partitions,
    read: (partition, from, limit) => reader.readOn(topic, partition, from, limit),
    bounds: () => reader.bounds(topic),
    done: (partition, next) => reader.done(topic, partition, next),
  })
  return {
    events: sourceOf(topics.events),
    decisions: sourceOf(topics.decisions),
    batches: sourceOf(topics.batches),
    pollMs,
    assigned: () => reader.assigned(),
    isCertain: () => reader.isCertain(),
    certainMs: place.sessionTimeoutMs / 2,
    failure: () => reader.failure(),
    close: () => reader.close(),
  }
}
