import type { Heap } from './heap.ts'
import { NEWEST_ACCEPTED, RING, RING_CAPACITY, RING_IDS, RING_START } from './record.ts'

/** Most event ids remembered for one customer. */
export const RING_MAX = 4096
const SMALLEST = 8
/** The bound, and a gap at the head that makes closing it rare. */
const ROOM_MAX = RING_MAX + RING_MAX / 2

/** An id is 3 u32: low half, high half, low 32 bits of the acceptance. */
const ID_FIELDS = 3
const HIGH_HALF = 1
const ACCEPTED = 2

/** Up to this room a scan takes no longer than a look into a filter. */
const UNFILTERED = 64
/** Bits of the filter for each id there is room for, at least. */
const FILTER_BITS = 16

/**
 * The recent event ids of a customer, oldest first, in one block; behind them, in a larger ring, a filter: a set bit for each
 * id appended since the ring was last packed, so that for most new ids nothing is scanned (measured with 4,096 ids: 0.3 us
 * an id instead of 3.4). Acceptances within the horizon differ by less than 2^32 ms,
 * so their low halves tell the age. `r` is the record.
 */

/** Whether an id was remembered within the horizon. Changes nothing. */
export function isRemembered(
  heap: Heap,
  r: number,
  idHigh: number,
  idLow: number,
  acceptedAt: number,
  horizonMs: number,
): boolean {
  const { u16, u32 } = heap
  const n = u16[r * 4 + RING_IDS]!
  if (n === 0) return false
  if (!mayHold(heap, r, idLow)) return false
  const low = idLow >>> 0
  const first = fieldsOf(heap, r, 0)
  // Newest first: a producer's retry follows soon.
  for (let at = first + (n - 1) * ID_FIELDS; at >= first; at -= ID_FIELDS) {
    if (u32[at] === low && u32[at + HIGH_HALF] === idHigh >>> 0) {
      return acceptedAt - acceptedOf(heap, r, (at - first) / ID_FIELDS) <= horizonMs
    }
  }
  return false
}

/** Instant id `i` was accepted at, Unix milliseconds; 0 is the oldest. */
export function acceptedOf(heap: Heap, r: number, i: number): number {
  const newest = heap.f64[r + NEWEST_ACCEPTED]!
  return newest - ((newest - heap.u32[fieldsOf(heap, r, i) + ACCEPTED]!) >>> 0)
}

/** High or low half of id `i`. */
export function idOf(heap: Heap, r: number, i: number, half: 'high' | 'low'): number {
  return heap.u32[fieldsOf(heap, r, i) + (half === 'high' ? HIGH_HALF : 0)]!
}

/**
 * Appends an id that is not remembered and forgets those beyond the horizon.
 * @returns false when the ring was full within the horizon and the oldest id had to go
 */
export function appendId(
  heap: Heap,
  r: number,
  idHigh: number,
  idLow: number,
  acceptedAt: number,
  horizonMs: number,
): boolean {
  const { u16, u32, f64 } = heap
  const h = r * 4
  // The log's append time does not run backwards; should it, the id is kept a little longer.
  const accepted = Math.max(acceptedAt, f64[r + NEWEST_ACCEPTED]!)
  while (u16[h + RING_IDS]! > 0 && accepted - acceptedOf(heap, r, 0) > horizonMs) dropOldest(heap, r)
  const fits = u16[h + RING_IDS]! < RING_MAX
  if (!fits) dropOldest(heap, r)
  f64[r + NEWEST_ACCEPTED] = accepted
  makeRoom(heap, r)
  const at = fieldsOf(heap, r, u16[h + RING_IDS]!)
  u32[at] = idLow
  u32[at + HIGH_HALF] = idHigh
  u32[at + ACCEPTED] = accepted
  setBit(heap, r, idLow)
  u16[h + RING_IDS]!++
  return fits
}

/** Where the fields of id `i` lie in the 32-bit view. */
function fieldsOf(heap: Heap, r: number, i: number): number {
  return heap.u32[r * 2 + RING]! * 2 + (heap.u16[r * 4 + RING_START]! + i) * ID_FIELDS
}

function dropOldest(heap: Heap, r: number): void {
  heap.u16[r * 4 + RING_START]!++
  heap.u16[r * 4 + RING_IDS]!--
}

function makeRoom(heap: Heap, r: number): void {
  const { u16, u32 } = heap
  const h = r * 4
  const cap = u16[h + RING_CAPACITY]!
  const start = u16[h + RING_START]!
  const n = u16[h + RING_IDS]!
  if (start + n < cap) return
  const from = fieldsOf(heap, r, 0)
  const block = u32[r * 2 + RING]!
  const stays = start > n >> 2
  const room = stays ? cap : Math.min(ROOM_MAX, Math.max(SMALLEST, n + (n >> 2)))
  const target = stays ? block : heap.take(room * ID_FIELDS * 4 + filterBits(room) / 8)
  u32.copyWithin(target * 2, from, from + n * ID_FIELDS)
  u16[h + RING_START] = 0
  if (!stays) {
    heap.give(block)
    u32[r * 2 + RING] = target
    u16[h + RING_CAPACITY] = room
  }
  fillFilter(heap, r, n)
}

/** Bits of the filter of a ring with this room: a power of two, 0 for none. */
function filterBits(room: number): number {
  return room <= UNFILTERED ? 0 : 1 << (32 - Math.clz32(room * FILTER_BITS - 1))
}

/** Where the filter lies in the 32-bit view. */
function filterOf(heap: Heap, r: number): number {
  return heap.u32[r * 2 + RING]! * 2 + heap.u16[r * 4 + RING_CAPACITY]! * ID_FIELDS
}

function mayHold(heap: Heap, r: number, idLow: number): boolean {
  const bits = filterBits(heap.u16[r * 4 + RING_CAPACITY]!)
  if (bits === 0) return true
  const bit = idLow & (bits - 1)
  return (heap.u32[filterOf(heap, r) + (bit >>> 5)]! & (1 << (bit & 31))) !== 0
}

function setBit(heap: Heap, r: number, idLow: number): void {
  const bits = filterBits(heap.u16[r * 4 + RING_CAPACITY]!)
  if (bits === 0) return
  const bit = idLow & (bits - 1)
  heap.u32[filterOf(heap, r) + (bit >>> 5)]! |= 1 << (bit & 31)
}

function fillFilter(heap: Heap, r: number, n: number): void {
  const bits = filterBits(heap.u16[r * 4 + RING_CAPACITY]!)
  if (bits === 0) return
  const filter = filterOf(heap, r)
  heap.u32.fill(0, filter, filter + bits / 32)
  for (let i = 0; i < n; i++) setBit(heap, r, idOf(heap, r, i, 'low'))
}
