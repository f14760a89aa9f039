/**
 * The port between the step and the customers' states of one shard: flat memory, no JavaScript object a customer.
 *
 * Every mutator changes the state in place and writes the same change as an operation to the slot's open patch, so that
 * what is stored (base + patches) replays to what is in memory by construction. A patch says what changed in the state, by
 * definition keys, never by pack positions. Nothing here reads a clock: all instants are arguments.
 */
import type { Layout } from '../../rules/compiled.ts'
import type { SourceTable } from '../../rules/source-table.ts'

/** Position of a cached customer; valid until the end of the batch that obtained it. */
export type Slot = number

/** A customer as the store keeps it: the whole value and the patches appended since. `base` null: only patches so far. */
export type Stored = { readonly base: Uint8Array | null; readonly patches: readonly Uint8Array[] }

/** What a commit has to write for one customer. A base replaces the old base and all `patches` before it. */
export type Write =
  | { readonly kind: 'patch'; readonly customerId: string; readonly index: number; readonly bytes: Uint8Array }
  | { readonly kind: 'base'; readonly customerId: string; readonly bytes: Uint8Array; readonly patches: number }
  /** Everything of the customer goes. `at`: the instant of the erasure, Unix milliseconds. */
  | { readonly kind: 'erase'; readonly customerId: string; readonly at: number }

/** When something of a customer is due next. `at`: Unix milliseconds; 0: nothing is. */
export type Due = { readonly customerId: string; readonly at: number }

/** Class of what is no contact but kept among them: a claim on resources. Its `decision` is a number of its own. */
export const claimClass = 3

/** A contact that was decided. Keys are 32-bit hashes of ids (`hash32`), so they outlive a pack. */
export type Contact = {
  readonly at: number
  readonly channel: number
  readonly category: number
  readonly offer: number
  /** 0 regulatory, 1 service, 2 marketing, 3 (`claimClass`) a claim. */
  readonly class: number
  /** First 53 bits of the decision id, as an integer. */
  readonly decision: number
  /** From this instant on it does not count unless it was confirmed; 0: it counts. */
  readonly until: number
  /** Whether the customer reacted to it: clicked, accepted or dismissed. */
  readonly answered: boolean
  /** Whether it was recalled: it counts no longer, unless its message was sent all the same. */
  readonly recalled: boolean
}

/** An answer that is remembered: when it was given, and the keys of its offers, best first. */
export type GivenAnswer = { readonly at: number; readonly offers: readonly number[] }

/** What waits for quiet hours to end: the offers of a trigger, to be looked at again. */
export type Held = {
  /** When it is due. */
  readonly at: number
  /** From this instant on it is not worth sending any more. */
  readonly expiresAt: number
  /** 32-bit hashes of the ids of trigger and placement. */
  readonly trigger: number
  readonly placement: number
  /** The decision that held it first: its id in four parts of 32 bits. */
  readonly origin: readonly [number, number, number, number]
}

/** How a feature's value is known: exact, between two bounds, or not at all. */
export type FeatureClass = 'exact' | 'bounded' | 'unknown'

