import { type KafkaLogOptions, type KafkaLogs, openKafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import type { TopicOptions } from '../../../ingest/kafka/kafka-topics.ts'

export type OpenOptions = Partial<Omit<KafkaLogOptions, 'topics'>> & Partial<TopicOptions> & { readonly prefix: string }

/** Opens the logs of a deployment on a test broker, with short time limits. */
export function openLogs(broker: { readonly brokers: readonly string[] }, options: OpenOptions): Promise<KafkaLogs> {
  const { prefix, partitions = 2, create = true, retentionMs = 86_400_000, ...rest } = options
  return openKafkaLogs({
    connection: { brokers: broker.brokers, clientId: 'proffer-test' },
    topics: { prefix, partitions, create, retentionMs },
    node: 'a',
    addr: () => '127.0.0.1:1',
    now: () => Date.now(),
    sessionTimeoutMs: 3_000,
    rebalanceTimeoutMs: 3_000,
    ...rest,
  })
}
