/**
 * The due index of the embedded store: a table in the order in which things are due, and one that finds a customer's entry in it.
 * An entry that stays where it was is not written again.
 */
import type { Database } from 'lmdb'
import type { Due } from '../state/states.ts'
import { endKey, textKey } from './stored-row.ts'

/** The two tables, always changed in one transaction. */
export type DueTables = {
  /** Partition, instant, customer id; the key says everything. */
  readonly order: Database<Uint8Array, Buffer>
  /** Partition and customer id: the instant. */
  readonly of: Database<Uint8Array, Buffer>
}

/** A change of one customer's entry, laid out before the transaction begins. */
export type DueMove = {
  readonly customer: Buffer
  readonly before: Buffer | null
  readonly after: { readonly key: Buffer; readonly instant: Buffer } | null
}

const headBytes = 2
const instantBytes = 8
const present = Buffer.of(1)

/** What has to be written so that the index says the changes (instants by customer, 0: none), given what is stored now. */
export function planDue(tables: DueTables, partition: number, changes: ReadonlyMap<string, number>): DueMove[] {
  const moves: DueMove[] = []
  for (const [customerId, at] of changes) {
    const customer = textKey(partition, customerId)
    const stored = tables.of.get(customer)
    const before = stored === undefined ? 0 : decodeInstant(stored)
    if (before === at) continue
    moves.push({
      customer,
      before: before === 0 ? null : orderKey(partition, before, customerId),
      after: at === 0 ? null : { key: orderKey(partition, at, customerId), instant: encodeInstant(at) },
    })
  }
  return moves
}

/** Writes planned changes; to be called within a transaction. */
export function writeDue(tables: DueTables, moves: readonly DueMove[]): void {
  for (const { customer, before, after } of moves) {
    if (before !== null) tables.order.remove(before)
    if (after === null) {
      tables.of.remove(customer)
    } else {
      tables.order.put(after.key, present)
      tables.of.put(customer, after.instant)
    }
  }
}

/** The first entries of a partition, by instant and then by id. */
export function firstDue(tables: DueTables, partition: number, limit: number): Due[] {
  if (limit === 0) return []
  const range = { start: textKey(partition, ''), end: endKey(partition), limit }
  return [...tables.order.getKeys(range)].map((stored) => {
    const key = Buffer.from(stored)
    return { customerId: key.toString('latin1', headBytes + instantBytes), at: key.readDoubleBE(headBytes) }
  })
}

/** The instant of a value of `of`. */
export function decodeInstant(value: Uint8Array): number {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).readDoubleBE(0)
}

/** Doubles that are not negative sort by their bytes, highest first. */
function encodeInstant(at: number): Buffer {
  const bytes = Buffer.allocUnsafe(instantBytes)
  bytes.writeDoubleBE(at, 0)
  return bytes
}

function orderKey(partition: number, at: number, customerId: string): Buffer {
  const key = Buffer.allocUnsafe(headBytes + instantBytes + customerId.length)
  key.writeUInt16BE(partition, 0)
  key.writeDoubleBE(at, headBytes)
  key.write(customerId, headBytes + instantBytes, 'latin1')
  return key
}
