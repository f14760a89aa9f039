/**
 * What an erasure takes: the rows of the customer that were accepted up to it. Here in code, for rows on their way in, and in
 * SQL, for rows that are there. Both say the same; what comes after it is a new relation and stays.
 */
import { createHmac } from 'node:crypto'
import type { LoggedDecision } from './decision-row.ts'
import type { LoggedEvent } from './event-row.ts'

/** The event that erases a customer. */
export const erasureType = 'customer.erased'

/**
 * For so long after an erasure a live request may have been answered from what was known before it: the engine answers while an
 * event waits at most 60 s to be counted, and its clock is not the log's.
 */
const answeredFromBeforeMs = 65_000

/** The instant that decides about an event, Unix milliseconds: erased when it is not after the erasure. */
export function eventInstant({ place }: LoggedEvent): number {
  return place.appendTime
}

/** The instant that decides about a decision: of a request earlier by what may have waited, unless it knew of the erasure. */
export function decisionInstant({ decision }: LoggedDecision): number {
  const { cause, reason, acceptedAt } = decision
  return cause.kind === 'request' && reason !== 'erased' ? acceptedAt - answeredFromBeforeMs : acceptedAt
}

/** The tables that name customers, and the same instants as SQL. */
export const erasureTables = [
  { table: 'events_raw', instant: 'toUnixTimestamp64Milli(accepted_at)' },
  {
    table: 'decisions_raw',
    instant: `toUnixTimestamp64Milli(accepted_at) - if(cause_kind = 'request' AND reason != 'erased', ${answeredFromBeforeMs}, 0)`,
  },
] as const

/** A table that names customers. */
export type ErasureTable = (typeof erasureTables)[number]['table']

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
