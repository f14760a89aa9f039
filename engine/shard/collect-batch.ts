import { decodeEvent } from '../../ingest/avro-codec.ts'
import type { Event } from '../../ingest/event.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { unpackEvents } from './event-frame.ts'
import type { OutboxDeadLetter } from './outbox.ts'
import type { BatchTask } from './shard-port.ts'

/** Most distinct customers in one batch: a commit writes at most that many states. */
export const batchCustomersMax = 256

/** A decoded batch: what to step, in order, and what cannot be stepped. */
export type CollectedBatch = {
  /** Every customer of the batch, each once. */
  readonly customers: ReadonlySet<string>
  readonly events: readonly {
    readonly event: Event
    readonly offset: number
    readonly appendTime: number
    readonly bytes: Uint8Array
  }[]
  readonly deadLetters: OutboxDeadLetter[]
  /** The offset behind the last record taken. */
  readonly next: number
  /** Append time of the last record taken. */
  readonly appendTime: number
}

/**
 * Decodes the inputs of a task: live requests all, records from `next` on until one more customer would be too many. A
 * record that is no event, or one of a customer of another partition, is a dead letter. Records below `next` are skipped.
 */
export function collectBatch(
  task: BatchTask,
  from: { readonly next: number; readonly appendTime: number },
  partitions: number,
): CollectedBatch {
  const customers = new Set<string>()
  for (const { customerId } of task.requests) customers.add(customerId)
  const events: { event: Event; offset: number; appendTime: number; bytes: Uint8Array }[] = []
  const deadLetters: OutboxDeadLetter[] = []
  let { next, appendTime } = from
  if (task.events === null) return { customers, events, deadLetters, next, appendTime }
  for (const record of unpackEvents(task.events)) {
    if (record.offset < next) continue
    const decoded = decodeEvent(record.value)
    const letter = { offset: record.offset, appendTime: record.appendTime, customerId: record.key, bytes: record.value }
    if (decoded.kind === 'dead_letter') {
      deadLetters.push({ ...letter, reason: decoded.reason, field: decoded.field, via: 'stream' })
    } else if (partitionOf(decoded.event.customerId, partitions) !== task.partition) {
      deadLetters.push({ ...letter, reason: 'wrong_partition', field: null, via: decoded.event.provenance.via })
    } else {
      const { customerId } = decoded.event
      if (!customers.has(customerId) && customers.size >= batchCustomersMax) break
      customers.add(customerId)
      events.push({ event: decoded.event, offset: record.offset, appendTime: record.appendTime, bytes: record.value })
    }
    next = record.offset + 1
    appendTime = Math.max(appendTime, record.appendTime)
  }
  return { customers, events, deadLetters, next, appendTime }
}
