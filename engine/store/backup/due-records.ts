/** The due index in a backup. */
import type { Due } from '../../state/states.ts'
import { isDueInstant } from '../check-commit.ts'
import { damaged } from './backup-error.ts'
import { type BackupRecord, textOf, textRecord } from './backup-record.ts'

/** An entry as a record. */
export function dueRecord(partition: number, { customerId, at }: Due): BackupRecord {
  return textRecord('due', customerId, String(at), partition)
}

/**
 * The instant of such a record, Unix milliseconds; 0: the customer has no entry.
 * @throws BackupError `backup_damaged`
 */
export function dueInstantOf(record: BackupRecord): number {
  const text = textOf(record)
  const at = Number(text)
  if (text !== String(at) || (at !== 0 && !isDueInstant(at))) {
    throw damaged('partitions.proffer', 'an entry of the due index has no instant')
  }
  return at
}

/** What a piece of a backup says of the due index, by partition: instants by customer, of several the last. */
export function dueByPartition(records: readonly BackupRecord[]): ReadonlyMap<number, ReadonlyMap<string, number>> {
  const found = new Map<number, Map<string, number>>()
  for (const record of records) {
    if (record.kind !== 'due') continue
    const own = found.get(record.partition) ?? new Map<string, number>()
    found.set(record.partition, own)
    own.set(record.key, dueInstantOf(record))
  }
  return found
}
