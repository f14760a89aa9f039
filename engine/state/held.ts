import type { Heap } from './heap.ts'
import { HELD, HELD_CAPACITY, HELD_N } from './record.ts'
import type { Held } from './states.ts'

/** Most that is held for one customer. */
export const HELD_MAX = 16
const SMALLEST = 1
/** What is held is 5 words: instants due and expired, u32 trigger and placement, u32 parts of the origin's id. By due instant. */
const WORDS = 5

/** Holds; of two for one trigger and placement the later one stays. False when too many are held: nothing changed. */
export function addHeld(heap: Heap, r: number, held: Held): boolean {
  const { u16, u32, f64 } = heap
  removeHeld(heap, r, held.trigger, held.placement)
  const n = u16[r * 4 + HELD_N]!
  if (n >= HELD_MAX) return false
  makeRoom(heap, r)
  const block = u32[r * 2 + HELD]!
  let i = n
  while (i > 0 && f64[block + (i - 1) * WORDS]! > held.at) i--
  const p = block + i * WORDS
  f64.copyWithin(p + WORDS, p, block + n * WORDS)
  f64[p] = held.at
  f64[p + 1] = held.expiresAt
  u32[p * 2 + 4] = held.trigger
  u32[p * 2 + 5] = held.placement
  for (let part = 0; part < 4; part++) u32[p * 2 + 6 + part] = held.origin[part]!
  u16[r * 4 + HELD_N] = n + 1
  return true
}

/** Lets go of what a trigger holds for a placement; false when it holds nothing. */
export function removeHeld(heap: Heap, r: number, trigger: number, placement: number): boolean {
  const i = find(heap, r, trigger, placement)
  if (i < 0) return false
  removeAt(heap, r, i)
  return true
}

/** Held `i`, in the order they are due. */
export function heldAt(heap: Heap, r: number, i: number): Held {
  const { u32, f64 } = heap
  const p = u32[r * 2 + HELD]! + i * WORDS
  const part = (k: number): number => u32[p * 2 + 6 + k]!
  return {
    at: f64[p]!,
    expiresAt: f64[p + 1]!,
    trigger: u32[p * 2 + 4]!,
    placement: u32[p * 2 + 5]!,
    origin: [part(0), part(1), part(2), part(3)],
  }
}

/** When the first of what is held is due; 0: nothing is held. */
export function nextHeldIn(heap: Heap, r: number): number {
  return heap.u16[r * 4 + HELD_N] === 0 ? 0 : heap.f64[heap.u32[r * 2 + HELD]!]!
}

function find({ u16, u32 }: Heap, r: number, trigger: number, placement: number): number {
  const n = u16[r * 4 + HELD_N]!
  let p = u32[r * 2 + HELD]! * 2
  for (let i = 0; i < n; i++, p += WORDS * 2) {
    if (u32[p + 4] === trigger >>> 0 && u32[p + 5] === placement >>> 0) return i
  }
  return -1
}

function removeAt(heap: Heap, r: number, i: number): void {
  const block = heap.u32[r * 2 + HELD]!
  const n = heap.u16[r * 4 + HELD_N]!
  heap.f64.copyWithin(block + i * WORDS, block + (i + 1) * WORDS, block + n * WORDS)
  heap.u16[r * 4 + HELD_N] = n - 1
}

function makeRoom(heap: Heap, r: number): void {
  const { u16, u32, f64 } = heap
  const n = u16[r * 4 + HELD_N]!
  if (n < u16[r * 4 + HELD_CAPACITY]!) return
  const room = Math.max(SMALLEST, n * 2)
  const block = heap.take(room * WORDS * 8)
  const old = u32[r * 2 + HELD]!
  f64.copyWithin(block, old, old + n * WORDS)
  heap.give(old)
  u32[r * 2 + HELD] = block
  u16[r * 4 + HELD_CAPACITY] = room
}
