import type { Heap } from './heap.ts'
import { HIGH } from './heap.ts'
import {
  cellWidth,
  coarsen,
  intoPane,
  movePanes,
  PANE_BYTES,
  type Pane,
  paneAt,
  paneFirst,
  paneLast,
  takePanes,
  writePane,
} from './panes.ts'
import { keptSince, type SeriesRules } from './series-rules.ts'

/**
 * One series of one customer: running totals, exact entries (the newest `bound`, sorted by instant, then value) and the
 * panes of the older ones. A function of the set of entries added, not of their order.
 *
 * word  0 count   1 first instant   2 last instant   3 newest instant of any entry dropped (-1: none)
 *       4 u32 panes block, u16 capacity, u16 bound   5 u16 start, u16 entries, u16 panes, u16 panes capacity
 *       6 sum   7 min   8 max   9 value of the first   10 value of the last      (with values only)
 *       then capacity x f64 values (with values only), u32 low halves of the instants, u16 high halves (wide series only)
 *
 * All entries of a series that is not wide lie within 2^32 ms before the last instant: their low halves tell them.
 */
export const COUNT = 0
export const FIRST = 1
export const LAST = 2
export const DROPPED = 3
export const SUM = 6
export const MIN = 7
export const MAX = 8
export const FIRST_VALUE = 9
export const LAST_VALUE = 10
/** As indexes of the 32- or 16-bit view, from `p * 2` or `p * 4`. */
export const PANES_AT = 8
export const CAPACITY = 18
export const BOUND = 19
export const START = 20
export const ENTRIES = 21
export const PANES = 22
export const PANES_CAPACITY = 23

const PLAIN_WORDS = 6
const VALUED_WORDS = 11
const SMALLEST = 4

/** Where the low halves start, an index of the 32-bit view. */
export function lowsOf(heap: Heap, valued: boolean, p: number): number {
  return (valued ? p + VALUED_WORDS + heap.u16[p * 4 + CAPACITY]! : p + PLAIN_WORDS) * 2
}

/** Instant of entry `i`, 0 the oldest kept. `lows` is `lowsOf`. */
export function entryAt(heap: Heap, rules: SeriesRules, p: number, lows: number, i: number): number {
  const k = heap.u16[p * 4 + START]! + i
  const low = heap.u32[lows + k]!
  if (rules.wide) return heap.u16[(lows + heap.u16[p * 4 + CAPACITY]!) * 2 + k]! * HIGH + low
  const last = heap.f64[p + LAST]!
  return last - ((last - low) >>> 0)
}

/** Value of entry `i`; only for series with values. */
export function entryValue(heap: Heap, p: number, i: number): number {
  return heap.f64[valuesOf(heap, p) + i]!
}

/** Word of the value of entry 0; only for series with values. */
export function valuesOf(heap: Heap, p: number): number {
  return p + VALUED_WORDS + heap.u16[p * 4 + START]!
}

/** Bytes of content that count towards the limits of a customer: entries and panes, not spare room. */
export function contentBytes(heap: Heap, rules: SeriesRules, p: number): number {
  if (p === 0) return 0
  const pane = rules.valued ? PANE_BYTES.valued : PANE_BYTES.plain
  const h = p * 4
  return headerWords(rules.valued) * 8 + heap.u16[h + ENTRIES]! * entryBytes(rules) + heap.u16[h + PANES]! * pane
}

/** An empty series with room for `entries`. */
export function takeSeries(heap: Heap, rules: SeriesRules, entries: number): number {
  const words = headerWords(rules.valued)
  const capacity = Math.max(SMALLEST, (entries + 3) & ~3)
  const p = heap.take(words * 8 + capacity * entryBytes(rules))
  heap.f64.fill(0, p, p + words)
  heap.f64[p + DROPPED] = -1
  heap.u16[p * 4 + CAPACITY] = capacity
  heap.u16[p * 4 + BOUND] = rules.bound
  return p
}

