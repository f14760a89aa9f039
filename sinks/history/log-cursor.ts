/** Where the writer stands in one log, and the next records from there. */
import type { Log, LogRecord } from '../../ingest/log.ts'
import { codeOf } from './client.ts'

/** What the writer needs of a log. */
export type LogSource = Pick<Log, 'partitions' | 'read' | 'bounds'>

/** Records that were read but not yet inserted, and the positions to keep once they are. */
export type Taken = {
  readonly records: readonly { readonly partition: number; readonly record: LogRecord }[]
  readonly next: ReadonlyMap<number, number>
}

export type LogCursor = {
  /** Records between the position and the log's present end. Moves over gaps. */
  lag(): Promise<number>
  /** Reads on, at most `rowsMax` records and about `bytesMax` bytes, shared fairly among the partitions. */
  take(limit: { readonly rowsMax: number; readonly bytesMax: number }): Promise<Taken>
  /** Keeps the positions after the rows are in. */
  advance(taken: Pick<Taken, 'next'>): void
  /** Present ends of all partitions. */
  ends(): Promise<readonly number[]>
  /** Whether every partition has reached these ends. */
  reached(ends: readonly number[]): boolean
  /** Records that retention removed before they were copied. */
  skipped(): number
}

/**
 * A cursor over a log.
 * @param start positions by partition; a missing one starts at the first record kept
 */
export function createLogCursor({
  source,
  start,
}: {
  readonly source: LogSource
  readonly start: ReadonlyMap<number, number>
}): LogCursor {
  const next = Array.from({ length: source.partitions }, (_, partition) => start.get(partition) ?? 0)
  const known = new Set(start.keys())
  let skipped = 0

  // A position outside the log: retention overtook us (go on where it starts), or the log was made anew.
  async function settle(partition: number): Promise<number> {
    const { start: first, end } = await source.bounds(partition)
    const at = next[partition] ?? 0
    if (at < first) skipped += known.has(partition) ? first - at : 0
    if (at < first || at > end) next[partition] = first
    return end
  }

  async function readFrom(partition: number, from: number, limit: { maxBytes: number; maxRecords: number }) {
    try {
      return await source.read(partition, from, limit)
    } catch (error) {
      if (codeOf(error) !== 'log_gap') throw error
      return null
    }
  }

  return {
    async lag() {
      let records = 0
      for (let partition = 0; partition < next.length; partition++) {
        records += (await settle(partition)) - (next[partition] ?? 0)
      }
      return records
    },
    async take({ rowsMax, bytesMax }) {
      const records: Taken['records'][number][] = []
      const reached = new Map<number, number>()
      let bytesLeft = bytesMax
      let rowsLeft = rowsMax
      // Equal shares first; what quiet partitions leave over goes to the busy ones in the second round.
      for (const parts of [next.length, 1]) {
        for (let partition = 0; partition < next.length && rowsLeft > 0 && bytesLeft > 0; partition++) {
          const from = reached.get(partition) ?? next[partition] ?? 0
          const limit = {
            maxRecords: Math.min(rowsLeft, Math.ceil(rowsMax / parts)),
            maxBytes: Math.min(bytesLeft, Math.ceil(bytesMax / parts)),
          }
          const read: readonly LogRecord[] | null = await readFrom(partition, from, limit)
          if (read === null) await settle(partition)
          for (const record of read ?? []) {
            records.push({ partition, record })
            bytesLeft -= record.value.length
            rowsLeft--
            reached.set(partition, record.offset + 1)
          }
        }
      }
      return { records, next: reached }
    },
    advance(taken) {
      for (const [partition, offset] of taken.next) {
        next[partition] = offset
        known.add(partition)
      }
    },
    async ends() {
      const ends: number[] = []
      for (let partition = 0; partition < next.length; partition++) ends.push((await source.bounds(partition)).end)
      return ends
    },
    reached: (ends) => ends.every((end, partition) => (next[partition] ?? 0) >= end),
    skipped: () => skipped,
  }
}
