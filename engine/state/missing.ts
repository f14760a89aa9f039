import { hash32 } from '../../ingest/hash.ts'
import type { Heap } from './heap.ts'
import { SUPPRESSIONS, SUPPRESSIONS_N } from './record.ts'
import { BEGAN, findSuppression, MISSING_MAX, UNTIL, WORDS } from './suppressions.ts'

/**
 * Events that came and could not be taken, so that the customer's series lack them. Each is kept as a suppression of no guardrail:
 * it began at the event's instant and ends so far off that its length tells the type of event. So what is stored, replayed, loaded
 * and taken over needs nothing of its own. `r` is the record.
 *
 * Of the first 24 each is known by its id, and goes when that event is counted after all. Of more only the type and the newest
 * instant are kept, and of more than 7 such types only that something is missing: these stay.
 */
const SINGLE_MAX = 24
/** Longer than any suppression runs: 2,200 years. */
const FAR_MS = 2 ** 46
/** In place of the hash of a type, which is never 0. */
const ANY_TYPE = 0
const anyKey = hash32('missing:')

/** A suppression to be set: its key, and when it ends. */
export type MissingMark = { readonly key: number; readonly until: number }

/** By which hash a type of event is told among what is missing. */
export function missingTypeOf(type: string): number {
  return hash32(type)
}

/** How to keep that an event is missing. `key`: 32 bits of its id's hash. */
export function missingMark(heap: Heap, r: number, type: string, key: number, at: number): MissingMark {
  const hash = missingTypeOf(type)
  const until = at + FAR_MS + hash
  const ofType = hash32(`missing:${type}`)
  const known = missingCount(heap, r)
  if (known < SINGLE_MAX) return { key, until }
  if (known < MISSING_MAX - 1 || findSuppression(heap, r, ofType) !== 0) return { key: ofType, until }
  return { key: anyKey, until: at + FAR_MS + ANY_TYPE }
}

/** When the missing event of an id happened; -1: it is not missing, or not known by its id. */
export function missingAt(heap: Heap, r: number, type: string, key: number): number {
  const p = findSuppression(heap, r, key)
  return p !== 0 && typeAt(heap, p) === missingTypeOf(type) ? heap.f64[p + BEGAN]! : -1
}

/** How much is kept as missing: 0 for nearly everybody. */
export function missingCount(heap: Heap, r: number): number {
  const n = heap.u16[r * 4 + SUPPRESSIONS_N]!
  let count = 0
  let p = heap.u32[r * 2 + SUPPRESSIONS]!
  for (let i = 0; i < n; i++, p += WORDS) if (typeAt(heap, p) >= 0) count++
  return count
}

/** From when on no event of a type is missing; -Infinity: none is. */
export function completeFrom(heap: Heap, r: number, type: number): number {
  const n = heap.u16[r * 4 + SUPPRESSIONS_N]!
  let from = Number.NEGATIVE_INFINITY
  let p = heap.u32[r * 2 + SUPPRESSIONS]!
  for (let i = 0; i < n; i++, p += WORDS) {
    const missing = typeAt(heap, p)
    if (missing === type || missing === ANY_TYPE) from = Math.max(from, heap.f64[p + BEGAN]! + 1)
  }
  return from
}

/** The hash of the type of event that is missing, `ANY_TYPE`; negative: it is the suppression of a guardrail, or over. */
function typeAt(heap: Heap, p: number): number {
  return heap.f64[p + UNTIL]! - heap.f64[p + BEGAN]! - FAR_MS
}
