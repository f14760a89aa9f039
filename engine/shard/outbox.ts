/**
 * The outbox value of one commit: everything that has to leave for it, in one piece of bytes that is stored with the commit.
 *
 * Layout (little endian; texts are a length byte and Latin-1): version u8, seq f64, now f64, pack text, first and next offset
 * f64, counts of decisions, dead letters and duplicates u32 each; then per decision customer text, length u32, record; per
 * dead letter offset f64, append time f64, reason text, field text (empty: none), via text, customer text, length u32, record; per
 * duplicate its offset f64. Since version 2: count of settlements u32, then per settlement kind u8 (0 confirm, 1 lapse), resource text,
 * id text, amount f64. Since version 3: behind the version `what` u8 (1: it lets out more than its batch record), at the end the length u32 of
 * the batch record (0: none), and the record, encoded by `sinks/batch-codec.ts`.
 */
import assert from 'node:assert/strict'
import { type RejectReason, rejectReasons, type Via } from '../../ingest/event.ts'
import type { Settlement } from '../step/funnel/stock-view.ts'

const version = 3
const none = new Uint8Array(0)

/** A decision record to publish, encoded by `sinks/decision-codec.ts`. */
export type OutboxDecision = { readonly customerId: string; readonly bytes: Uint8Array }

/** An event that is not taken, with its bytes as they came. */
export type OutboxDeadLetter = {
  readonly offset: number
  readonly appendTime: number
  readonly reason: RejectReason
  /** Field the reason is about, when there is one. */
  readonly field: string | null
  /** How it reached us; `stream` when the record does not say. */
  readonly via: Via
  /** Key of the record in the log. */
  readonly customerId: string
  readonly bytes: Uint8Array
}

export type Outbox = {
  readonly seq: number
  /** The partition's clock when the batch was fixed. */
  readonly now: number
  readonly pack: string
  /** Events of the log this commit covers: `from` <= offset < `next`. */
  readonly from: number
  readonly next: number
  readonly decisions: readonly OutboxDecision[]
  readonly deadLetters: readonly OutboxDeadLetter[]
  /** Offsets of events that had come before. */
  readonly duplicates: readonly number[]
  /** What has to become of reserved units. */
  readonly settlements: readonly Settlement[]
  /** What the commit was made from, encoded; null in values of earlier releases. */
  readonly batch: Uint8Array | null
}

/** Whether a value lets out more than the record of its batch. */
export function letsOut(value: Uint8Array): boolean {
  return (value[0] ?? 0) < 3 || value[1] === 1
}

/**
 * Encodes an outbox value into an ArrayBuffer of its own, so that it can be transferred; null when nothing has to leave.
 */
export function encodeOutbox(outbox: Outbox): Uint8Array<ArrayBuffer> | null {
  const { decisions, deadLetters, duplicates, settlements, batch } = outbox
  const isMore = decisions.length + deadLetters.length + duplicates.length + settlements.length > 0
  if (!isMore && batch === null) return null
  let size = 2 + 8 + 8 + 1 + outbox.pack.length + 16 + 12 + duplicates.length * 8 + 4 + 4 + (batch?.length ?? 0)
  for (const { resource, id } of settlements) size += 1 + 1 + resource.length + 1 + id.length + 8
  for (const { customerId, bytes } of decisions) size += 1 + customerId.length + 4 + bytes.length
  for (const letter of deadLetters) {
    size +=
      16 +
      4 +
      letter.reason.length +
      (letter.field?.length ?? 0) +
      letter.via.length +
      letter.customerId.length +
      4 +
      letter.bytes.length
  }
  const value = new Uint8Array(new ArrayBuffer(size))
  const out = Buffer.from(value.buffer)
  let at = out.writeUInt8(version, 0)
  at = out.writeUInt8(isMore ? 1 : 0, at)
  at = out.writeDoubleLE(outbox.seq, at)
  at = out.writeDoubleLE(outbox.now, at)
  at = writeText(out, at, outbox.pack)
  at = out.writeDoubleLE(outbox.from, at)
  at = out.writeDoubleLE(outbox.next, at)
  at = out.writeUInt32LE(decisions.length, at)
  at = out.writeUInt32LE(deadLetters.length, at)
  at = out.writeUInt32LE(duplicates.length, at)
  for (const { customerId, bytes } of decisions) {
    at = writeText(out, at, customerId)
    at = writeBytes(out, at, bytes)
  }
  for (const letter of deadLetters) {
    at = out.writeDoubleLE(letter.offset, at)
    at = out.writeDoubleLE(letter.appendTime, at)
    at = writeText(out, at, letter.reason)
    at = writeText(out, at, letter.field ?? '')
    at = writeText(out, at, letter.via)
    at = writeText(out, at, letter.customerId)
    at = writeBytes(out, at, letter.bytes)
  }
  for (const offset of duplicates) at = out.writeDoubleLE(offset, at)
  at = out.writeUInt32LE(settlements.length, at)
  for (const { kind, resource, id, amount } of settlements) {
    at = out.writeUInt8(kind === 'confirm' ? 0 : 1, at)
    at = writeText(out, at, resource)
    at = writeText(out, at, id)
    at = out.writeDoubleLE(amount, at)
  }
  at = writeBytes(out, at, batch ?? none)
  assert(at === size, 'the computed size is what was written')
  return value
}