export type States = {
  readonly layout: Layout
  /** Slot of a cached customer, or -1. */
  find(customerId: string): Slot
  /**
   * Takes a customer in: decodes the base, replays the patches; `null` makes a new, empty state. Evicts the customers
   * longest unused, never one that is dirty or was touched in the open batch.
   * @throws Error with code `cache_full` when everything is pinned, `state_corrupt` when the bytes do not decode
   */
  load(partition: number, customerId: string, stored: Stored | null): Slot
  /** Starts a batch of a partition: what is touched from now on is pinned until `installed` or `discard`. */
  begin(partition: number): void
  /** The writes that bring the store up to memory, one for each customer changed since `begin`. Bytes are copies. */
  writes(partition: number): Write[]
  /** The commit was applied: the changes are the state now. */
  installed(partition: number): void
  /** The commit was not applied or the partition was lost: forgets every cached customer of the partition. */
  discard(partition: number): void
  /**
   * Number of cached customers and bytes in use, to compare with the bound; of the whole memory when other caches share it, and with
   * what customers hold who were discarded a moment ago.
   */
  usage(): { readonly customers: number; readonly bytes: number; readonly maxBytes: number }
  /** Bytes of one customer's decoded state. */
  bytesOf(slot: Slot): number
  /** Whether the customer is above the hard limit: nothing more is taken in for it, its events are dead-lettered `state_too_large`. */
  isTooLarge(slot: Slot): boolean
  /** The whole state as a base would store it. */
  encode(slot: Slot): Uint8Array

  /** Remembers an event id (its 64-bit hash in two halves); false: it was seen before, a duplicate. Forgets after `dedupeMs`. */
  remember(slot: Slot, idHigh: number, idLow: number, acceptedAt: number): boolean
  /** Sets a profile attribute; NaN clears it. An `at` older than the present one changes nothing. */
  setAttribute(slot: Slot, attribute: number, value: number, at: number): void
  /** Adds an event to a series; late ones go where they belong. */
  addEntry(slot: Slot, series: number, at: number, value: number): void
  /** A guardrail's suppression from `at` to `until`; a longer one wins. `key` is the guardrail's. */
  suppress(slot: Slot, key: number, at: number, until: number): void
  /** Ends a suppression that began at or before `at`. */
  lift(slot: Slot, key: number, at: number): void
  /** When the suppression ends, 0 when there is none (a past instant means: over). */
  suppressedUntil(slot: Slot, key: number): number

  /**
   * An event of a type came and could not be taken: from now on no window that it may lie in is complete. `key`: 32 bits of the hash of
   * its id. See `missing.ts` for how many are told apart.
   */
  miss(slot: Slot, type: string, key: number, at: number): void
  /** The event was counted after all. Nothing changes when it is not known to be missing. */
  found(slot: Slot, type: string, key: number): void
  /** How many events are kept as missing, those beyond the bound put together. */
  missingCount(slot: Slot): number

  /** Notes that data of an origin (`sourceKey`, `consentKey`) went into the state by an event of a type (`typeKey`). */
  feed(slot: Slot, origin: number, type: number, at: number): void
  /** The customer takes an origin back: what it fed until `at` is unknown from now on. Or allows it again, for what comes after `at`. */
  markOrigin(slot: Slot, origin: number, mark: 'revoked' | 'allowed', at: number): void
  /** Whether the customer has taken an origin back. */
  isRevoked(slot: Slot, origin: number): boolean
  /** Which sources may be used, and what for, from now on. Until it is called all may be. */
  judgeSources(table: SourceTable): void
  /** The purposes that some of the customer's data may not be used for, a bit each (`purposes`); 0 for nearly everybody. */
  limitsOf(slot: Slot): number
  /** Calls `visit` with each origin that may have fed what a variable reads, as `evaluate` would read it. */
  originsOf(slot: Slot, variable: number, asOf: number, visit: (origin: number) => void): void

  addContact(slot: Slot, contact: Contact): void
  /** Gives a slot back (message failed); false when no such contact is known. */
  removeContact(slot: Slot, decision: number): boolean
  /** The contacts of a decision count for good: their message went out. False when there is none that did not before. */
  confirmContact(slot: Slot, decision: number): boolean
  /** The customer reacted to the contacts of a decision; false when there is none that was not answered before. */
  answerContact(slot: Slot, decision: number): boolean
  /**
   * Takes back the contacts of a decision that are not confirmed: they count no longer, but are known, so that a message that was sent
   * all the same counts again. `prefix`: the first 52 bits of its id (`recallDigits`). False when there is none that was not recalled before.
   */
  recallContact(slot: Slot, prefix: number): boolean
  contactCount(slot: Slot): number
  /** The i-th contact, oldest first, written into `into` (reused by the caller). */
  contactAt(slot: Slot, i: number, into: { -readonly [K in keyof Contact]: Contact[K] }): void

  /** Holds a trigger's offers; of two for one trigger and placement the later one stays. False when too many are held. */
  hold(slot: Slot, held: Held): boolean
  /** Lets go of what a trigger holds for a placement; false when it holds nothing. */
  letGo(slot: Slot, trigger: number, placement: number): boolean
  /** What is held, in the order it is due. */
  heldOf(slot: Slot): readonly Held[]
  /** When something of the customer is due next; 0: nothing is. */
  nextDue(slot: Slot): number
  /** Whose next due instant changed in the open batch of a partition, and to what; 0: nothing is due any more. */
  dues(partition: number): readonly Due[]

  /** Remembers what a request was answered (offer keys); the last 8 within 10 minutes are kept. */
  rememberAnswer(slot: Slot, idHigh: number, idLow: number, at: number, offers: readonly number[]): void
  /** The offers a request was answered with, or null. */
  answerOf(slot: Slot, idHigh: number, idLow: number, now: number): GivenAnswer | null

  /** Remembers a decision of an event that left although its commit was lost. */
  adopt(slot: Slot, decision: number): void
  /** Whether a decision of an event is adopted and its event has not come by again. */
  isAdopted(slot: Slot, decision: number): boolean
  /** Whether a decision of an event was adopted; then it is forgotten, as its event does not come by once more. */
  settle(slot: Slot, decision: number): boolean

  /** Empties the customer's state and marks it erased at an instant: nothing may be changed in it afterwards. */
  erase(slot: Slot, at: number): void
  /** When the customer was erased; 0: not. */
  erasedAt(slot: Slot): number
  /** Marks a customer that was just loaded from nothing as erased earlier. */
  markErased(slot: Slot, at: number): void

  /**
   * Fills the frame at the indexes `reads` (attributes and features; others are left alone): windows end at `asOf`,
   * attribute validity is judged at `now`. Unknown is [-Infinity, +Infinity]: also what holds data of a source that may not be used at
   * `now`, or that the customer took back.
   * @param purposes bits of `purposes` that data has to be usable for, all of them; 0 or none: whatever it may be used for
   */
  evaluate(
    slot: Slot,
    asOf: number,
    now: number,
    reads: readonly number[],
    lo: Float64Array,
    hi: Float64Array,
    purposes?: number,
  ): void
  /** How variable `variable` is known, given the frame `evaluate` filled. */
  classOf(variable: number, lo: Float64Array, hi: Float64Array): FeatureClass
}
