/** Topics on a test broker with events and decisions to put into them, and the histories of several nodes over them. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import type { KafkaConnection } from '../../../ingest/kafka/kafka-connection.ts'
import type { KafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import type { Log, NewRecord } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { encodeDecision } from '../../../sinks/decision-codec.ts'
import { type History, type HistoryOptions, startHistory } from '../../../sinks/history/start-history.ts'
import { openLogs } from '../../ingest/kafka/open-logs.ts'
import { copyMigratedHistory, migratedRetentionDays } from '../../parts/migrated-history.ts'
import { testErasure } from './history-world.ts'

export type KafkaWorld = {
  readonly prefix: string
  readonly logs: KafkaLogs
  addEvents(events: readonly Event[], sign?: (record: NewRecord) => NewRecord): Promise<void>
  addDecisions(decisions: readonly Decision[]): Promise<void>
  /** The history of a node; its data directory is the node's and stays for its next start. */
  start(node: string, options?: Partial<HistoryOptions>, connection?: Partial<KafkaConnection>): Promise<History>
  dispose(): Promise<void>
}

export async function createKafkaWorld(brokers: readonly string[], partitions = 4): Promise<KafkaWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-history-kafka-'))
  const prefix = `${randomUUID()}.`
  const logs = await openLogs({ brokers }, { prefix, partitions })
  const started: History[] = []

  async function add(log: Log, records: readonly NewRecord[]): Promise<void> {
    const byPartition = Map.groupBy(records, ({ key }) => partitionOf(key, partitions))
    await Promise.all(Array.from(byPartition, ([partition, own]) => log.append(partition, own)))
  }
  return {
    prefix,
    logs,
    addEvents: (events, sign = (record) => record) =>
      add(
        logs.events,
        events.map((event) => sign({ key: event.customerId, value: encodeEvent(event) })),
      ),
    addDecisions: (decisions) =>
      add(
        logs.decisions,
        decisions.map((decision) => ({ key: decision.customerId, value: encodeDecision(decision) })),
      ),
    async start(node, options = {}, connection = {}) {
      if (options.url === undefined) await copyMigratedHistory(join(dir, node))
      const history = await startHistory({
        dataDir: join(dir, node),
        log: {
          kind: 'kafka',
          connection: { brokers, clientId: `proffer-history-${node}`, ...connection },
          clusterId: logs.facts.clusterId,
          prefix,
          partitions,
          node,
          sessionTimeoutMs: 3_000,
          messageBytesMax: Math.max(...logs.facts.topics.map((one) => one.maxMessageBytes)),
        },
        erasure: testErasure,
        retentionDays: migratedRetentionDays,
        flushEveryMs: 200,
        settleMs: 300,
        ...options,
      })
      started.push(history)
      return history
    },
    async dispose() {
      await Promise.all(started.map((history) => history.stop(3_000)))
      await logs.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
