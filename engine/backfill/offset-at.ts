import type { Log } from '../../ingest/log.ts'

/** What is asked of a log to find a place in it. */
export type SearchedLog = Pick<Log, 'read' | 'bounds'>

const one = { maxRecords: 1, maxBytes: 1 } as const

/**
 * Offset of the first record of a partition that was appended at or after an instant; the end when there is none. Some thirty reads.
 * @throws LogError
 */
export async function offsetAt(log: SearchedLog, partition: number, atMs: number): Promise<number> {
  let { start: low, end: high } = await log.bounds(partition)
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    // The first one at or behind the middle: offsets may have holes.
    const [record] = await log.read(partition, middle, one)
    if (record === undefined || record.appendTime >= atMs) high = middle
    else low = record.offset + 1
  }
  return low
}

/** When the first record at or behind an offset was appended; null: there is none. */
export async function appendTimeAt(log: SearchedLog, partition: number, offset: number): Promise<number | null> {
  const [record] = await log.read(partition, offset, one)
  return record?.appendTime ?? null
}
