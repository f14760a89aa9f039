/**
 * The resource port: what no customer owns and several may want at once, such as the stock of an offer, a budget, the cap of a
 * household, the bucket of a gateway. A unit is reserved under an id with a lease, and then confirmed or lapsed. Everything is
 * idempotent by id, so a caller that does not know how a call ended makes it again. Adapters pass `test/conformance/resource.ts`.
 */
import assert from 'node:assert/strict'

/** What is asked of a resource. */
export type Reservation = {
  /** Whole units, 1 or more. */
  readonly amount: number
  /** Until when they are kept without being confirmed; after `now`. Unix milliseconds. */
  readonly leaseUntil: number
  /** Unix milliseconds. */
  readonly now: number
}

export type ReserveReply =
  /** The units are kept, or had been under this id; the longer lease counts. */
  | { readonly kind: 'reserved' }
  /** So many are left, fewer than were asked for. Nothing is remembered: a later ask may succeed. */
  | { readonly kind: 'refused'; readonly left: number }
  /** Nobody has said how many there are. */
  | { readonly kind: 'not_defined' }

/** Units by which all that is reserved and confirmed passes the capacity now; above 0 somebody has to be told. */
export type ConfirmReply = { readonly kind: 'confirmed'; readonly oversold: number }

export type LapseReply =
  /** The units are free. */
  | { readonly kind: 'lapsed' }
  /** Too late: they are taken for good. */
  | { readonly kind: 'confirmed' }
  /** Nothing is reserved under this id, or not any more. */
  | { readonly kind: 'unknown' }

export type ResourceCount = {
  /** 0 when nobody has defined it. */
  readonly capacity: number
  readonly reserved: number
  readonly confirmed: number
  /** Units by which reserved and confirmed pass the capacity. */
  readonly oversold: number
}

/** A resource as a backup copies it; `null` units: nobody has defined it. */
export type ResourceTotals = { readonly name: string; readonly capacity: number | null }
/** `leaseUntil` null: confirmed. */
export type ResourceReservation = { readonly id: string; readonly amount: number; readonly leaseUntil: number | null }
/** Some reservations of a resource; a resource may come in several pieces, one after the other. */
export type ResourcePiece = ResourceTotals & { readonly reservations: readonly ResourceReservation[] }

/** Resources by name. Names and ids are 1 to 128 printable ASCII characters without spaces and braces. */
export type Resources = {
  /** Says how many units there are. Changing it leaves all reservations as they are. */
  define(resource: string, capacity: number): Promise<void>
  /**
   * Keeps units under an id, never more than there are: lapsed leases are freed first when too few are left, oldest first, up to
   * `sweepMax` of them.
   */
  reserve(resource: string, id: string, reservation: Reservation): Promise<ReserveReply>
  /**
   * Takes the units of an id for good. A reservation that is missing (it lapsed, or the store lost it) is made again with
   * `amount`, whatever is left: what was promised counts.
   */
  confirm(resource: string, id: string, amount: number): Promise<ConfirmReply>
  /** Gives the units of an id back. */
  lapse(resource: string, id: string): Promise<LapseReply>
  /** Frees leases that ended at or before `now`, oldest first, up to `sweepMax`; how many it freed. */
  sweep(resource: string, now: number): Promise<number>
  /** A hint, already old when it comes; null: nothing is known of it. */
  count(resource: string): Promise<ResourceCount | null>
  /**
   * Everything that is kept, for a backup, while it is used: a reservation that was there all the time is given once or more,
   * one that came or went meanwhile is or is not. Totals are not copied: they are the sums of the reservations.
   */
  all(): AsyncIterable<ResourcePiece>
  close(): Promise<void>
}

/** Leases freed by one call. */
export const sweepMax = 1_000

/** Most units a resource may have, and a call may ask for: sums of them stay exact. */
export const unitsMax = 10 ** 15

/** A name or id that breaks the contract is a bug. */
export function checkName(name: string): void {
  assert(/^[!-z|~]{1,128}$/.test(name), 'a resource and an id are 1 to 128 ASCII characters without spaces and braces')
}

/** A number of units that breaks the contract is a bug. */
export function checkUnits(units: number, least: 0 | 1): void {
  assert(Number.isInteger(units) && units >= least && units <= unitsMax, 'units are whole and bounded')
}

/** A reservation that breaks the contract is a bug. */
export function checkReservation({ amount, leaseUntil, now }: Reservation): void {
  checkUnits(amount, 1)
  assert(Number.isSafeInteger(leaseUntil) && Number.isSafeInteger(now), 'instants are whole milliseconds')
  assert(leaseUntil > now, 'a lease ends after now')
}

/** Units by which what is taken passes the capacity. */
export function oversoldOf(capacity: number, reserved: number, confirmed: number): number {
  return Math.max(0, reserved + confirmed - capacity)
}
