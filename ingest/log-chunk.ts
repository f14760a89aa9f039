import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import type { LogRecord, NewRecord } from './log.ts'

/**
 * A chunk: consecutive records of one partition as one stored value, because a store's price is per entry.
 *
 * Layout, little endian: format (u8), flags (u8: 1 uniform, 2 with headers), 2 zero bytes, count (u32), append time of the first
 * record (f64); then for each record key length (u16) and value length (u32), with headers their length (u16) and, unless
 * uniform, its append time (f64); then for each record its key (UTF-8), its value and its headers (JSON).
 */
const FORMAT = 1
const UNIFORM = 1
const WITH_HEADERS = 2
const HEADER_BYTES = 16
const ENTRY_BYTES = 6
const HEADERS_LENGTH_BYTES = 2
const TIME_BYTES = 8

/** Longest key of a record, UTF-16 code units: a customer id has at most 64. */
export const MAX_KEY_LENGTH = 256

/** A record with the append time it got. */
export type StampedRecord = { readonly record: NewRecord; readonly appendTime: number }

/** Bytes of a record in a chunk, at most. */
export function chunkBytesOf(record: NewRecord): number {
  const headers = record.headers === undefined ? 0 : headersText(record).length * 3
  return ENTRY_BYTES + HEADERS_LENGTH_BYTES + TIME_BYTES + record.key.length * 3 + record.value.length + headers
}

/** Packs records, at least one, append times not decreasing. */
export function packChunk(records: readonly StampedRecord[]): Buffer {
  const first = records[0]
  assert(first !== undefined)
  const uniform = records.at(-1)?.appendTime === first.appendTime
  const withHeaders = records.some(({ record }) => record.headers !== undefined)
  const flags = (uniform ? UNIFORM : 0) | (withHeaders ? WITH_HEADERS : 0)
  const entryBytes = entryBytesOf(flags)
  let size = HEADER_BYTES + entryBytes * records.length
  for (const { record } of records) {
    size += Buffer.byteLength(record.key) + record.value.length
    if (withHeaders) size += Buffer.byteLength(headersText(record))
  }
  const chunk = Buffer.allocUnsafeSlow(size)
  chunk.writeUInt32LE(FORMAT | (flags << 8), 0)
  chunk.writeUInt32LE(records.length, 4)
  chunk.writeDoubleLE(first.appendTime, 8)
  let entry = HEADER_BYTES
  let body = HEADER_BYTES + entryBytes * records.length
  for (const { record, appendTime } of records) {
    assert(record.key.length <= MAX_KEY_LENGTH, 'key too long')
    const keyBytes = chunk.write(record.key, body)
    chunk.writeUInt16LE(keyBytes, entry)
    chunk.writeUInt32LE(record.value.length, entry + 2)
    chunk.set(record.value, body + keyBytes)
    body += keyBytes + record.value.length
    if (withHeaders) {
      const headersBytes = chunk.write(headersText(record), body)
      chunk.writeUInt16LE(headersBytes, entry + ENTRY_BYTES)
      body += headersBytes
    }
    if (!uniform) chunk.writeDoubleLE(appendTime, entry + entryBytes - TIME_BYTES)
    entry += entryBytes
  }
  assert(body === size)
  return chunk
}

function entryBytesOf(flags: number): number {
  const headers = (flags & WITH_HEADERS) === 0 ? 0 : HEADERS_LENGTH_BYTES
  return ENTRY_BYTES + headers + ((flags & UNIFORM) === 0 ? TIME_BYTES : 0)
}

function headersText({ headers }: NewRecord): string {
  return headers === undefined ? '' : JSON.stringify(headers)
}

/** Number of records in a chunk. */
export function chunkCount(chunk: Buffer): number {
  return chunk.readUInt32LE(4)
}

/**
 * Appends the records of a chunk from index `skip` on to `into`, until `into` holds `maxRecords` records or the next
 * value would bring the values added to more than `maxBytes`. Values are views of the chunk. Returns the bytes of values
 * added, and whether it stopped at a limit.
 */
export function unpackChunk(
  chunk: Buffer,
  firstOffset: number,
  skip: number,
  limit: { readonly maxBytes: number; readonly maxRecords: number },
  into: LogRecord[],
): { readonly bytes: number; readonly stopped: boolean } {
  assert(chunk[0] === FORMAT, 'chunk of another format')
  const flags = chunk[1] ?? 0
  const uniform = (flags & UNIFORM) !== 0
  const withHeaders = (flags & WITH_HEADERS) !== 0
  const count = chunkCount(chunk)
  const entryBytes = entryBytesOf(flags)
  const firstTime = chunk.readDoubleLE(8)
  let entry = HEADER_BYTES
  let body = HEADER_BYTES + entryBytes * count
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const keyBytes = chunk.readUInt16LE(entry)
    const valueBytes = chunk.readUInt32LE(entry + 2)
    const value = body + keyBytes
    const end = value + valueBytes
    const headersBytes = withHeaders ? chunk.readUInt16LE(entry + ENTRY_BYTES) : 0
    if (i >= skip) {
      if (into.length >= limit.maxRecords || (into.length > 0 && bytes + valueBytes > limit.maxBytes)) {
        return { bytes, stopped: true }
      }
      into.push({
        offset: firstOffset + i,
        appendTime: uniform ? firstTime : chunk.readDoubleLE(entry + entryBytes - TIME_BYTES),
        key: chunk.toString('utf8', body, value),
        value: chunk.subarray(value, end),
        ...(headersBytes > 0 ? { headers: JSON.parse(chunk.toString('utf8', end, end + headersBytes)) } : {}),
      })
      bytes += valueBytes
    }
    entry += entryBytes
    body = end + headersBytes
  }
  return { bytes, stopped: false }
}
