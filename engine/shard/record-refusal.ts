import type { Event } from '../../ingest/event.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { isPrivileged } from '../../ingest/privileged.ts'

/**
 * Why the event of a record is refused for where it stands; null: it is not.
 * @param isTrusted whether the record came through our own door
 * @param partitions of the log
 */
export function recordRefusal(
  event: Event,
  isTrusted: boolean,
  partition: number,
  partitions: number,
): 'wrong_partition' | 'untrusted_source' | null {
  if (partitionOf(event.customerId, partitions) !== partition) return 'wrong_partition'
  return !isTrusted && isPrivileged(event) ? 'untrusted_source' : null
}
