import assert from 'node:assert/strict'
import type { Layout } from '../../rules/compiled.ts'
import { addAdopted, isAdoptedIn, removeAdopted } from './adopted.ts'
import { ANSWER_OFFERS_MAX, addAnswer } from './answers.ts'
import { addContactTo, answerContactIn, confirmContactIn, recallContactIn, removeContactFrom } from './contacts.ts'
import type { Heap } from './heap.ts'
import { HIGH } from './heap.ts'
import { addHeld, removeHeld } from './held.ts'
import { type ALLOWED, feedIn, markIn, type REVOKED, renewIn } from './origins.ts'
import type { RecordShape } from './record.ts'
import {
  ADOPTED,
  ADOPTED_N,
  ANSWERS,
  ANSWERS_USED,
  blockAt,
  blockOf,
  CONTACTS,
  CONTACTS_N,
  ERASED_AT,
  HELD,
  HELD_N,
  ID_LENGTH,
  ORIGINS,
  ORIGINS_N,
  RING,
  RING_IDS,
  SERIES_BYTES,
  SUPPRESSIONS,
  SUPPRESSIONS_N,
} from './record.ts'
import { appendId, isRemembered } from './ring.ts'
import { addToSeries, contentBytes, ENTRIES, giveSeries, lowerBound, PANES_AT } from './series.ts'
import type { SeriesRules } from './series-rules.ts'
import type { Contact, Held } from './states.ts'
import { liftIn, suppressIn } from './suppressions.ts'

/** A series is not bounded further than this by the soft limit. */
const SMALLEST_BOUND = 16
const INSTANT_MAX = 65536 * HIGH

/** How often something had to go because a bound was full within its horizon; of this process, not of the state. */
export type Overflows = { eventIds: number; contacts: number; softLimit: number; adopted: number }

/**
 * What can happen to a customer's record. Each method is deterministic in the record and its arguments and returns whether
 * the record changed: only then is it written to the patch, and replaying the patch calls the same methods.
 */
export class Mutations {
  readonly #overflows: Overflows
  readonly #heap: Heap
  readonly #shape: RecordShape
  readonly #rules: readonly SeriesRules[]
  readonly #dedupeMs: number
  readonly #contactsMs: number
  readonly #softLimit: number

  /** @param overflows counted here */
  constructor(
    heap: Heap,
    shape: RecordShape,
    layout: Layout,
    rules: readonly SeriesRules[],
    softLimitBytes: number,
    overflows: Overflows,
  ) {
    assert(layout.dedupeMs >= 0 && layout.dedupeMs < HIGH / 2, 'event ids are remembered for less than 24 days')
    this.#heap = heap
    this.#shape = shape
    this.#rules = rules
    this.#dedupeMs = layout.dedupeMs
    this.#contactsMs = layout.contactsMs
    this.#softLimit = softLimitBytes
    this.#overflows = overflows
  }