/** Decodes what `encodeOutbox` made; records are views into `value`. Other bytes are a bug or a torn store: it asserts. */
export function decodeOutbox(value: Uint8Array): Outbox {
  const reader = createReader(value)
  const written = reader.u8()
  assert(written >= 1 && written <= version, 'an outbox value of a known version')
  if (written >= 3) reader.u8()
  const seq = reader.f64()
  const now = reader.f64()
  const pack = reader.text()
  const from = reader.f64()
  const next = reader.f64()
  const counts = [reader.u32(), reader.u32(), reader.u32()]
  const decisions: OutboxDecision[] = []
  for (let i = 0; i < (counts[0] ?? 0); i++) decisions.push({ customerId: reader.text(), bytes: reader.bytes() })
  const deadLetters: OutboxDeadLetter[] = []
  for (let i = 0; i < (counts[1] ?? 0); i++) {
    const offset = reader.f64()
    const appendTime = reader.f64()
    const reason = reader.text()
    assert(isReason(reason), 'a reject reason of this release')
    const field = reader.text()
    const via = reader.text()
    assert(isVia(via), 'a way in of this release')
    const customerId = reader.text()
    deadLetters.push({
      offset,
      appendTime,
      reason,
      field: field === '' ? null : field,
      via,
      customerId,
      bytes: reader.bytes(),
    })
  }
  const duplicates: number[] = []
  for (let i = 0; i < (counts[2] ?? 0); i++) duplicates.push(reader.f64())
  const settlements: Settlement[] = []
  const settled = written === 1 ? 0 : reader.u32()
  for (let i = 0; i < settled; i++) {
    const kind = reader.u8() === 0 ? 'confirm' : 'lapse'
    settlements.push({ kind, resource: reader.text(), id: reader.text(), amount: reader.f64() })
  }
  const batch = written < 3 ? none : reader.bytes()
  assert(reader.atEnd(), 'an outbox value has nothing behind its end')
  const rest = { decisions, deadLetters, duplicates, settlements, batch: batch.length === 0 ? null : batch }
  return { seq, now, pack, from, next, ...rest }
}

const reasons: ReadonlySet<string> = new Set(rejectReasons)

function isReason(text: string): text is RejectReason {
  return reasons.has(text)
}

const vias = { http: true, import: true, stream: true, demo: true } as const satisfies Record<Via, true>

function isVia(text: string): text is Via {
  return Object.hasOwn(vias, text)
}

function writeText(out: Buffer, at: number, text: string): number {
  assert(text.length <= 255, 'texts of the outbox are short')
  out[at] = text.length
  return at + 1 + out.write(text, at + 1, 'latin1')
}

function writeBytes(out: Buffer, at: number, bytes: Uint8Array): number {
  out.writeUInt32LE(bytes.length, at)
  out.set(bytes, at + 4)
  return at + 4 + bytes.length
}

function createReader(value: Uint8Array) {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  let at = 0
  const take = (length: number): number => {
    at += length
    assert(at <= bytes.length, 'an outbox value is whole')
    return at - length
  }
  return {
    u8: () => bytes.readUInt8(take(1)),
    u32: () => bytes.readUInt32LE(take(4)),
    f64: () => bytes.readDoubleLE(take(8)),
    text: (): string => {
      const length = bytes.readUInt8(take(1))
      const start = take(length)
      return bytes.toString('latin1', start, start + length)
    },
    bytes: (): Uint8Array => {
      const length = bytes.readUInt32LE(take(4))
      const start = take(length)
      return value.subarray(start, start + length)
    },
    atEnd: () => at === bytes.length,
  }
}
