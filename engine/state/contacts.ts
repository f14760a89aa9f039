import type { Heap } from './heap.ts'
import { CONTACTS, CONTACTS_CAPACITY, CONTACTS_N } from './record.ts'
import { type Contact, claimClass } from './states.ts'

/** Most contacts kept for one customer. */
export const CONTACTS_MAX = 512
const SMALLEST = 2
/** A contact is 5 words: instant, decision, then u32 channel, category, offer, class with two flags, then until when. */
const WORDS = 5
const UNTIL = 4
const ANSWERED = 0x100
const RECALLED = 0x200

/**
 * Adds a contact in its place by instant and drops those that no cap looks at any more. `r` is the record. When all places are taken the oldest
 * claim makes room, and the oldest contact only when there is none. A claim never takes the place of a contact: then it is not kept.
 * @returns false when there were too many within `keepMs`
 */
export function addContactTo(heap: Heap, r: number, contact: Contact, keepMs: number): boolean {
  const { f64, u32, u16 } = heap
  const h = r * 4
  const newest = Math.max(contact.at, newestOf(heap, r))
  if (contact.at < newest - keepMs) return true
  let gone = 0
  while (gone < u16[h + CONTACTS_N]! && instantOf(heap, r, gone) < newest - keepMs) gone++
  removeAt(heap, r, 0, gone)
  const fits = u16[h + CONTACTS_N]! < CONTACTS_MAX
  if (!fits) {
    const claim = oldestClaim(heap, r)
    if (claim === -1 && contact.class === claimClass) return false
    removeAt(heap, r, Math.max(0, claim), 1)
  }
  makeRoom(heap, r)
  const block = u32[r * 2 + CONTACTS]!
  const n = u16[h + CONTACTS_N]!
  let i = n
  while (i > 0 && instantOf(heap, r, i - 1) > contact.at) i--
  const p = block + i * WORDS
  f64.copyWithin(p + WORDS, p, block + n * WORDS)
  f64[p] = contact.at
  f64[p + 1] = contact.decision
  u32[p * 2 + 4] = contact.channel
  u32[p * 2 + 5] = contact.category
  u32[p * 2 + 6] = contact.offer
  u32[p * 2 + 7] = contact.class | (contact.answered ? ANSWERED : 0) | (contact.recalled ? RECALLED : 0)
  f64[p + UNTIL] = contact.until
  u16[h + CONTACTS_N] = n + 1
  return fits
}

/** Takes the contact of a decision out; false when there is none. */
export function removeContactFrom(heap: Heap, r: number, decision: number): boolean {
  const block = heap.u32[r * 2 + CONTACTS]!
  const n = heap.u16[r * 4 + CONTACTS_N]!
  for (let i = n - 1; i >= 0; i--) {
    if (heap.f64[block + i * WORDS + 1] !== decision) continue
    removeAt(heap, r, i, 1)
    return true
  }
  return false
}

/** The contacts of a decision count for good; false when all of them did, or there is none. */
export function confirmContactIn(heap: Heap, r: number, decision: number): boolean {
  let changed = false
  for (let i = 0, p = heap.u32[r * 2 + CONTACTS]!; i < heap.u16[r * 4 + CONTACTS_N]!; i++, p += WORDS) {
    if (heap.f64[p + 1] !== decision || heap.f64[p + UNTIL] === 0) continue
    heap.f64[p + UNTIL] = 0
    changed = true
  }
  return changed
}

/** The contacts of a decision were answered; false when all of them were, or there is none. */
export function answerContactIn(heap: Heap, r: number, decision: number): boolean {
  let changed = false
  for (let i = 0, p = heap.u32[r * 2 + CONTACTS]!; i < heap.u16[r * 4 + CONTACTS_N]!; i++, p += WORDS) {
    if (heap.f64[p + 1] !== decision || (heap.u32[p * 2 + 7]! & ANSWERED) !== 0) continue
    heap.u32[p * 2 + 7]! |= ANSWERED
    changed = true
  }
  return changed
}

/**
 * The contacts of a decision, by the first 52 bits of its id, are recalled: they lapse at once, and a receipt still confirms them. False when
 * all of them are confirmed or were recalled before, or there is none.
 */
export function recallContactIn(heap: Heap, r: number, prefix: number): boolean {
  let changed = false
  for (let i = 0, p = heap.u32[r * 2 + CONTACTS]!; i < heap.u16[r * 4 + CONTACTS_N]!; i++, p += WORDS) {
    if (Math.floor(heap.f64[p + 1]! / 2) !== prefix || heap.f64[p + UNTIL] === 0) continue
    if ((heap.u32[p * 2 + 7]! & RECALLED) !== 0) continue
    heap.u32[p * 2 + 7]! |= RECALLED
    // 0 would say that it counts for good.
    heap.f64[p + UNTIL] = Math.max(1, heap.f64[p]!)
    changed = true
  }
  return changed
}

/** Reads contact `i`, 0 the oldest. */
export function readContact(
  heap: Heap,
  r: number,
  i: number,
  into: { -readonly [K in keyof Contact]: Contact[K] },
): void {
  const p = heap.u32[r * 2 + CONTACTS]! + i * WORDS
  into.at = heap.f64[p]!
  into.decision = heap.f64[p + 1]!
  into.channel = heap.u32[p * 2 + 4]!
  into.category = heap.u32[p * 2 + 5]!
  into.offer = heap.u32[p * 2 + 6]!
  into.class = heap.u32[p * 2 + 7]! & 0xff
  into.answered = (heap.u32[p * 2 + 7]! & ANSWERED) !== 0
  into.recalled = (heap.u32[p * 2 + 7]! & RECALLED) !== 0
  into.until = heap.f64[p + UNTIL]!
}

function instantOf(heap: Heap, r: number, i: number): number {
  return heap.f64[heap.u32[r * 2 + CONTACTS]! + i * WORDS]!
}

/** Its index; -1: there is none. */
function oldestClaim(heap: Heap, r: number): number {
  const block = heap.u32[r * 2 + CONTACTS]!
  for (let i = 0; i < heap.u16[r * 4 + CONTACTS_N]!; i++)
    if ((heap.u32[(block + i * WORDS) * 2 + 7]! & 0xff) === claimClass) return i
  return -1
}

function newestOf(heap: Heap, r: number): number {
  const n = heap.u16[r * 4 + CONTACTS_N]!
  return n === 0 ? 0 : instantOf(heap, r, n - 1)
}

function removeAt(heap: Heap, r: number, i: number, count: number): void {
  if (count === 0) return
  const block = heap.u32[r * 2 + CONTACTS]!
  const n = heap.u16[r * 4 + CONTACTS_N]!
  heap.f64.copyWithin(block + i * WORDS, block + (i + count) * WORDS, block + n * WORDS)
  heap.u16[r * 4 + CONTACTS_N] = n - count
}

function makeRoom(heap: Heap, r: number): void {
  const { u16, u32, f64 } = heap
  const h = r * 4
  const cap = u16[h + CONTACTS_CAPACITY]!
  const n = u16[h + CONTACTS_N]!
  if (n < cap) return
  const room = Math.max(SMALLEST, cap + (cap >> 1))
  const block = heap.take(room * WORDS * 8)
  const old = u32[r * 2 + CONTACTS]!
  f64.copyWithin(block, old, old + n * WORDS)
  heap.give(old)
  u32[r * 2 + CONTACTS] = block
  u16[h + CONTACTS_CAPACITY] = room
}
