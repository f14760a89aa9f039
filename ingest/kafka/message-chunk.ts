import { Buffer } from 'node:buffer'
import type { KafkaMessage } from 'kafkajs'
import type { LogRecord } from '../log.ts'

/**
 * The records of one fetch, copied out of it: a message of kafkajs keeps the whole answer of the broker alive, with the records of
 * all other partitions, and is six objects. Records are made when they are read.
 */
export type MessageChunk = {
  readonly count: number
  /** Bytes it keeps in memory. */
  readonly bytes: number
  /** Keys and values, one record after the other. */
  readonly body: Buffer
  /** End of key and of value in `body`, two a record. */
  readonly ends: Uint32Array
  readonly offsets: Float64Array
  readonly appendTimes: Float64Array
  /** Null where no record has any. */
  readonly headers: readonly (Readonly<Record<string, string>> | undefined)[] | null
}

/** Of the objects of a chunk and of each record in it, beside keys and values. */
const CHUNK_OVERHEAD = 512
const RECORD_OVERHEAD = 24
const HEADER_OVERHEAD = 64

/** Packs messages, offsets rising; those below `from` are left out. A message without key or value has an empty one. */
export function packMessages(messages: readonly KafkaMessage[], from: number): MessageChunk {
  const skip = messages.findIndex((one) => Number(one.offset) >= from)
  const kept = skip === -1 ? [] : skip === 0 ? messages : messages.slice(skip)
  const count = kept.length
  let size = 0
  for (const { key, value } of kept) size += (key?.length ?? 0) + (value?.length ?? 0)
  const body = Buffer.allocUnsafeSlow(size)
  const ends = new Uint32Array(count * 2)
  const offsets = new Float64Array(count)
  const appendTimes = new Float64Array(count)
  let headers: (Readonly<Record<string, string>> | undefined)[] | null = null
  let headerBytes = 0
  let at = 0
  for (let i = 0; i < count; i++) {
    const message = kept[i]
    if (message === undefined) break
    if (message.key !== null) at += message.key.copy(body, at)
    ends[i * 2] = at
    if (message.value !== null) at += message.value.copy(body, at)
    ends[i * 2 + 1] = at
    offsets[i] = Number(message.offset)
    appendTimes[i] = Number(message.timestamp)
    const found = headersOf(message)
    if (found === undefined) continue
    headers ??= new Array(count)
    headers[i] = found
    for (const name in found) headerBytes += HEADER_OVERHEAD + name.length + (found[name]?.length ?? 0)
  }
  const bytes = CHUNK_OVERHEAD + size + count * RECORD_OVERHEAD + headerBytes
  return { count, bytes, body, ends, offsets, appendTimes, headers }
}

/** Index of the first record at or above an offset; `count` when there is none. */
export function indexOfOffset({ offsets, count }: MessageChunk, offset: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (offsets[middle]! < offset) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Appends records from index `skip` on to `into`, until it holds `maxRecords` or the next value would bring the values added
 * to more than `maxBytes`; always one record when `into` is empty. Values are views of the chunk. Returns the bytes of values added,
 * and whether it stopped at a limit.
 */
export function unpackMessages(
  chunk: MessageChunk,
  skip: number,
  limit: { readonly maxBytes: number; readonly maxRecords: number },
  into: LogRecord[],
): { readonly bytes: number; readonly stopped: boolean } {
  const { body, ends, offsets, appendTimes, headers } = chunk
  let bytes = 0
  for (let i = skip; i < chunk.count; i++) {
    const start = i === 0 ? 0 : ends[i * 2 - 1]!
    const keyEnd = ends[i * 2]!
    const end = ends[i * 2 + 1]!
    if (into.length >= limit.maxRecords || (into.length > 0 && bytes + end - keyEnd > limit.maxBytes)) {
      return { bytes, stopped: true }
    }
    bytes += end - keyEnd
    const key = body.toString('utf8', start, keyEnd)
    const value = body.subarray(keyEnd, end)
    const record = { offset: offsets[i]!, appendTime: appendTimes[i]!, key, value }
    const found = headers?.[i]
    into.push(found === undefined ? record : { ...record, headers: found })
  }
  return { bytes, stopped: false }
}

function headersOf({ headers }: KafkaMessage): Readonly<Record<string, string>> | undefined {
  let found: Record<string, string> | undefined
  for (const name in headers) {
    const value = headers[name]
    // A repeated name comes as a list; the last one counts.
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last === undefined || last === null) continue
    found ??= {}
    found[name] = last.toString()
  }
  return found
}
