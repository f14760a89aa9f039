import type { Heap } from './heap.ts'
import { ORIGINS, ORIGINS_CAPACITY, ORIGINS_N } from './record.ts'

/**
 * Where a customer's data came from: for each origin (a source, or a consent) and type of event the newest instant of what it fed.
 * So what a window holds of an origin, or an attribute set by it, is known at the price of an entry a source and type, not one an event.
 * `r` is the record. An entry is 2 words: u32 origin, u32 type, the instant; by origin, then type.
 *
 * Origins are hashes: even ones of sources, odd ones of consents (`sourceKey`, `consentKey`). Those below are none.
 */
export const OTHER_SOURCES = 0
export const OTHER_CONSENTS = 1
/** What was taken before origins were kept. */
export const BEFORE = 2

/** In place of a type. The customer took the origin back at the instant; allowed it again. */
export const REVOKED = 0
export const ALLOWED = 1
/** Of any type. */
export const ANY_TYPE = 2

/** Most entries, and up to how many a new one is of its own type, of its own origin, and the mark of an origin taken back. */
export const ORIGINS_MAX = 96
const TYPED_MAX = 64
const NAMED_MAX = 80
const MARKED_MAX = 92
const SMALLEST = 4
const WORDS = 2

/** Position of what an origin fed by events of a type; negative: nothing yet. */
export function originAt(heap: Heap, r: number, origin: number, type: number): number {
  return find(heap, r, origin, type)
}

/** Makes the entry at a position newer. False: it is as new already. */
export function renewIn(heap: Heap, r: number, position: number, at: number): boolean {
  return position < count(heap, r) && renew(heap, r, position, at)
}

/** Notes that an origin fed the customer by an event of a type. False: nothing changed. */
export function feedIn(heap: Heap, r: number, origin: number, type: number, at: number): boolean {
  const known = find(heap, r, origin, type)
  if (known >= 0) return renew(heap, r, known, at)
  if (count(heap, r) < TYPED_MAX) return add(heap, r, origin, type, at)
  const isConsent = (origin & 1) === 1
  if (!isConsent && (count(heap, r) < NAMED_MAX || find(heap, r, origin, ANY_TYPE) >= 0))
    return put(heap, r, origin, ANY_TYPE, at)
  return put(heap, r, isConsent ? OTHER_CONSENTS : OTHER_SOURCES, ANY_TYPE, at)
}

/**
 * Notes that the customer took an origin back, or allowed it again. A consent that is not known by name may be among the others, so those
 * are taken back with it.
 */
export function markIn(
  heap: Heap,
  r: number,
  origin: number,
  mark: typeof REVOKED | typeof ALLOWED,
  at: number,
): boolean {
  const fits = find(heap, r, origin, mark) >= 0 || count(heap, r) < MARKED_MAX
  const own = fits && put(heap, r, origin, mark, at)
  if (mark === ALLOWED) return own
  const others = (origin & 1) === 1 ? OTHER_CONSENTS : OTHER_SOURCES
  const mayBeAmong = !fits || find(heap, r, others, ANY_TYPE) >= 0
  const spread = mayBeAmong && put(heap, r, others, REVOKED, at)
  return own || spread
}

/** Whether the customer took an origin back and has not allowed it again. */
export function isRevokedIn(heap: Heap, r: number, origin: number): boolean {
  if (count(heap, r) === 0) return false
  const others = (origin & 1) === 1 ? OTHER_CONSENTS : OTHER_SOURCES
  const revoked = Math.max(at(heap, r, origin, REVOKED), isFull(heap, r) ? at(heap, r, others, REVOKED) : -1)
  return revoked >= 0 && at(heap, r, origin, ALLOWED) <= revoked
}

/** Entry `i`, in order. */
export function readOrigin(heap: Heap, r: number, i: number, into: { origin: number; type: number; at: number }): void {
  const p = heap.u32[r * 2 + ORIGINS]! + i * WORDS
  into.origin = heap.u32[p * 2]!
  into.type = heap.u32[p * 2 + 1]!
  into.at = heap.f64[p + 1]!
}

/** Puts back what `readOrigin` read, behind those there are. */
export function putOrigin(heap: Heap, r: number, from: { origin: number; type: number; at: number }): void {
  put(heap, r, from.origin, from.type, from.at)
}

function isFull(heap: Heap, r: number): boolean {
  return count(heap, r) >= MARKED_MAX
}

function count({ u16 }: Heap, r: number): number {
  return u16[r * 4 + ORIGINS_N]!
}

/** The instant of an entry; -1: there is none. */
function at(heap: Heap, r: number, origin: number, type: number): number {
  const i = find(heap, r, origin, type)
  return i < 0 ? -1 : heap.f64[heap.u32[r * 2 + ORIGINS]! + i * WORDS + 1]!
}

/** Position of an entry; negative: where it would be put, as -1 - position. */
function find(heap: Heap, r: number, origin: number, type: number): number {
  const { u32 } = heap
  const n = count(heap, r)
  let p = u32[r * 2 + ORIGINS]! * 2
  for (let i = 0; i < n; i++, p += WORDS * 2) {
    const known = u32[p]!
    if (known < origin) continue
    if (known > origin) return -1 - i
    const sort = u32[p + 1]!
    if (sort === type) return i
    if (sort > type) return -1 - i
  }
  return -1 - n
}

/** Adds an entry, or makes the one there is newer: never beyond `ORIGINS_MAX`, as the last ones are of few names. */
function put(heap: Heap, r: number, origin: number, type: number, instant: number): boolean {
  const known = find(heap, r, origin, type)
  return known >= 0 ? renew(heap, r, known, instant) : add(heap, r, origin, type, instant)
}

function renew(heap: Heap, r: number, i: number, instant: number): boolean {
  const p = heap.u32[r * 2 + ORIGINS]! + i * WORDS + 1
  if (heap.f64[p]! >= instant) return false
  heap.f64[p] = instant
  return true
}

function add(heap: Heap, r: number, origin: number, type: number, instant: number): boolean {
  const { u16, u32, f64 } = heap
  const place = -1 - find(heap, r, origin, type)
  const n = count(heap, r)
  const capacity = u16[r * 4 + ORIGINS_CAPACITY]!
  if (n === capacity) {
    const room = Math.min(ORIGINS_MAX, Math.max(SMALLEST, capacity * 2))
    const block = heap.take(room * WORDS * 8)
    const old = u32[r * 2 + ORIGINS]!
    f64.copyWithin(block, old, old + n * WORDS)
    heap.give(old)
    u32[r * 2 + ORIGINS] = block
    u16[r * 4 + ORIGINS_CAPACITY] = room
  }
  const block = u32[r * 2 + ORIGINS]!
  const p = block + place * WORDS
  f64.copyWithin(p + WORDS, p, block + n * WORDS)
  u32[p * 2] = origin
  u32[p * 2 + 1] = type
  f64[p + 1] = instant
  u16[r * 4 + ORIGINS_N] = n + 1
  return true
}
