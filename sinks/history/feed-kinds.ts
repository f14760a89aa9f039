/** How events and decisions become rows, and which events erase. */
import { erasureType } from '../../ingest/erasure.ts'
import type { LogRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { isPrivileged } from '../../ingest/privileged.ts'
import { decodeBatch } from '../batch-codec.ts'
import type { Codecs } from '../codecs.ts'
import { batchColumns, inputColumns, inputsOf, type LoggedBatch } from './batch-row.ts'
import { codeOf } from './client.ts'
import { decisionColumns, type LoggedDecision } from './decision-row.ts'
import type { ErasedCustomers } from './erased-customers.ts'
import { eventColumns, type LoggedEvent } from './event-row.ts'
import { type FeedKind, feedTable } from './feed.ts'
import { bytesColumn, type Column, flagColumn, textColumn, uint16Column, wholeColumn } from './native-block.ts'

/** An event of the log with its bytes, whether it came through our own door, and whether it erases its customer. */
type CopiedEvent = LoggedEvent & { readonly erases: boolean; readonly ownDoor: boolean; readonly bytes: Uint8Array }

const subjectOf = ({ event, place }: LoggedEvent) => ({ customerId: event.customerId, acceptedAt: place.appendTime })

const eventRecordColumns: readonly Column<CopiedEvent>[] = [
  uint16Column('log_partition', ({ place }) => place.partition),
  wholeColumn('log_offset', 'UInt64', ({ place }) => place.offset),
  wholeColumn('accepted_at', "DateTime64(3, 'UTC')", ({ place }) => place.appendTime),
  flagColumn('own_door', ({ ownDoor }) => ownDoor),
  textColumn('customer_id', ({ event }) => event.customerId),
  bytesColumn('record', ({ bytes }) => bytes),
]

const eventTables = [
  feedTable('events_raw', eventColumns, (item: CopiedEvent) => [item], subjectOf),
  feedTable('event_records_raw', eventRecordColumns, (item: CopiedEvent) => [item], subjectOf),
]

const decisionTables = [
  feedTable(
    'decisions_raw',
    decisionColumns,
    (item: LoggedDecision) => [item],
    ({ decision }) => ({ customerId: decision.customerId, acceptedAt: decision.acceptedAt }),
  ),
]

const batchTables = [
  feedTable(
    'batches_raw',
    batchColumns,
    (item: LoggedBatch) => [item],
    () => null,
  ),
  feedTable('inputs_raw', inputColumns, inputsOf, ({ customerId, place }) => ({
    customerId,
    acceptedAt: place.appendTime,
  })),
]

export type EventFeedOptions = {
  readonly codecs: Codecs
  readonly partitions: number
  /** Whether a record came through our own door: on a log that others write to, only such a one erases. */
  readonly trusts: (record: LogRecord) => boolean
  readonly erased: ErasedCustomers
}

/**
 * Events. An erasure counts as it does for the engine: in its customer's partition, and trusted. Another one is an event like any
 * other.
 */
export function eventKind(options: EventFeedOptions): FeedKind<CopiedEvent> {
  const { codecs, partitions, trusts, erased } = options
  return {
    name: 'events',
    tables: eventTables,
    learn: codecs.learnEvents,
    decode(record, partition) {
      const decoded = codecs.events.decode(record.value)
      if (decoded.kind === 'dead_letter') return { reason: decoded.reason }
      const { event } = decoded
      const erases =
        event.type === erasureType && partitionOf(event.customerId, partitions) === partition && trusts(record)
      const place = { partition, offset: record.offset, appendTime: record.appendTime }
      const ownDoor = trusts(record)
      const trusted = !isPrivileged(event) || ownDoor
      return { item: { event, place, erases, trusted, ownDoor, bytes: record.value } }
    },
    customersOf: ({ event }) => [event.customerId],
    acceptedAtOf: ({ place }) => place.appendTime,
    async erase(items) {
      const erasing = items.filter(({ erases }) => erases)
      if (erasing.length === 0) return { rest: items, erasures: [] }
      return { rest: items.filter(({ erases }) => !erases), erasures: await erased.record(erasing) }
    },
  }
}

/** Decisions. */
export function decisionKind({ decisions, learnDecisions }: Codecs): FeedKind<LoggedDecision> {
  return {
    name: 'decisions',
    tables: decisionTables,
    learn: learnDecisions,
    decode(record, partition) {
      const place = { partition, offset: record.offset, appendTime: record.appendTime }
      try {
        return { item: { decision: decisions.decode(record.value), place } }
      } catch (error) {
        if (codeOf(error) === 'decision_undecodable') return { reason: 'decision_undecodable' }
        throw error
      }
    },
    customersOf: ({ decision }) => [decision.customerId],
    acceptedAtOf: ({ decision }) => decision.acceptedAt,
    erase: async (rest) => ({ rest, erasures: [] }),
  }
}

/** What commits were made from. */
export function batchKind(): FeedKind<LoggedBatch> {
  return {
    name: 'batches',
    tables: batchTables,
    learn: () => null,
    decode(record, partition) {
      const place = { partition, offset: record.offset, appendTime: record.appendTime }
      try {
        return { item: { batch: decodeBatch(record.value), place } }
      } catch (error) {
        if (codeOf(error) === 'batch_undecodable') return { reason: 'batch_undecodable' }
        throw error
      }
    },
    customersOf: (item) => inputsOf(item).map(({ customerId }) => customerId),
    acceptedAtOf: ({ place }) => place.appendTime,
    erase: async (rest) => ({ rest, erasures: [] }),
  }
}
