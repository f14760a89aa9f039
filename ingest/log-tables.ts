import { Buffer } from 'node:buffer'
import type { Database, RootDatabase } from 'lmdb'
import type { Bounds, LogRecord } from './log.ts'
import { LogError } from './log.ts'
import { unpackChunk } from './log-chunk.ts'

/**
 * The stored form of a log in LMDB and how it is read; `lmdb-log.ts` writes it. For each log one table of chunks, keyed
 * partition (u16), offset of the first record (u48), append time of the last record (u48), stored bytes (u32), all big endian so that keys sort;
 * and one table of partition states, keyed partition (u16).
 */
export type LogTables = { readonly chunks: Database<Buffer, Buffer>; readonly states: Database<Buffer, Buffer> }

/** What is known of a partition without reading its chunks. */
export type PartitionState = {
  readonly start: number
  readonly end: number
  /** Append time of the last record ever taken, 0 before the first. */
  readonly lastAppendTime: number
  /** Stored bytes of the chunks kept, as `storedBytes` counts. */
  readonly bytes: number
}

export type ChunkKey = {
  readonly partition: number
  readonly firstOffset: number
  readonly lastAppendTime: number
  readonly bytes: number
}

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const
const CHUNK_KEY_BYTES = 18
const STATE_BYTES = 32
const EMPTY: PartitionState = { start: 0, end: 0, lastAppendTime: 0, bytes: 0 }
export const MAX_OFFSET = 2 ** 48 - 1

/** Most logs in one environment. */
export const MAX_LOGS = 16
/** Address space for the file, not disk: a bound far above any log's `maxBytes`. */
export const MAP_BYTES = 256 * 1024 ** 3

type Registry = Database<{ readonly format: number; readonly partitions: number }, string>
const FORMAT = 1

/** The table of logs of an environment; undefined when it is read-only and nothing was ever written. */
export function openRegistry(root: RootDatabase): Registry {
  return root.openDB({ name: 'logs', encoding: 'json' })
}

/**
 * Notes a log in the table of logs, or checks that it is the one noted.
 * @throws LogError `log_unavailable` when it was made with another number of partitions or in another format
 */
export async function registerLog(registry: Registry, name: string, partitions: number): Promise<void> {
  const known = registry.get(name)
  if (known === undefined) {
    await registry.put(name, { format: FORMAT, partitions })
    return
  }
  if (known.format === FORMAT && known.partitions === partitions) return
  throw new LogError(
    'log_unavailable',
    `log ${name} has format ${known.format} and ${known.partitions} partitions, asked for were ${FORMAT} and ${partitions}`,
    { retryable: false },
  )
}

/** Opens the tables of a log; undefined when the environment is read-only and has no such log. */
export function openLogTables(root: RootDatabase, name: string): LogTables | undefined {
  const chunks: Database<Buffer, Buffer> | undefined = root.openDB({ name: `${name}.chunks`, ...BINARY })
  const states: Database<Buffer, Buffer> | undefined = root.openDB({ name: `${name}.states`, ...BINARY })
  return chunks === undefined || states === undefined ? undefined : { chunks, states }
}

/** State of a partition, within the write transaction when inside one. */
export function readState(tables: LogTables, partition: number): PartitionState {
  const bytes = tables.states.getBinary(stateKey(partition))
  if (bytes === undefined) return EMPTY
  return {
    start: bytes.readDoubleLE(0),
    end: bytes.readDoubleLE(8),
    lastAppendTime: bytes.readDoubleLE(16),
    bytes: bytes.readDoubleLE(24),
  }
}

/** Puts the state of a partition; inside a write transaction only. */
export function writeState(tables: LogTables, partition: number, state: PartitionState): void {
  const bytes = Buffer.allocUnsafeSlow(STATE_BYTES)
  bytes.writeDoubleLE(state.start, 0)
  bytes.writeDoubleLE(state.end, 8)
  bytes.writeDoubleLE(state.lastAppendTime, 16)
  bytes.writeDoubleLE(state.bytes, 24)
  tables.states.putSync(stateKey(partition), bytes)
}

