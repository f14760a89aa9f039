import type { Log, LogRecord } from '../../ingest/log.ts'
import type { Meta } from '../store/store.ts'

/** What the decisions log says of a partition that was just taken. */
export type Scan = {
  /** Ids of decisions that are out although the store does not know it yet: they need no publishing. */
  readonly out: ReadonlySet<string>
  /** Highest commit number among decisions whose commits the store lost; null: it lost none. */
  readonly lostTo: number | null
  /** Where the log ended. */
  readonly end: number
}

const limit = { maxBytes: 1024 * 1024, maxRecords: 4_096 } as const

/** Records of the batches log that are looked at together. */
const batchLimit = { maxBytes: 1024 * 1024, maxRecords: 256 } as const

/**
 * Reads the batches log back from its end, until what the header knows to be published.
 * @returns the highest number of a commit that the store lost although it was told already; null: there is none
 * @throws LogError
 */
export async function scanBatches(
  batches: Pick<Log, 'read' | 'bounds'>,
  partition: number,
  meta: Meta,
): Promise<number | null> {
  const { start, end } = await batches.bounds(partition)
  let lostTo: number | null = null
  for (let to = end; to > start; ) {
    const from = Math.max(start, to - batchLimit.maxRecords)
    let isKnown = false
    for await (const record of recordsBetween(batches, partition, { from, end: to })) {
      const seq = seqOf(record)
      if (seq === null) continue
      if (isLost(meta, seq)) lostTo = Math.max(lostTo ?? 0, seq)
      else if (seq <= meta.published) isKnown = true
    }
    if (isKnown) break
    to = from
  }
  return lostTo
}

/**
 * Reads the decisions log from where the header says to its end. Take the partition first: from then on only the previous
 * owner's last records, of commits that were applied, may still come.
 * @throws LogError
 */
export async function scanDecisions(
  decisions: Pick<Log, 'read' | 'bounds'>,
  partition: number,
  meta: Meta,
): Promise<Scan> {
  const { end } = await decisions.bounds(partition)
  const out = new Set<string>()
  let lostTo: number | null = null
  for await (const record of recordsBetween(decisions, partition, { from: meta.dpos, end })) {
    const seq = seqOf(record)
    if (seq === null) continue
    if (isLost(meta, seq)) lostTo = Math.max(lostTo ?? 0, seq)
    else if (seq > meta.published) out.add(record.headers?.['id'] ?? '')
  }
  return { out, lostTo, end }
}

/** The decisions whose commits the store lost, in the order of the log. */
export async function* lostDecisions(
  decisions: Pick<Log, 'read' | 'bounds'>,
  partition: number,
  meta: Meta,
  end: number,
): AsyncGenerator<LogRecord> {
  for await (const record of recordsBetween(decisions, partition, { from: meta.dpos, end })) {
    const seq = seqOf(record)
    if (seq !== null && isLost(meta, seq)) yield record
  }
}

/** Whether the store does not know of a commit that had left: it is behind it, or in the middle of adopting it. */
function isLost({ seq: stored, adopting }: Meta, seq: number): boolean {
  if (adopting !== null && seq > adopting.from && seq <= adopting.to) return true
  return seq > stored
}

/** Number of the commit that let a decision out; null for a record that is none of ours. */
function seqOf(record: LogRecord): number | null {
  const seq = Number(record.headers?.['seq'] ?? Number.NaN)
  return Number.isSafeInteger(seq) && seq > 0 ? seq : null
}

async function* recordsBetween(
  log: Pick<Log, 'read' | 'bounds'>,
  partition: number,
  { from, end }: { readonly from: number; readonly end: number },
): AsyncGenerator<LogRecord> {
  // Retention may have dropped the oldest of them: they are older than anything a consumer may still act on.
  let at = Math.max(from, (await log.bounds(partition)).start)
  while (at < end) {
    const found = await log.read(partition, at, limit)
    const last = found.at(-1)
    if (last === undefined) return
    for (const record of found) if (record.offset < end) yield record
    at = last.offset + 1
  }
}
