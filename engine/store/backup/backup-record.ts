/**
 * A record of a backup, and the bytes of several: each is its length (u32), kind (u8), partition (u16), length of the key
 * (u16), key (ASCII), value. Little endian.
 */
import assert from 'node:assert/strict'

/** Kinds and their numbers in the bytes; a number is never given to another kind. */
const kindNumbers = {
  /** A customer: key the id, value base and patches (`redis/state-value.ts`). A later one of the same customer replaces it. */
  state: 1,
  /** The customer has no state any more: key the id. */
  gone: 2,
  /** Key the seq, value what has to leave. */
  outbox: 3,
  /** Key the tombstone, value its instant, decimal. */
  tombstone: 4,
  /** The header, JSON without owner. The last record of its partition. */
  header: 5,
  /** Key the hash, value the pack's JSON. */
  pack: 6,
  /** Key the name, value `ResourceTotals` in JSON. Its reservations follow before the next resource. */
  resource: 7,
  /** Key the id, value `ResourceReservation` in JSON. */
  reservation: 8,
  /** The installation's record, JSON. */
  cluster: 9,
  /** Ends a file: key the number of records before it. */
  end: 10,
  /** Key the sealed alias, value whose it is and since when, JSON. */
  alias: 11,
  /** A customer without aliases for good: key its sealed id, value until when that is known, JSON. */
  forgotten: 12,
  /** When something of a customer is due next: key the id, value the instant, decimal; 0: nothing is. A later one replaces it. */
  due: 13,
} as const

export type RecordKind = keyof typeof kindNumbers

/** One thing that is kept, named alike for every store. */
export type BackupRecord = {
  readonly kind: RecordKind
  /** 0 for what belongs to none. */
  readonly partition: number
  /** Up to 300 ASCII characters; empty where there is only one. */
  readonly key: string
  readonly value: Uint8Array
}

const kinds: ReadonlyMap<number, RecordKind> = new Map(
  Object.keys(kindNumbers)
    .filter(isKind)
    .map((kind) => [kindNumbers[kind], kind] as const),
)

const headBytes = 9
const keyBytesMax = 300

/** Bytes of a record. */
export function recordBytes({ key, value }: BackupRecord): number {
  return headBytes + key.length + value.length
}

/** Writes a record; returns where the next one begins. */
export function writeRecord(into: Buffer, at: number, record: BackupRecord): number {
  const { kind, partition, key, value } = record
  assert(key.length <= keyBytesMax, 'a key is short')
  into.writeUInt32LE(recordBytes(record) - 4, at)
  into.writeUInt8(kindNumbers[kind], at + 4)
  into.writeUInt16LE(partition, at + 5)
  into.writeUInt16LE(key.length, at + 7)
  into.write(key, at + headBytes, 'latin1')
  into.set(value, at + headBytes + key.length)
  return at + recordBytes(record)
}

/** The records of a block, values as views into it; null when they are not whole, or of a kind this release does not know. */
export function readRecords(block: Buffer): BackupRecord[] | null {
  const records: BackupRecord[] = []
  let at = 0
  while (at < block.length) {
    if (block.length - at < headBytes) return null
    const end = at + 4 + block.readUInt32LE(at)
    const kind = kinds.get(block.readUInt8(at + 4))
    const value = at + headBytes + block.readUInt16LE(at + 7)
    if (kind === undefined || value > end || end > block.length) return null
    const partition = block.readUInt16LE(at + 5)
    const key = block.toString('latin1', at + headBytes, value)
    records.push({ kind, partition, key, value: block.subarray(value, end) })
    at = end
  }
  return records
}

/** A record whose value is text. */
export function textRecord(kind: RecordKind, key: string, text: string, partition = 0): BackupRecord {
  return { kind, partition, key, value: Buffer.from(text) }
}

/** The value of a record as text. */
export function textOf({ value }: BackupRecord): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
}

function isKind(name: string): name is RecordKind {
  return Object.hasOwn(kindNumbers, name)
}
