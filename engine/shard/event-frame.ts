/**
 * A batch of log records as one ArrayBuffer, so that it crosses to a worker thread by moving instead of copying objects.
 * Per record (little endian): offset f64, append time f64, key length u8, value length u32, flags u8 (1: it came through our
 * own door), key (Latin-1), value.
 */
import assert from 'node:assert/strict'
import type { LogRecord } from '../../ingest/log.ts'

const headBytes = 22
const trusted = 1

/** Whether a record came through our own door, so that what only it may say counts. */
export type Trusts = (record: LogRecord) => boolean

/** A log that nobody else writes to. */
export const trustsAll: Trusts = () => true

/** How much of a partition's waiting records goes into one batch. */
export type FrameLimits = { readonly events: number; readonly customers: number; readonly bytes: number }

export type EventFrame = {
  readonly buffer: ArrayBuffer
  readonly events: number
  /** Whether records were left out because a limit was reached. */
  readonly cut: boolean
}

/**
 * Packs the first records within the limits, at least one. Customers are counted by the records' keys.
 * @param records ascending by offset, not empty
 */
export function packEvents(records: readonly LogRecord[], limits: FrameLimits, trusts: Trusts = trustsAll): EventFrame {
  assert(records.length > 0, 'a frame has at least one record')
  const keys = new Set<string>()
  let size = 0
  let count = 0
  for (const { key, value } of records) {
    const more = headBytes + Math.min(key.length, 255) + value.length
    keys.add(key)
    if (count > 0 && (count >= limits.events || keys.size > limits.customers || size + more > limits.bytes)) break
    size += more
    count++
  }
  const buffer = new ArrayBuffer(size)
  const out = Buffer.from(buffer)
  let at = 0
  for (let i = 0; i < count; i++) {
    const record = records[i]
    if (record === undefined) break
    const key = record.key.length > 255 ? record.key.slice(0, 255) : record.key
    out.writeDoubleLE(record.offset, at)
    out.writeDoubleLE(record.appendTime, at + 8)
    out[at + 16] = key.length
    out.writeUInt32LE(record.value.length, at + 17)
    out[at + 21] = trusts(record) ? trusted : 0
    out.write(key, at + headBytes, 'latin1')
    out.set(record.value, at + headBytes + key.length)
    at += headBytes + key.length + record.value.length
  }
  return { buffer, events: count, cut: count < records.length }
}

/** The bytes of each record of a frame. */
export function* frameValues(buffer: ArrayBuffer): Generator<Uint8Array> {
  const record = new EventCursor(buffer)
  while (record.next()) yield record.value
}

/**
 * Reads a frame record by record, without making an object a record: the cursor itself shows the one it stands on.
 * Objects that are made for a whole batch and live until its commit are what V8 learns to keep for long.
 */
export class EventCursor {
  readonly #bytes: Buffer
  #start = 0
  #end = 0

  constructor(buffer: ArrayBuffer) {
    this.#bytes = Buffer.from(buffer)
  }

  /** Moves to the next record; false behind the last. */
  next(): boolean {
    this.#start = this.#end
    if (this.#start >= this.#bytes.length) return false
    const keyLength = this.#bytes[this.#start + 16] ?? 0
    this.#end = this.#start + headBytes + keyLength + this.#bytes.readUInt32LE(this.#start + 17)
    return true
  }

  get offset(): number {
    return this.#bytes.readDoubleLE(this.#start)
  }

  get appendTime(): number {
    return this.#bytes.readDoubleLE(this.#start + 8)
  }

  /** Whether it came through our own door. */
  get isTrusted(): boolean {
    return this.#bytes[this.#start + 21] === trusted
  }

  get key(): string {
    const start = this.#start + headBytes
    return this.#bytes.toString('latin1', start, start + (this.#bytes[this.#start + 16] ?? 0))
  }

  /** The record's bytes, a view that lives as long as the frame. */
  get value(): Uint8Array {
    return this.#bytes.subarray(this.#start + headBytes + (this.#bytes[this.#start + 16] ?? 0), this.#end)
  }
}