  /** False: the id is known, nothing changed. */
  remember(r: number, idHigh: number, idLow: number, acceptedAt: number): boolean {
    assertInstant(acceptedAt)
    if (isRemembered(this.#heap, r, idHigh, idLow, acceptedAt, this.#dedupeMs)) return false
    if (!appendId(this.#heap, r, idHigh, idLow, acceptedAt, this.#dedupeMs)) this.#overflows.eventIds++
    return true
  }

  setAttribute(r: number, attribute: number, value: number, at: number): boolean {
    assertInstant(at)
    assert(attribute >= 0 && attribute < this.#shape.attributes, 'the attribute is of this layout')
    const { f64 } = this.#heap
    const setAt = r + this.#shape.setAts + attribute
    if (at < f64[setAt]!) return false
    f64[setAt] = at
    // + 0 turns -0 into 0: they are one value, and stored as one.
    f64[r + this.#shape.values + attribute] = Math.abs(value) === Number.POSITIVE_INFINITY ? Number.NaN : value + 0
    return true
  }

  /** An entry without a finite value does not belong to a series of values: nothing changes. */
  addEntry(r: number, series: number, at: number, value: number): boolean {
    assertInstant(at)
    assert(series >= 0 && series < this.#shape.series, 'the series is of this layout')
    const rules = this.#rules[series]!
    if (rules.valued && !Number.isFinite(value)) return false
    const heap = this.#heap
    const block = blockAt(this.#shape, r, series)
    const p = heap.u32[block]!
    const before = contentBytes(heap, rules, p)
    const moved = addToSeries(heap, rules, p, at, rules.valued ? value + 0 : 0)
    heap.u32[block] = moved
    heap.u32[r * 2 + SERIES_BYTES]! += contentBytes(heap, rules, moved) - before
    if (heap.u32[r * 2 + SERIES_BYTES]! > this.#softLimit) this.#shrink(r)
    return true
  }

  suppress(r: number, key: number, at: number, until: number): boolean {
    assertInstant(at)
    assertInstant(until)
    return suppressIn(this.#heap, r, key, at, until)
  }

  lift(r: number, key: number, at: number): boolean {
    assertInstant(at)
    return liftIn(this.#heap, r, key, at)
  }

  feed(r: number, origin: number, type: number, at: number): boolean {
    assertInstant(at)
    return feedIn(this.#heap, r, origin, type, at)
  }

  renewOrigin(r: number, position: number, at: number): boolean {
    assertInstant(at)
    return renewIn(this.#heap, r, position, at)
  }

  markOrigin(r: number, origin: number, mark: typeof REVOKED | typeof ALLOWED, at: number): boolean {
    assertInstant(at)
    return markIn(this.#heap, r, origin, mark, at)
  }

  addContact(r: number, contact: Contact): boolean {
    assertInstant(contact.at)
    if (!addContactTo(this.#heap, r, contact, this.#contactsMs)) this.#overflows.contacts++
    return true
  }

  removeContact(r: number, decision: number): boolean {
    return removeContactFrom(this.#heap, r, decision)
  }

  confirmContact(r: number, decision: number): boolean {
    return confirmContactIn(this.#heap, r, decision)
  }

  answerContact(r: number, decision: number): boolean {
    return answerContactIn(this.#heap, r, decision)
  }

  recallContact(r: number, prefix: number): boolean {
    return recallContactIn(this.#heap, r, prefix)
  }

  hold(r: number, held: Held): boolean {
    assertInstant(held.at)
    assertInstant(held.expiresAt)
    return addHeld(this.#heap, r, held)
  }

  letGo(r: number, trigger: number, placement: number): boolean {
    return removeHeld(this.#heap, r, trigger, placement)
  }

  rememberAnswer(r: number, idHigh: number, idLow: number, at: number, offers: readonly number[]): boolean {
    assertInstant(at)
    assert(offers.length <= ANSWER_OFFERS_MAX, 'an answer names at most 64 offers')
    addAnswer(this.#heap, r, idHigh, idLow, at, offers)
    return true
  }

  adopt(r: number, decision: number): boolean {
    if (isAdoptedIn(this.#heap, r, decision)) return false
    if (!addAdopted(this.#heap, r, decision)) this.#overflows.adopted++
    return true
  }

  settle(r: number, decision: number): boolean {
    return removeAdopted(this.#heap, r, decision)
  }

  /** Empties the record; nothing is to be written to it any more. Not part of a patch: the whole customer goes from the store. */
  erase(r: number, at: number): void {
    assertInstant(at)
    const { f64, u8 } = this.#heap
    this.#giveAll(r)
    const idLength = this.#heap.u16[r * 4 + ID_LENGTH]!
    u8.fill(0, r * 8, r * 8 + this.#shape.bytes)
    f64.fill(-1, r + this.#shape.setAts, r + this.#shape.setAts + this.#shape.attributes)
    this.#heap.u16[r * 4 + ID_LENGTH] = idLength
    f64[r + ERASED_AT] = at
  }

  /** Bytes of what the record holds, without spare room. */
  contentBytes(r: number): number {
    const { u16, u32 } = this.#heap
    const h = r * 4
    const ids = u16[h + RING_IDS]! * 12 + u16[h + ADOPTED_N]! * 8 + u16[h + ORIGINS_N]! * 16
    const small =
      u16[h + SUPPRESSIONS_N]! * 32 + (u16[h + CONTACTS_N]! + u16[h + HELD_N]!) * 40 + u32[r * 2 + ANSWERS_USED]! * 4
    return this.#shape.bytes + u32[r * 2 + SERIES_BYTES]! + ids + small
  }

  /** Bytes of memory the record takes, with spare room and block headers. */
  takenBytes(r: number): number {
    const { u32, arena } = this.#heap
    let bytes = arena.sizeOf(blockOf(this.#heap, r))
    for (const field of [RING, CONTACTS, SUPPRESSIONS, ANSWERS, ADOPTED, HELD, ORIGINS])
      bytes += arena.sizeOf(u32[r * 2 + field]!)
    for (let series = 0; series < this.#shape.series; series++) {
      const p = u32[blockAt(this.#shape, r, series)]!
      if (p !== 0) bytes += arena.sizeOf(p) + arena.sizeOf(u32[p * 2 + PANES_AT]!)
    }
    return bytes
  }

  /** Gives everything back. */
  release(r: number): void {
    this.#giveAll(r)
    this.#heap.give(blockOf(this.#heap, r))
  }

  /** Gives all blocks back but the record itself. */
  #giveAll(r: number): void {
    const heap = this.#heap
    const { u32 } = heap
    for (let series = 0; series < this.#shape.series; series++) {
      giveSeries(heap, u32[blockAt(this.#shape, r, series)]!)
    }
    heap.give(u32[r * 2 + RING]!)
    heap.give(u32[r * 2 + CONTACTS]!)
    heap.give(u32[r * 2 + SUPPRESSIONS]!)
    heap.give(u32[r * 2 + ANSWERS]!)
    heap.give(u32[r * 2 + ADOPTED]!)
    heap.give(u32[r * 2 + HELD]!)
    heap.give(u32[r * 2 + ORIGINS]!)
  }

  /** Halves the exact entries of the largest series until the customer is below the soft limit or nothing is left to halve. */
  #shrink(r: number): void {
    const heap = this.#heap
    for (;;) {
      const largest = this.#largest(r)
      if (largest === -1) return
      const rules = this.#rules[largest]!
      const p = heap.u32[blockAt(this.#shape, r, largest)]!
      const before = contentBytes(heap, rules, p)
      lowerBound(heap, rules, p, Math.max(SMALLEST_BOUND, heap.u16[p * 4 + ENTRIES]! >> 1))
      this.#overflows.softLimit++
      heap.u32[r * 2 + SERIES_BYTES]! += contentBytes(heap, rules, p) - before
      if (heap.u32[r * 2 + SERIES_BYTES]! <= this.#softLimit) return
    }
  }

  /** The series with most bytes that can be bounded further, of equal ones that with the smallest key; -1: none. */
  #largest(r: number): number {
    const heap = this.#heap
    let largest = -1
    let most = 0
    for (let series = 0; series < this.#shape.series; series++) {
      const p = heap.u32[blockAt(this.#shape, r, series)]!
      if (p === 0 || heap.u16[p * 4 + ENTRIES]! <= SMALLEST_BOUND) continue
      const rules = this.#rules[series]!
      const bytes = contentBytes(heap, rules, p)
      if (bytes > most || (bytes === most && rules.key < this.#rules[largest]!.key)) {
        largest = series
        most = bytes
      }
    }
    return largest
  }
}

function assertInstant(at: number): void {
  assert(at >= 0 && at < INSTANT_MAX && Math.floor(at) === at, 'an instant is Unix milliseconds, not negative')
}
