import type { Heap } from './heap.ts'
import { NEWEST_ACCEPTED, RING, RING_CAPACITY, RING_IDS, RING_START } from './record.ts'

/** Most event ids remembered for one customer. */
export const RING_MAX = 4096
const SMALLEST = 8

/**
 * The recent event ids of a customer, oldest first: high halves, low halves, low 32 bits of the acceptance (u32[capacity] each).
 * Acceptances within the horizon differ by less than 2^32 ms, so their low halves tell the age. `r` is the record.
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
  const cap = u16[r * 4 + RING_CAPACITY]!
  const highs = u32[r * 2 + RING]! * 2 + u16[r * 4 + RING_START]!
  const lows = highs + cap
  // Newest first: a producer's retry follows soon.
  for (let i = n - 1; i >= 0; i--) {
    if (u32[lows + i] === idLow >>> 0 && u32[highs + i] === idHigh >>> 0) {
      return acceptedAt - acceptedOf(heap, r, i) <= horizonMs
    }
  }
  return false
}

/** Instant id `i` was accepted at, Unix milliseconds; 0 is the oldest. */
export function acceptedOf(heap: Heap, r: number, i: number): number {
  const cap = heap.u16[r * 4 + RING_CAPACITY]!
  const low = heap.u32[heap.u32[r * 2 + RING]! * 2 + 2 * cap + heap.u16[r * 4 + RING_START]! + i]!
  const newest = heap.f64[r + NEWEST_ACCEPTED]!
  return newest - ((newest - low) >>> 0)
}

/** High or low half of id `i`. */
export function idOf(heap: Heap, r: number, i: number, half: 'high' | 'low'): number {
  const cap = heap.u16[r * 4 + RING_CAPACITY]!
  const offset = half === 'high' ? 0 : cap
  return heap.u32[heap.u32[r * 2 + RING]! * 2 + offset + heap.u16[r * 4 + RING_START]! + i]!
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
  const cap = u16[h + RING_CAPACITY]!
  const k = u32[r * 2 + RING]! * 2 + u16[h + RING_START]! + u16[h + RING_IDS]!
  u32[k] = idHigh
  u32[k + cap] = idLow
  u32[k + 2 * cap] = accepted
  u16[h + RING_IDS]!++
  return fits
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
  const block = u32[r * 2 + RING]!
  const stays = start > n >> 2
  const room = stays ? cap : Math.max(SMALLEST, (n + (n >> 1) + 1) & ~1)
  const target = stays ? block : heap.take(room * 12)
  for (let part = 0; part < 3; part++) {
    const from = block * 2 + part * cap + start
    if (n > 0) u32.copyWithin(target * 2 + part * room, from, from + n)
  }
  u16[h + RING_START] = 0
  if (stays) return
  heap.give(block)
  u32[r * 2 + RING] = target
  u16[h + RING_CAPACITY] = room
}
