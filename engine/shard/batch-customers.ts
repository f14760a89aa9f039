import type { EventCodec } from '../../ingest/avro-codec.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { EventCursor } from './event-frame.ts'
import type { BatchTask } from './shard-port.ts'

/** Most distinct customers in one batch: a commit writes at most that many states. */
export const batchCustomersMax = 256

/** Most live requests of one batch, so that what it was made from fits a message of a broker. */
export const batchRequestsMax = 1_024

const idLengthMax = 64

/**
 * The customers whose states a batch needs: those of its live requests, those of whom something is due, then those of its records up to
 * the bound. Records
 * are believed to be keyed by their customer; only the first one is decoded, so that a batch always gets somewhere. A
 * record of a customer that is not here ends the batch before it. Customers of other partitions are left out: their states
 * are not here, and to load them would make them look new.
 *
 * @param next offset of the first record that counts
 * @param partitions of the log
 */
export function batchCustomers(
  task: BatchTask,
  {
    next,
    partitions,
    codec,
    due = [],
  }: {
    readonly next: number
    readonly partitions: number
    readonly codec: EventCodec
    readonly due?: readonly string[]
  },
): ReadonlySet<string> {
  const customers = new Set<string>()
  for (const { customerId } of task.requests) customers.add(customerId)
  for (const customerId of due) customers.add(customerId)
  if (task.events === null) return customers
  const record = new EventCursor(task.events)
  let isFirst = true
  while (record.next()) {
    if (record.offset < next) continue
    const customerId = isFirst ? firstCustomer(codec, record) : record.key
    isFirst = false
    if (customerId === null || customerId.length === 0 || customerId.length > idLengthMax) continue
    if (customers.has(customerId) || partitionOf(customerId, partitions) !== task.partition) continue
    if (customers.size >= batchCustomersMax) break
    customers.add(customerId)
  }
  return customers
}

function firstCustomer(codec: EventCodec, record: EventCursor): string | null {
  const decoded = codec.decode(record.value)
  return decoded.kind === 'ok' ? decoded.event.customerId : null
}
