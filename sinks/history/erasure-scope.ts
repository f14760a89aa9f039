/**
 * What an erasure takes: every row of the customer that was accepted up to `refusedUntil`. Before the erasure it was known, after it
 * the engine refuses it until its tombstone goes; what comes later still is a new relation and stays.
 */
import { createHmac } from 'node:crypto'
import { erasedForMs } from '../../ingest/erasure.ts'

/** Until when nothing of a customer is taken who was erased at an instant; both Unix milliseconds. */
export function refusedUntil(erasedAt: number): number {
  return erasedAt + erasedForMs
}

/** The tables that name customers. */
export const erasureTables = [
  'events_raw',
  'event_records_raw',
  'decisions_raw',
  'inputs_raw',
  'shadow_decisions_raw',
] as const

/** A table that names customers. */
export type ErasureTable = (typeof erasureTables)[number]

/** The instant of a row that decides about it, in each of them, as SQL: Unix milliseconds. */
export const acceptedSql = 'toUnixTimestamp64Milli(accepted_at)'

/** What is kept of an erased customer's id: nobody without the key can compare it with an id. 32 hexadecimal digits. */
export function customerHash(key: string, customerId: string): string {
  return hash(key, `customer ${customerId}`)
}

/** What is kept of the event that erased: a copy of it is recognised. */
export function erasureHash(key: string, { source, id }: { readonly source: string; readonly id: string }): string {
  return hash(key, `event ${source}\0${id}`)
}

function hash(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex').slice(0, 32)
}
