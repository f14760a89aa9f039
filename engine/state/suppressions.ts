import type { Heap } from './heap.ts'
import { SUPPRESSIONS, SUPPRESSIONS_CAPACITY, SUPPRESSIONS_N } from './record.ts'

/** Most marks of missing events kept for one customer, see `missing.ts`. */
export const MISSING_MAX = 32
/** Most suppressions kept for one customer, those of guardrails and what is missing; beyond it the one that ends first goes. */
export const SUPPRESSIONS_MAX = 256 + MISSING_MAX
const SMALLEST = 2
/** A suppression is 4 words: u32 key and a spare, then the instants it began, ends, and was last lifted at (0 never). */
export const WORDS = 4
export const BEGAN = 1
export const UNTIL = 2
const LIFTED = 3

/** Sets a suppression; a longer one wins, and so does a lift after its beginning. Returns whether anything changed. */
export function suppressIn(heap: Heap, r: number, key: number, at: number, until: number): boolean {
  const { f64 } = heap
  const known = findSuppression(heap, r, key)
  if (known !== 0 && (f64[known + LIFTED]! > at || f64[known + UNTIL]! >= until)) return false
  const p = known === 0 ? add(heap, r, key) : known
  f64[p + BEGAN] = at
  f64[p + UNTIL] = until
  return true
}

/**
 * Ends a suppression that began before `at`; of the same instant it may be the newer one and stays. The instant is kept, so that a suppression that is heard of later but began
 * earlier stays lifted: the order of arrival does not matter. Returns whether anything changed.
 */
export function liftIn(heap: Heap, r: number, key: number, at: number): boolean {
  const { f64 } = heap
  const known = findSuppression(heap, r, key)
  if (known !== 0 && f64[known + LIFTED]! >= at) return false
  const p = known === 0 ? add(heap, r, key) : known
  f64[p + LIFTED] = at
  if (f64[p + BEGAN]! < at && f64[p + UNTIL]! > at) f64[p + UNTIL] = at
  return true
}

/** When it ends; 0 when there never was one. */
export function suppressedUntilIn(heap: Heap, r: number, key: number): number {
  const p = findSuppression(heap, r, key)
  return p === 0 ? 0 : heap.f64[p + UNTIL]!
}

/** Reads suppression `i`: its key and the instants it began, ends and was last lifted at. */
export function readSuppression(
  heap: Heap,
  r: number,
  i: number,
  into: { key: number; began: number; until: number; lifted: number },
): void {
  const p = heap.u32[r * 2 + SUPPRESSIONS]! + i * WORDS
  into.key = heap.u32[p * 2]!
  into.began = heap.f64[p + BEGAN]!
  into.until = heap.f64[p + UNTIL]!
  into.lifted = heap.f64[p + LIFTED]!
}

/** Puts back what `readSuppression` read. */
export function putSuppression(
  heap: Heap,
  r: number,
  from: { readonly key: number; readonly began: number; readonly until: number; readonly lifted: number },
): void {
  const p = add(heap, r, from.key)
  heap.f64[p + BEGAN] = from.began
  heap.f64[p + UNTIL] = from.until
  heap.f64[p + LIFTED] = from.lifted
}

/** Word of the suppression of a key; 0: there is none. */
export function findSuppression(heap: Heap, r: number, key: number): number {
  const n = heap.u16[r * 4 + SUPPRESSIONS_N]!
  let p = heap.u32[r * 2 + SUPPRESSIONS]!
  for (let i = 0; i < n; i++, p += WORDS) if (heap.u32[p * 2] === key) return p
  return 0
}

function add(heap: Heap, r: number, key: number): number {
  const { u16, u32, f64 } = heap
  const h = r * 4
  if (u16[h + SUPPRESSIONS_N]! === SUPPRESSIONS_MAX) dropFirstEnding(heap, r)
  const n = u16[h + SUPPRESSIONS_N]!
  const cap = u16[h + SUPPRESSIONS_CAPACITY]!
  if (n === cap) {
    const room = Math.max(SMALLEST, cap * 2)
    const block = heap.take(room * WORDS * 8)
    const old = u32[r * 2 + SUPPRESSIONS]!
    f64.copyWithin(block, old, old + n * WORDS)
    heap.give(old)
    u32[r * 2 + SUPPRESSIONS] = block
    u16[h + SUPPRESSIONS_CAPACITY] = room
  }
  const p = u32[r * 2 + SUPPRESSIONS]! + n * WORDS
  f64.fill(0, p, p + WORDS)
  u32[p * 2] = key
  u16[h + SUPPRESSIONS_N] = n + 1
  return p
}

function dropFirstEnding(heap: Heap, r: number): void {
  const { f64, u16 } = heap
  const block = heap.u32[r * 2 + SUPPRESSIONS]!
  const n = u16[r * 4 + SUPPRESSIONS_N]!
  let first = 0
  for (let i = 1; i < n; i++) if (f64[block + i * WORDS + UNTIL]! < f64[block + first * WORDS + UNTIL]!) first = i
  f64.copyWithin(block + first * WORDS, block + (first + 1) * WORDS, block + n * WORDS)
  u16[r * 4 + SUPPRESSIONS_N] = n - 1
}