/** Writes entry `i` of a series that has room for it; `start` must be 0. */
export function putEntry(heap: Heap, rules: SeriesRules, p: number, i: number, at: number, value: number): void {
  const lows = lowsOf(heap, rules.valued, p)
  heap.u32[lows + i] = at
  if (rules.wide) heap.u16[(lows + heap.u16[p * 4 + CAPACITY]!) * 2 + i] = at / HIGH
  if (rules.valued) heap.f64[p + VALUED_WORDS + i] = value
}

function headerWords(valued: boolean): number {
  return valued ? VALUED_WORDS : PLAIN_WORDS
}

function entryBytes(rules: SeriesRules): number {
  return (rules.valued ? 12 : 4) + (rules.wide ? 2 : 0)
}

/** Gives the series and its panes back. */
export function giveSeries(heap: Heap, p: number): void {
  if (p === 0) return
  heap.give(heap.u32[p * 2 + PANES_AT]!)
  heap.give(p)
}

/**
 * Adds an entry wherever it belongs. Amortised constant time at the end, a shift for a late one.
 * @returns the series, which may have moved; `p` 0 makes a new one
 */
export function addToSeries(heap: Heap, rules: SeriesRules, p: number, at: number, value: number): number {
  const series = p === 0 ? takeSeries(heap, rules, SMALLEST) : p
  const { f64, u16 } = heap
  const h = series * 4
  const before = f64[series + COUNT] === 0 ? at : f64[series + LAST]!
  const newest = Math.max(before, at)
  const cutoff = keptSince(rules, newest)
  // Before the last instant moves: the entries' low halves are read against it.
  if (newest > before) expire(heap, rules, series, cutoff)
  addToTotals(heap, rules.valued, series, at, value)
  if (newest > before && u16[h + PANES] !== 0) coarsenSeries(heap, rules, series, before)
  if (at < cutoff) {
    if (at > f64[series + DROPPED]!) f64[series + DROPPED] = at
    return series
  }
  if (isForPanes(heap, rules, series, at, value)) {
    addToPanes(heap, rules, series, at, value)
    return series
  }
  if (u16[h + ENTRIES]! >= u16[h + BOUND]!) retireOldest(heap, rules, series)
  return insert(heap, rules, series, at, value)
}

/** Lowers the bound of a series: the oldest entries beyond it become panes. */
export function lowerBound(heap: Heap, rules: SeriesRules, p: number, bound: number): void {
  heap.u16[p * 4 + BOUND] = bound
  while (heap.u16[p * 4 + ENTRIES]! > bound) retireOldest(heap, rules, p)
}

/** Merges panes for the windows of `rules`, whatever windows they were made for. */
export function coarsenSeries(heap: Heap, rules: SeriesRules, p: number, before: number): void {
  const h = p * 4
  const { u16 } = heap
  const panes = heap.u32[p * 2 + PANES_AT]!
  u16[h + PANES] = coarsen(heap, rules, panes, u16[h + PANES_CAPACITY]!, u16[h + PANES]!, before, heap.f64[p + LAST]!)
}

function addToTotals(heap: Heap, valued: boolean, p: number, at: number, value: number): void {
  const { f64 } = heap
  const isFirst = f64[p + COUNT]!++ === 0
  const first = f64[p + FIRST]!
  const last = f64[p + LAST]!
  if (isFirst || at < first) f64[p + FIRST] = at
  if (isFirst || at > last) f64[p + LAST] = at
  if (!valued) return
  f64[p + SUM]! += value
  if (isFirst || value < f64[p + MIN]!) f64[p + MIN] = value
  if (isFirst || value > f64[p + MAX]!) f64[p + MAX] = value
  if (isFirst || at < first || (at === first && value < f64[p + FIRST_VALUE]!)) f64[p + FIRST_VALUE] = value
  if (isFirst || at > last || (at === last && value > f64[p + LAST_VALUE]!)) f64[p + LAST_VALUE] = value
}

