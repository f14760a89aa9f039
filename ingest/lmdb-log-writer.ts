import assert from 'node:assert'
import { type Appended, LogError, type NewRecord } from './log.ts'
import { chunkBytesOf, packChunk, type StampedRecord } from './log-chunk.ts'
import {
  type ChunkKey,
  chunkKeyBytes,
  type LogTables,
  oldestChunks,
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

type Waiting = {
  readonly partition: number
  readonly records: readonly NewRecord[]
  readonly bytes: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: LogError) => void
}

/** What became of one append inside a transaction that committed. */
type Taken = { readonly waiting: Waiting; readonly appended: Appended | null }

export function createLogWriter(tables: LogTables, options: LmdbLogOptions): LogWriter {
  const listeners = new Set<(partition: number) => void>()
  let waiting: Waiting[] = []
  let waitingBytes = 0
  let committing: Promise<void> | null = null
  let trimming: Promise<number> | null = null
  let closed = false
  const timer = setInterval(() => void trim().catch(() => {}), options.trimEveryMs ?? TRIM_EVERY_MS)
  timer.unref()

  function append(partition: number, records: readonly NewRecord[]): Promise<Appended> {
    assert(Number.isInteger(partition) && partition >= 0 && partition < options.partitions, 'no such partition')
    assert(records.length > 0, 'an append has records')
    if (closed) return Promise.reject(closedError())
    let bytes = 0
    for (const record of records) bytes += chunkBytesOf(record)
    if (waitingBytes + bytes > WAITING_BYTES_MAX && waiting.length > 0) {
      return Promise.reject(new LogError('log_unavailable', 'too many appends wait for the disk', { retryable: true }))
    }
    return new Promise((resolve, reject) => {
      waiting.push({ partition, records, bytes, resolve, reject })
      waitingBytes += bytes
      committing ??= commitAll()
    })
  }

  /** Commits until nothing waits: what arrives during a commit is the next one. */
  async function commitAll(): Promise<void> {
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = takeBatch()
      try {
        const taken = await tables.chunks.childTransaction(() => writeBatch(tables, batch, options))
        for (const { waiting: one, appended } of taken) settle(one, appended)
      } catch (cause) {
        const error = await translate(cause)
        for (const one of batch) one.reject(error)
      }
    }
    committing = null
  }

  function takeBatch(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    while (count < waiting.length && (count === 0 || bytes + (waiting[count]?.bytes ?? 0) <= COMMIT_BYTES)) {
      bytes += waiting[count]?.bytes ?? 0
      count++
    }
    const batch = waiting.slice(0, count)
    waiting = waiting.slice(count)
    waitingBytes -= bytes
    return batch
  }

  function settle(one: Waiting, appended: Appended | null): void {
    if (appended === null) {
      one.reject(fullError('the log holds as much as it may'))
      return
    }
    one.resolve(appended)
    for (const listener of listeners) listener(one.partition)
  }

  function trim(): Promise<number> {
    if (closed) return Promise.reject(closedError())
    trimming ??= trimAll().finally(() => {
      trimming = null
    })
    return trimming
  }

  async function trimAll(): Promise<number> {
    let records = 0
    for (let partition = 0; partition < options.partitions; partition++) {
      for (;;) {
        if (closed) return records
        const step = await trimStep(partition)
        records += step.records
        if (step.chunks < TRIM_STEP_CHUNKS) break
      }
    }
    return records
  }

  async function trimStep(partition: number): Promise<{ readonly records: number; readonly chunks: number }> {
    // Looked at before the transaction, so that a trim with nothing to do writes nothing.
    if (overdueChunks(tables, partition, options).length === 0) return { records: 0, chunks: 0 }
    try {
      return await tables.chunks.childTransaction(() => dropOverdue(tables, partition, options))
    } catch (cause) {
      throw await translate(cause)
    }
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
      await committing
      await trimming?.catch(() => 0)
    },
    assertOpen() {
      if (closed) throw closedError()
    },
  }
}

/** Inside the transaction: stamps, cuts into chunks and puts what fits; says of each append where it went. */
function writeBatch(tables: LogTables, batch: readonly Waiting[], options: LmdbLogOptions): readonly Taken[] {
  const now = options.now()
  let bytesLeft = options.maxBytes - totalBytes(tables, options.partitions)
  const taken: Taken[] = []
  for (const [partition, appends] of Map.groupBy(batch, (one) => one.partition)) {
    const state = readState(tables, partition)
    let { end, lastAppendTime } = state
    const stamped: StampedRecord[] = []
    for (const one of appends) {
      const cost = storedBytes(one.bytes)
      if (cost > bytesLeft) {
        taken.push({ waiting: one, appended: null })
        continue
      }
      bytesLeft -= cost
      for (const record of one.records) {
        lastAppendTime = Math.max(lastAppendTime, Math.trunc(record.appendTime ?? now))
        stamped.push({ record, appendTime: lastAppendTime })
      }
      taken.push({ waiting: one, appended: { firstOffset: end, lastOffset: end + one.records.length - 1 } })
      end += one.records.length
    }
    const bytes = putChunks(tables, partition, state.end, stamped)
    if (stamped.length > 0) writeState(tables, partition, { ...state, end, lastAppendTime, bytes: state.bytes + bytes })
  }
  return taken
}

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

function fullError(message: string, cause?: unknown): LogError {
  return new LogError('log_full', message, { retryable: true, cause })
}

/** Codes of a full disk, a full quota, a file that may not grow, and a full map (`MDB_MAP_FULL`). */
const FULL_CODES: ReadonlySet<unknown> = new Set([28, 122, 27, -30792, 'ENOSPC', 'EDQUOT', 'EFBIG'])

/** The LMDB error as the port's: `log_full` when there is no room, else `log_unavailable`. */
async function translate(cause: unknown): Promise<LogError> {
  const error = await commitErrorOf(cause)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const text = error instanceof Error ? error.message : ''
  if (FULL_CODES.has(code) || /no space|MDB_MAP_FULL|too large|quota/i.test(text)) {
    return fullError('the disk of the log has no room', error)
  }
  return new LogError('log_unavailable', 'the log cannot be written', { retryable: true, cause: error })
}

/** A failed commit carries its reason in a promise of its own, which rejects. */
async function commitErrorOf(cause: unknown): Promise<unknown> {
  if (!(cause instanceof Error) || !('commitError' in cause)) return cause
  try {
    await Promise.race([cause.commitError, new Promise((resolve) => setTimeout(resolve, 1_000).unref())])
    return cause
  } catch (error) {
    return error
  }
}
