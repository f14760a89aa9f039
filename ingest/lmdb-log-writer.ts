import assert from 'node:assert'
import { createGroupCommit, type Outcome } from './group-commit.ts'
import { translateWriteError } from './lmdb-errors.ts'
import { type Appended, LogError, type NewRecord } from './log.ts'
import { chunkBytesOf, packChunk, type StampedRecord } from './log-chunk.ts'
import {
  type ChunkKey,
  chunkKeyBytes,
  type LogTables,
  oldestChunks,
  type PartitionState,
  readState,
  storedBytes,
  writeState,
} from './log-tables.ts'

export type LmdbLogOptions = {
  /** Name of the log in its environment, such as `events`: 1 to 64 characters of `a-z 0-9 _ -`. */
  readonly name: string
  /** 1 to 1,024; fixed when the log is made. */
  readonly partitions: number
  /** Clock of append times, Unix milliseconds. */
  readonly now: () => number
  /** Records older than this are dropped. */
  readonly retentionMs: number
  /** Most bytes of the whole log on disk; beyond it appends are refused with `log_full`. */
  readonly maxBytes: number
  /** Most bytes of one partition: beyond it its oldest records are dropped whatever their age. Absent: age alone decides. */
  readonly retentionBytes?: number
  /** How often the log drops what is too old, milliseconds; 60,000 when absent. */
  readonly trimEveryMs?: number
}

/** The writing half of a log on LMDB: group commit, the limit, retention. */
export type LogWriter = {
  append(partition: number, records: readonly NewRecord[]): Promise<Appended>
  onAppend(listener: (partition: number) => void): () => void
  trim(): Promise<number>
  /** Refuses what comes after, and resolves when what came before is durable. */
  close(): Promise<void>
  /** @throws LogError `log_closed` */
  assertOpen(): void
}

/** Chunks are cut at this size: a seek copies one chunk. */
const CHUNK_BYTES = 64 * 1024
const CHUNK_RECORDS = 4_096
/** Most bytes of one transaction, so that a burst is committed in steps. A single append may be larger. */
const COMMIT_BYTES = 4 * 1024 * 1024
/** Most bytes that wait for a commit; beyond it appends are refused and may be tried again. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024
/** Chunks dropped in one transaction. */
const TRIM_STEP_CHUNKS = 256
const TRIM_EVERY_MS = 60_000

type Append = { readonly partition: number; readonly records: readonly NewRecord[]; readonly bytes: number }

