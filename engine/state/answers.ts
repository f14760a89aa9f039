import type { Heap } from './heap.ts'
import { HIGH } from './heap.ts'
import { ANSWERS, ANSWERS_N, ANSWERS_ROOM, ANSWERS_USED } from './record.ts'
import type { GivenAnswer } from './states.ts'

/** Answers kept, how long, and how many offers each names at most. */
export const ANSWERS_MAX = 8
export const ANSWER_KEPT_MS = 600_000
export const ANSWER_OFFERS_MAX = 64
/** An answer is 5 + n u32: id high, id low, instant low, instant high, n, then the offers. */
const HEAD = 5
const ROOM_STEP = 16

/** Remembers an answer; forgets the old ones and, of two with one id, the first. `r` is the record. */
export function addAnswer(
  heap: Heap,
  r: number,
  idHigh: number,
  idLow: number,
  at: number,
  offers: readonly number[],
): void {
  const { u32, u16 } = heap
  const h = r * 2
  dropOld(heap, r, idHigh, idLow, at)
  const used = u32[h + ANSWERS_USED]!
  const needed = used + HEAD + offers.length
  if (needed > u32[h + ANSWERS_ROOM]!) {
    const room = Math.ceil(needed / ROOM_STEP) * ROOM_STEP
    const block = heap.take(room * 4)
    const old = u32[h + ANSWERS]!
    u32.copyWithin(block * 2, old * 2, old * 2 + used)
    heap.give(old)
    u32[h + ANSWERS] = block
    u32[h + ANSWERS_ROOM] = room
  }
  const p = u32[h + ANSWERS]! * 2 + used
  u32[p] = idHigh
  u32[p + 1] = idLow
  u32[p + 2] = at
  u32[p + 3] = at / HIGH
  u32[p + 4] = offers.length
  for (let i = 0; i < offers.length; i++) u32[p + HEAD + i] = offers[i]!
  u32[h + ANSWERS_USED] = needed
  u16[r * 4 + ANSWERS_N]!++
}

/** An answer that is still kept at `now`, or null. */
export function findAnswer(heap: Heap, r: number, idHigh: number, idLow: number, now: number): GivenAnswer | null {
  const { u32 } = heap
  let p = u32[r * 2 + ANSWERS]! * 2
  for (let i = heap.u16[r * 4 + ANSWERS_N]!; i > 0; i--) {
    const at = u32[p + 3]! * HIGH + u32[p + 2]!
    if (u32[p] === idHigh >>> 0 && u32[p + 1] === idLow >>> 0 && now - at <= ANSWER_KEPT_MS) {
      return { at, offers: Array.from(u32.subarray(p + HEAD, p + HEAD + u32[p + 4]!)) }
    }
    p += HEAD + u32[p + 4]!
  }
  return null
}

function dropOld(heap: Heap, r: number, idHigh: number, idLow: number, at: number): void {
  const { u32, u16 } = heap
  const block = u32[r * 2 + ANSWERS]! * 2
  let n = u16[r * 4 + ANSWERS_N]!
  let used = u32[r * 2 + ANSWERS_USED]!
  let p = block
  for (let left = n; left > 0; left--) {
    const size = HEAD + u32[p + 4]!
    const isOld = at - (u32[p + 3]! * HIGH + u32[p + 2]!) > ANSWER_KEPT_MS
    const isSame = u32[p] === idHigh >>> 0 && u32[p + 1] === idLow >>> 0
    if (isOld || isSame || n === ANSWERS_MAX) {
      u32.copyWithin(p, p + size, block + used)
      used -= size
      n--
    } else {
      p += size
    }
  }
  u16[r * 4 + ANSWERS_N] = n
  u32[r * 2 + ANSWERS_USED] = used
}
