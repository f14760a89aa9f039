/** How events and decisions become rows, and which events erase. */
import { erasureType } from '../../ingest/erasure.ts'
import type { LogRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { isPrivileged } from '../../ingest/privileged.ts'
import type { Codecs } from '../codecs.ts'
import { codeOf } from './client.ts'
import { decisionColumns, type LoggedDecision } from './decision-row.ts'
import type { ErasedCustomers } from './erased-customers.ts'
import { eventColumns, type LoggedEvent } from './event-row.ts'
import type { FeedKind } from './feed.ts'

/** An event of the log, and whether it erases its customer. */
type CopiedEvent = LoggedEvent & { readonly erases: boolean }

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
    columns: eventColumns,
    learn: codecs.learnEvents,
    decode(record, partition) {
      const decoded = codecs.events.decode(record.value)
      if (decoded.kind === 'dead_letter') return { reason: decoded.reason }
      const { event } = decoded
      const erases =
        event.type === erasureType && partitionOf(event.customerId, partitions) === partition && trusts(record)
      const place = { partition, offset: record.offset, appendTime: record.appendTime }
      return { item: { event, place, erases, trusted: !isPrivileged(event) || trusts(record) } }
    },
    customerIdOf: ({ event }) => event.customerId,
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
    columns: decisionColumns,
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
    customerIdOf: ({ decision }) => decision.customerId,
    acceptedAtOf: ({ decision }) => decision.acceptedAt,
    erase: async (rest) => ({ rest, erasures: [] }),
  }
}
