import type { Heap } from './heap.ts'
import { ADOPTED, ADOPTED_CAPACITY, ADOPTED_N } from './record.ts'

/** Most adopted decisions remembered for one customer. */
export const ADOPTED_MAX = 4096
const SMALLEST = 4

/**
 * The decisions of events that left although the store lost their commits: numbers (`decisionNumber`), oldest first, a word
 * each. One is dropped when its event comes by again and finds it decided. `r` is the record.
 */

/** Whether the decision is remembered as adopted. */
export function isAdoptedIn(heap: Heap, r: number, decision: number): boolean {
  return placeOf(heap, r, decision) >= 0
}

/**
 * Remembers an adopted decision that is not remembered yet.
 * @returns false when there were too many and the oldest had to go
 */
export function addAdopted(heap: Heap, r: number, decision: number): boolean {
  const { u16, f64, u32 } = heap
  const fits = u16[r * 4 + ADOPTED_N]! < ADOPTED_MAX
  if (!fits) removeAt(heap, r, 0)
  makeRoom(heap, r)
  f64[u32[r * 2 + ADOPTED]! + u16[r * 4 + ADOPTED_N]!] = decision
  u16[r * 4 + ADOPTED_N]!++
  return fits
}

/** Forgets an adopted decision; false when it is not remembered. */
export function removeAdopted(heap: Heap, r: number, decision: number): boolean {
  const place = placeOf(heap, r, decision)
  if (place < 0) return false
  removeAt(heap, r, place)
  return true
}

/** Adopted decision `i`, 0 the oldest. */
export function adoptedAt(heap: Heap, r: number, i: number): number {
  return heap.f64[heap.u32[r * 2 + ADOPTED]! + i]!
}

function placeOf(heap: Heap, r: number, decision: number): number {
  const n = heap.u16[r * 4 + ADOPTED_N]!
  const block = heap.u32[r * 2 + ADOPTED]!
  for (let i = 0; i < n; i++) if (heap.f64[block + i] === decision) return i
  return -1
}

function removeAt(heap: Heap, r: number, i: number): void {
  const n = heap.u16[r * 4 + ADOPTED_N]!
  const block = heap.u32[r * 2 + ADOPTED]!
  heap.f64.copyWithin(block + i, block + i + 1, block + n)
  heap.u16[r * 4 + ADOPTED_N] = n - 1
}

function makeRoom(heap: Heap, r: number): void {
  const { u16, u32, f64 } = heap
  const h = r * 4
  const n = u16[h + ADOPTED_N]!
  if (n < u16[h + ADOPTED_CAPACITY]!) return
  const room = Math.max(SMALLEST, n * 2)
  const block = heap.take(room * 8)
  const old = u32[r * 2 + ADOPTED]!
  f64.copyWithin(block, old, old + n)
  heap.give(old)
  u32[r * 2 + ADOPTED] = block
  u16[h + ADOPTED_CAPACITY] = room
}
