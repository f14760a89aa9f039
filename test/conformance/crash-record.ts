import type { NewRecord } from '../../ingest/log.ts'

/** The records every crash child appends: the value tells the number of the record within its partition. */
export function crashRecord(partition: number, number: number): NewRecord {
  return { key: `C${partition}-${number}`, value: Buffer.from(`${partition}:${number}:${'x'.repeat(number % 200)}`) }
}