/** Whether an entry is older than what is kept exactly. */
function isForPanes(heap: Heap, rules: SeriesRules, p: number, at: number, value: number): boolean {
  const h = p * 4
  const { u16 } = heap
  const panes = u16[h + PANES]!
  const n = u16[h + ENTRIES]!
  if (n >= u16[h + BOUND]!) {
    const oldest = entryAt(heap, rules, p, lowsOf(heap, rules.valued, p), 0)
    return at < oldest || (at === oldest && rules.valued && value < entryValue(heap, p, 0))
  }
  if (panes === 0) return false
  return at <= paneLast(heap, rules.valued, heap.u32[p * 2 + PANES_AT]!, u16[h + PANES_CAPACITY]!, panes - 1)
}

function retireOldest(heap: Heap, rules: SeriesRules, p: number): void {
  const h = p * 4
  const at = entryAt(heap, rules, p, lowsOf(heap, rules.valued, p), 0)
  const value = rules.valued ? entryValue(heap, p, 0) : 0
  heap.u16[h + START]!++
  heap.u16[h + ENTRIES]!--
  addToPanes(heap, rules, p, at, value)
}

const single: Pane = { first: 0, last: 0, count: 1, positive: 0, negative: 0, min: 0, max: 0 }

function addToPanes(heap: Heap, rules: SeriesRules, p: number, at: number, value: number): void {
  const { valued } = rules
  const { u16, u32 } = heap
  const h = p * 4
  const n = u16[h + PANES]!
  const cap = u16[h + PANES_CAPACITY]!
  const panes = u32[p * 2 + PANES_AT]!
  const width = cellWidth(rules, heap.f64[p + LAST]!, at)
  const cell = Math.floor(at / width)
  const i = paneAt(heap, valued, panes, cap, n, at)
  if (i < n && Math.floor(paneFirst(heap, valued, panes, cap, i) / width) <= cell) {
    intoPane(heap, valued, panes, cap, i, at, value)
    return
  }
  if (i > 0 && Math.floor(paneLast(heap, valued, panes, cap, i - 1) / width) === cell) {
    intoPane(heap, valued, panes, cap, i - 1, at, value)
    return
  }
  single.first = at
  single.last = at
  single.positive = Math.max(value, 0)
  single.negative = Math.min(value, 0)
  single.min = value
  single.max = value
  insertPane(heap, valued, p, i, single)
}

/** Makes room at index `i` and writes the pane there. */
export function insertPane(heap: Heap, valued: boolean, p: number, i: number, pane: Pane): void {
  const { u16, u32 } = heap
  const h = p * 4
  const n = u16[h + PANES]!
  let cap = u16[h + PANES_CAPACITY]!
  let panes = u32[p * 2 + PANES_AT]!
  if (n === cap) {
    const larger = Math.max(SMALLEST, (cap + (cap >> 1) + 3) & ~3)
    const block = takePanes(heap, valued, larger)
    movePanes(heap, valued, { p: panes, cap, i: 0 }, { p: block, cap: larger, i: 0 }, n)
    heap.give(panes)
    u32[p * 2 + PANES_AT] = block
    u16[h + PANES_CAPACITY] = larger
    panes = block
    cap = larger
  }
  movePanes(heap, valued, { p: panes, cap, i }, { p: panes, cap, i: i + 1 }, n - i)
  writePane(heap, valued, panes, cap, i, pane)
  u16[h + PANES] = n + 1
}

/** Drops what lies before the cutoff: whole panes and entries. */
export function expire(heap: Heap, rules: SeriesRules, p: number, cutoff: number): void {
  const { f64, u16 } = heap
  const h = p * 4
  if (u16[h + PANES] !== 0) expirePanes(heap, rules.valued, p, cutoff)
  const n = u16[h + ENTRIES]!
  const lows = lowsOf(heap, rules.valued, p)
  let gone = 0
  let newest = f64[p + DROPPED]!
  for (; gone < n; gone++) {
    const at = entryAt(heap, rules, p, lows, gone)
    if (at >= cutoff) break
    newest = Math.max(newest, at)
  }
  if (gone === 0) return
  f64[p + DROPPED] = newest
  u16[h + START]! += gone
  u16[h + ENTRIES]! -= gone
}