/**
 * Reads records of one partition, see `Log.read`. One snapshot: what other processes append meanwhile is not seen.
 * Values are views of at most 64 KB of memory shared by the records of a chunk.
 * @throws LogError `log_gap`
 */
export function readRecords(
  tables: LogTables,
  partition: number,
  from: number,
  limit: { readonly maxBytes: number; readonly maxRecords: number },
): readonly LogRecord[] {
  tables.chunks.resetReadTxn()
  const { start, end } = readState(tables, partition)
  if (from < start || from > end) {
    throw new LogError('log_gap', `offset ${from} of partition ${partition} is not between ${start} and ${end}`, {
      retryable: false,
    })
  }
  const records: LogRecord[] = []
  if (from === end || limit.maxRecords < 1) return records
  let bytesLeft = limit.maxBytes
  for (const { key, value } of tables.chunks.getRange({
    start: firstKeyFor(tables, partition, from),
    end: chunkKeyBytes({ partition, firstOffset: MAX_OFFSET, lastAppendTime: 0, bytes: 0 }),
  })) {
    const { firstOffset } = parseChunkKey(key)
    const skip = Math.max(0, from - firstOffset)
    const unpacked = unpackChunk(value, firstOffset, skip, { ...limit, maxBytes: bytesLeft }, records)
    bytesLeft -= unpacked.bytes
    if (unpacked.stopped || bytesLeft <= 0 || records.length >= limit.maxRecords) break
  }
  return records
}

/** Bounds of a partition as they are now, also by what other processes did. */
export function readBounds(tables: LogTables, partition: number): Bounds {
  tables.states.resetReadTxn()
  const { start, end } = readState(tables, partition)
  return { start, end }
}

/** Keys of the oldest chunks of a partition, oldest first, at most `limit`. */
export function oldestChunks(tables: LogTables, partition: number, limit: number): readonly ChunkKey[] {
  const range = { start: stateKey(partition), end: stateKey(partition + 1), limit }
  return Array.from(tables.chunks.getKeys(range), parseChunkKey)
}

/** What a value takes on disk, estimated: small values share pages, larger ones take whole pages of 4 KB. */
export function storedBytes(valueBytes: number): number {
  return valueBytes < 2_000 ? Math.ceil((valueBytes + 40) * 1.5) : Math.ceil((valueBytes + 16) / 4_096) * 4_096 + 64
}

export function chunkKeyBytes(key: ChunkKey): Buffer {
  const bytes = Buffer.allocUnsafeSlow(CHUNK_KEY_BYTES)
  bytes.writeUInt16BE(key.partition, 0)
  bytes.writeUIntBE(key.firstOffset, 2, 6)
  bytes.writeUIntBE(key.lastAppendTime, 8, 6)
  bytes.writeUInt32BE(key.bytes, 14)
  return bytes
}

export function parseChunkKey(bytes: Buffer): ChunkKey {
  return {
    partition: bytes.readUInt16BE(0),
    firstOffset: bytes.readUIntBE(2, 6),
    lastAppendTime: bytes.readUIntBE(8, 6),
    bytes: bytes.readUInt32BE(14),
  }
}

/** Key of the chunk that holds an offset: the last one that begins at or before it. */
function firstKeyFor(tables: LogTables, partition: number, offset: number): Buffer {
  const after = chunkKeyBytes({ partition, firstOffset: offset + 1, lastAppendTime: 0, bytes: 0 })
  const beforeAll = stateKey(partition)
  for (const key of tables.chunks.getKeys({ start: after, end: beforeAll, reverse: true, limit: 1 })) return key
  return after
}

function stateKey(partition: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(2)
  bytes.writeUInt16BE(partition, 0)
  return bytes
}