/** Makes the writer of a log whose environment is in `dir`. */
export function createLogWriter(tables: LogTables, options: LmdbLogOptions, dir: string): LogWriter {
  const listeners = new Set<(partition: number) => void>()
  let trimming: Promise<number> | null = null
  let closed = false
  const timer = setInterval(() => void trim().catch(() => {}), options.trimEveryMs ?? TRIM_EVERY_MS)
  timer.unref()
  const group = createGroupCommit<Append, Appended>({
    groupBytes: COMMIT_BYTES,
    waitingBytes: WAITING_BYTES_MAX,
    overloaded: () => new LogError('log_unavailable', 'too many appends wait for the disk', { retryable: true }),
    commit: (batch) => transact(() => writeBatch(tables, batch, options)),
  })

  async function transact<T>(action: () => T): Promise<T> {
    try {
      return await tables.chunks.childTransaction(action)
    } catch (cause) {
      throw await translateWriteError(cause, dir)
    }
  }

  async function append(partition: number, records: readonly NewRecord[]): Promise<Appended> {
    assert(Number.isInteger(partition) && partition >= 0 && partition < options.partitions, 'no such partition')
    assert(records.length > 0, 'an append has records')
    if (closed) throw closedError()
    let bytes = 0
    for (const record of records) bytes += chunkBytesOf(record)
    const appended = await group.add({ partition, records, bytes }, bytes)
    for (const listener of listeners) listener(partition)
    return appended
  }

  function trim(): Promise<number> {
    if (closed) return Promise.reject(closedError())
    trimming ??= trimAll(tables, options, transact, () => closed).finally(() => {
      trimming = null
    })
    return trimming
  }

  return {
    append,
    onAppend(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    trim,
    async close() {
      closed = true
      clearInterval(timer)
      await group.idle()
      await trimming?.catch(() => 0)
    },
    assertOpen() {
      if (closed) throw closedError()
    },
  }
}

/** Inside the transaction: stamps, cuts into chunks and puts what fits; says of each append where it went. */
function writeBatch(
  tables: LogTables,
  batch: readonly Append[],
  options: LmdbLogOptions,
): readonly Outcome<Appended>[] {
  const now = options.now()
  let bytesLeft = options.maxBytes - totalBytes(tables, options.partitions)
  const open = new Map<number, OpenPartition>()
  const outcomes = batch.map(({ partition, records, bytes }): Outcome<Appended> => {
    const cost = storedBytes(bytes)
    if (cost > bytesLeft) return { kind: 'failed', error: fullError() }
    bytesLeft -= cost
    const into = open.get(partition) ?? { state: readState(tables, partition), stamped: [] }
    open.set(partition, into)
    const firstOffset = into.state.end + into.stamped.length
    let lastAppendTime = into.stamped.at(-1)?.appendTime ?? into.state.lastAppendTime
    for (const record of records) {
      lastAppendTime = Math.max(lastAppendTime, Math.trunc(record.appendTime ?? now))
      into.stamped.push({ record, appendTime: lastAppendTime })
    }
    return { kind: 'done', result: { firstOffset, lastOffset: firstOffset + records.length - 1 } }
  })
  for (const [partition, { state, stamped }] of open) {
    const bytes = state.bytes + putChunks(tables, partition, state.end, stamped)
    const lastAppendTime = stamped.at(-1)?.appendTime ?? state.lastAppendTime
    writeState(tables, partition, { ...state, end: state.end + stamped.length, lastAppendTime, bytes })
  }
  return outcomes
}

/** A partition in a transaction: as it was, and what comes on top. */
type OpenPartition = { readonly state: PartitionState; readonly stamped: StampedRecord[] }

function putChunks(tables: LogTables, partition: number, from: number, stamped: readonly StampedRecord[]): number {
  let stored = 0
  let at = 0
  while (at < stamped.length) {
    let bytes = 0
    let until = at
    while (until < stamped.length && until - at < CHUNK_RECORDS) {
      const one = stamped[until]
      assert(one !== undefined)
      const cost = chunkBytesOf(one.record)
      if (until > at && bytes + cost > CHUNK_BYTES) break
      bytes += cost
      until++
    }
    const records = stamped.slice(at, until)
    const chunk = packChunk(records)
    const lastAppendTime = records.at(-1)?.appendTime ?? 0
    const key = { partition, firstOffset: from + at, lastAppendTime, bytes: storedBytes(chunk.length) }
    tables.chunks.putSync(chunkKeyBytes(key), chunk)
    stored += key.bytes
    at = until
  }
  return stored
}

function totalBytes(tables: LogTables, partitions: number): number {
  let bytes = 0
  for (let partition = 0; partition < partitions; partition++) bytes += readState(tables, partition).bytes
  return bytes
}

/** Drops every overdue chunk, a step at a time, until the log closes; the number of records that went. */
async function trimAll(
  tables: LogTables,
  options: LmdbLogOptions,
  transact: <T>(action: () => T) => Promise<T>,
  isClosed: () => boolean,
): Promise<number> {
  // A reader that was killed leaves its place taken, which would keep dropped chunks on the disk for ever.
  tables.chunks.readerCheck()
  let records = 0
  for (let partition = 0; partition < options.partitions; partition++) {
    for (;;) {
      // Looked at before the transaction, so that a trim with nothing to do writes nothing.
      if (isClosed() || overdueChunks(tables, partition, options).length === 0) break
      const step = await transact(() => dropOverdue(tables, partition, options))
      records += step.records
      if (step.chunks < TRIM_STEP_CHUNKS) break
    }
  }
  return records
}

/** The oldest chunks of a partition whose every record is past the retention, at most one step of them. */
function overdueChunks(tables: LogTables, partition: number, options: LmdbLogOptions): readonly ChunkKey[] {
  const { bytes } = readState(tables, partition)
  const keepFrom = options.now() - options.retentionMs
  const overdue: ChunkKey[] = []
  let left = bytes
  for (const key of oldestChunks(tables, partition, TRIM_STEP_CHUNKS)) {
    if (key.lastAppendTime >= keepFrom && left <= (options.retentionBytes ?? Number.POSITIVE_INFINITY)) break
    overdue.push(key)
    left -= key.bytes
  }
  return overdue
}

/** Inside the transaction: drops one step of overdue chunks. */
function dropOverdue(
  tables: LogTables,
  partition: number,
  options: LmdbLogOptions,
): { readonly records: number; readonly chunks: number } {
  const overdue = overdueChunks(tables, partition, options)
  if (overdue.length === 0) return { records: 0, chunks: 0 }
  const state = readState(tables, partition)
  let { bytes } = state
  for (const key of overdue) {
    tables.chunks.removeSync(chunkKeyBytes(key))
    bytes -= key.bytes
  }
  const [next] = oldestChunks(tables, partition, 1)
  const start = next?.firstOffset ?? state.end
  writeState(tables, partition, { ...state, start, bytes })
  return { records: start - state.start, chunks: overdue.length }
}

function closedError(): LogError {
  return new LogError('log_closed', 'the log is closed', { retryable: false })
}

function fullError(): LogError {
  return new LogError('log_full', 'the log holds as much as it may', { retryable: true })
}