function expirePanes(heap: Heap, valued: boolean, p: number, cutoff: number): void {
  const { f64, u16, u32 } = heap
  const h = p * 4
  const panes = u16[h + PANES]!
  const block = u32[p * 2 + PANES_AT]!
  const cap = u16[h + PANES_CAPACITY]!
  const gone = paneAt(heap, valued, block, cap, panes, cutoff)
  if (gone === 0) return
  f64[p + DROPPED] = Math.max(f64[p + DROPPED]!, paneLast(heap, valued, block, cap, gone - 1))
  if (gone === panes) {
    heap.give(block)
    u32[p * 2 + PANES_AT] = 0
    u16[h + PANES_CAPACITY] = 0
  } else {
    movePanes(heap, valued, { p: block, cap, i: gone }, { p: block, cap, i: 0 }, panes - gone)
  }
  u16[h + PANES] = panes - gone
}

/** Puts an entry into its place among the exact ones. */
function insert(heap: Heap, rules: SeriesRules, p: number, at: number, value: number): number {
  const series = withRoom(heap, rules, p)
  const { f64, u16 } = heap
  const h = series * 4
  const lows = lowsOf(heap, rules.valued, series)
  const start = u16[h + START]!
  const n = u16[h + ENTRIES]!
  const values = series + VALUED_WORDS + start
  let k = n
  while (k > 0) {
    const before = entryAt(heap, rules, series, lows, k - 1)
    if (before < at || (before === at && (!rules.valued || f64[values + k - 1]! <= value))) break
    k--
  }
  if (k < n) moveEntries(heap, rules, series, start + k, series, start + k + 1, n - k)
  putEntry(heap, rules, series, start + k, at, value)
  u16[h + ENTRIES] = n + 1
  return series
}

/** Makes sure there is room for one more entry at the end: by closing the gap at the head, else in a larger block. */
function withRoom(heap: Heap, rules: SeriesRules, p: number): number {
  const { u16 } = heap
  const h = p * 4
  const n = u16[h + ENTRIES]!
  const start = u16[h + START]!
  const capacity = u16[h + CAPACITY]!
  if (start + n < capacity) return p
  const most = roomFor(u16[h + BOUND]!)
  if (start > n >> 3 || capacity >= most) {
    moveEntries(heap, rules, p, start, p, 0, n)
    u16[h + START] = 0
    return p
  }
  const larger = takeSeries(heap, rules, Math.min(most, n + Math.max(SMALLEST, n >> 3)))
  const grown = u16[larger * 4 + CAPACITY]!
  heap.f64.copyWithin(larger, p, p + headerWords(rules.valued))
  u16[larger * 4 + CAPACITY] = grown
  moveEntries(heap, rules, p, start, larger, 0, n)
  u16[larger * 4 + START] = 0
  heap.give(p)
  return larger
}

/** Most entries a block has room for: the bound, and a gap that makes closing it rare. */
function roomFor(bound: number): number {
  return (bound + Math.max(SMALLEST, bound >> 3) + 3) & ~3
}

/** Copies `n` entries from index `i` of `from` to index `k` of `to`, which may be the same. */
function moveEntries(heap: Heap, rules: SeriesRules, from: number, i: number, to: number, k: number, n: number): void {
  const { f64, u32, u16 } = heap
  const lows = lowsOf(heap, rules.valued, from)
  const toLows = lowsOf(heap, rules.valued, to)
  const values = from + VALUED_WORDS + i
  if (rules.valued) f64.copyWithin(to + VALUED_WORDS + k, values, values + n)
  u32.copyWithin(toLows + k, lows + i, lows + i + n)
  if (!rules.wide) return
  const highs = (lows + u16[from * 4 + CAPACITY]!) * 2 + i
  u16.copyWithin((toLows + u16[to * 4 + CAPACITY]!) * 2 + k, highs, highs + n)
}
