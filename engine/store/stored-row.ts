/**
 * The bytes of the store's rows: keys that sort by partition, customer rows, journal entries.
 *
 * A customer row is `base length + 1` (u32, 0: no base), the base, then each patch with its length (u32) in front. A journal
 * value is a sequence of entries: kind (u8), id length (u8), for patches the length (u32), the id, the patch.
 */
import assert from 'node:assert/strict'
import type { Stored } from '../state/states.ts'

/** Longest customer id, in bytes of ASCII. */
export const maxCustomerIdBytes = 64

/** Key of something of a partition named by ASCII text: a customer row, a header by its token. */
export function textKey(partition: number, text: string): Buffer {
  const key = Buffer.allocUnsafe(2 + text.length)
  key.writeUInt16BE(partition, 0)
  key.write(text, 2, 'latin1')
  return key
}

/** Key of something of a partition numbered by seq; sorts by seq. */
export function seqKey(partition: number, seq: number): Buffer {
  const key = Buffer.allocUnsafe(8)
  key.writeUInt16BE(partition, 0)
  key.writeUIntBE(seq, 2, 6)
  return key
}

/** The seq of a key made by `seqKey`. */
export function seqOf(key: Uint8Array): number {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUIntBE(2, 6)
}

/** First key above every key of the partition. */
export function endKey(partition: number): Buffer {
  const key = Buffer.allocUnsafe(2)
  key.writeUInt16BE(partition + 1, 0)
  return key
}

/** Encodes a customer row. */
export function encodeRow(stored: Stored): Buffer {
  let size = 4 + (stored.base?.length ?? 0)
  for (const patch of stored.patches) size += 4 + patch.length
  const row = Buffer.allocUnsafe(size)
  let at = row.writeUInt32LE(stored.base === null ? 0 : stored.base.length + 1, 0)
  if (stored.base !== null) {
    row.set(stored.base, at)
    at += stored.base.length
  }
  for (const patch of stored.patches) {
    at = row.writeUInt32LE(patch.length, at)
    row.set(patch, at)
    at += patch.length
  }
  return row
}

/** Decodes a customer row; base and patches are views into it. */
export function decodeRow(row: Uint8Array): { base: Uint8Array | null; patches: Uint8Array[] } {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength)
  const head = view.getUint32(0, true)
  let at = 4
  const base = head === 0 ? null : row.subarray(at, at + head - 1)
  if (head > 0) at += head - 1
  const patches: Uint8Array[] = []
  while (at < row.length) {
    const length = view.getUint32(at, true)
    at += 4
    patches.push(row.subarray(at, at + length))
    at += length
  }
  assert(at === row.length, 'a customer row ends with its last patch')
  return { base, patches }
}
