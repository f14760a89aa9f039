import type { Heap } from './heap.ts'
import { HIGH } from './heap.ts'
import type { SeriesRules } from './series-rules.ts'

/**
 * Panes: what became of the entries beyond the bound. A pane is a run of consecutive entries that lie in one cell of a grid:
 * first and last instant, count and, with values, the sum of the positive ones, of the negative ones, min and max.
 *
 * The grid gets coarser with age: a cell of level l is `widths[l]` long and used once it lies wholly more than `ages[l]` before
 * the newest entry. So the panes are a function of the set of entries alone, whatever the order they came in.
 *
 * A block of capacity c (a multiple of 4) holds, with values: positive, negative, min, max (f64[c] each); then always: low
 * halves of first and last, count (u32[c] each), high halves of first and last (u16[c] each).
 */

/** Bytes of one pane. */
export const PANE_BYTES = { valued: 48, plain: 16 } as const

/** Where the low halves of the first instants lie in the 32-bit view. */
function firstLow(valued: boolean, p: number, cap: number): number {
  return (valued ? p + 4 * cap : p) * 2
}

/** Instant of the first entry of pane `i`. */
export function paneFirst(heap: Heap, valued: boolean, p: number, cap: number, i: number): number {
  const low = firstLow(valued, p, cap)
  return heap.u16[(low + 3 * cap) * 2 + i]! * HIGH + heap.u32[low + i]!
}

/** Instant of the last entry of pane `i`. */
export function paneLast(heap: Heap, valued: boolean, p: number, cap: number, i: number): number {
  const low = firstLow(valued, p, cap)
  return heap.u16[(low + 3 * cap) * 2 + cap + i]! * HIGH + heap.u32[low + cap + i]!
}

/** Number of entries in pane `i`. */
export function paneCount(heap: Heap, valued: boolean, p: number, cap: number, i: number): number {
  return heap.u32[firstLow(valued, p, cap) + 2 * cap + i]!
}

function setPaneFirst(heap: Heap, valued: boolean, p: number, cap: number, i: number, at: number): void {
  const low = firstLow(valued, p, cap)
  heap.u16[(low + 3 * cap) * 2 + i] = at / HIGH
  heap.u32[low + i] = at
}

function setPaneLast(heap: Heap, valued: boolean, p: number, cap: number, i: number, at: number): void {
  const low = firstLow(valued, p, cap)
  heap.u16[(low + 3 * cap) * 2 + cap + i] = at / HIGH
  heap.u32[low + cap + i] = at
}

/** Everything a pane holds, to write one whole. */
export type Pane = {
  first: number
  last: number
  count: number
  positive: number
  negative: number
  min: number
  max: number
}

/** Writes pane `i`; `pane` is read at once. */
export function writePane(heap: Heap, valued: boolean, p: number, cap: number, i: number, pane: Pane): void {
  setPaneFirst(heap, valued, p, cap, i, pane.first)
  setPaneLast(heap, valued, p, cap, i, pane.last)
  heap.u32[firstLow(valued, p, cap) + 2 * cap + i] = pane.count
  if (!valued) return
  heap.f64[p + i] = pane.positive
  heap.f64[p + cap + i] = pane.negative
  heap.f64[p + 2 * cap + i] = pane.min
  heap.f64[p + 3 * cap + i] = pane.max
}

/** Block for `cap` panes (a multiple of 4). */
export function takePanes(heap: Heap, valued: boolean, cap: number): number {
  return heap.take(cap * (valued ? PANE_BYTES.valued : PANE_BYTES.plain))
}

/** Copies `n` panes from one place to another: a larger block, or the same one to open or close a gap. */
export function movePanes(
  heap: Heap,
  valued: boolean,
  from: { p: number; cap: number; i: number },
  to: { p: number; cap: number; i: number },
  n: number,
): void {
  if (n <= 0) return
  const { f64, u32, u16 } = heap
  if (valued) {
    for (let k = 0; k < 4; k++) {
      const source = from.p + k * from.cap + from.i
      f64.copyWithin(to.p + k * to.cap + to.i, source, source + n)
    }
  }
  const low = firstLow(valued, from.p, from.cap)
  const toLow = firstLow(valued, to.p, to.cap)
  for (let k = 0; k < 3; k++) {
    const source = low + k * from.cap + from.i
    u32.copyWithin(toLow + k * to.cap + to.i, source, source + n)
  }
  for (let k = 0; k < 2; k++) {
    const source = (low + 3 * from.cap) * 2 + k * from.cap + from.i
    u16.copyWithin((toLow + 3 * to.cap) * 2 + k * to.cap + to.i, source, source + n)
  }
}

/** Index of the first pane whose last entry is at or after `at`; `n` when there is none. */
export function paneAt(heap: Heap, valued: boolean, p: number, cap: number, n: number, at: number): number {
  let low = 0
  let high = n
  while (low < high) {
    const middle = (low + high) >>> 1
    if (paneLast(heap, valued, p, cap, middle) < at) low = middle + 1
    else high = middle
  }
  return low
}

/** Puts one entry into pane `i`. */
export function intoPane(
  heap: Heap,
  valued: boolean,
  p: number,
  cap: number,
  i: number,
  at: number,
  value: number,
): void {
  if (at < paneFirst(heap, valued, p, cap, i)) setPaneFirst(heap, valued, p, cap, i, at)
  if (at > paneLast(heap, valued, p, cap, i)) setPaneLast(heap, valued, p, cap, i, at)
  heap.u32[firstLow(valued, p, cap) + 2 * cap + i]!++
  if (!valued) return
  const { f64 } = heap
  if (value > 0) f64[p + i]! += value
  else f64[p + cap + i]! += value
  if (value < f64[p + 2 * cap + i]!) f64[p + 2 * cap + i] = value
  if (value > f64[p + 3 * cap + i]!) f64[p + 3 * cap + i] = value
}

/** Merges pane `i + 1` into pane `i`; the caller closes the gap. */
function mergeInto(heap: Heap, valued: boolean, p: number, cap: number, i: number, from: number): void {
  setPaneLast(heap, valued, p, cap, i, paneLast(heap, valued, p, cap, from))
  const counts = firstLow(valued, p, cap) + 2 * cap
  heap.u32[counts + i]! += heap.u32[counts + from]!
  if (!valued) return
  const { f64 } = heap
  f64[p + i]! += f64[p + from]!
  f64[p + cap + i]! += f64[p + cap + from]!
  f64[p + 2 * cap + i] = Math.min(f64[p + 2 * cap + i]!, f64[p + 2 * cap + from]!)
  f64[p + 3 * cap + i] = Math.max(f64[p + 3 * cap + i]!, f64[p + 3 * cap + from]!)
}

/** Entries before this instant are in cells of level `level` or above, when the newest entry is at `newest`. */
function border(rules: SeriesRules, level: number, newest: number): number {
  const width = rules.widths[level]!
  return Math.floor((newest - rules.ages[level]!) / width) * width
}

/** Width of the cell that `at` lies in; the cell starts at a multiple of it. */
export function cellWidth(rules: SeriesRules, newest: number, at: number): number {
  let level = rules.widths.length - 1
  while (level > 0 && at >= border(rules, level, newest)) level--
  return rules.widths[level]!
}

/**
 * Merges the panes whose cells became coarser when the newest entry moved from `before` to `newest`; `before` -Infinity
 * looks at all. Returns how many panes are left.
 */
export function coarsen(
  heap: Heap,
  rules: SeriesRules,
  p: number,
  cap: number,
  n: number,
  before: number,
  newest: number,
): number {
  let left = n
  for (let level = 1; level < rules.widths.length; level++) {
    const from = before === Number.NEGATIVE_INFINITY ? before : border(rules, level, before)
    const to = border(rules, level, newest)
    if (to > from) left = mergeCells(heap, rules, p, cap, left, { from, to, width: rules.widths[level]! })
  }
  return left
}

function mergeCells(
  heap: Heap,
  rules: SeriesRules,
  p: number,
  cap: number,
  n: number,
  cells: { from: number; to: number; width: number },
): number {
  const { valued } = rules
  const { width, to } = cells
  let kept = paneAt(heap, valued, p, cap, n, cells.from)
  let next = kept + 1
  while (next < n && paneFirst(heap, valued, p, cap, next) < to) {
    const cell = Math.floor(paneFirst(heap, valued, p, cap, kept) / width)
    if (cell === Math.floor(paneFirst(heap, valued, p, cap, next) / width)) {
      mergeInto(heap, valued, p, cap, kept, next)
    } else {
      kept++
      if (kept !== next) movePanes(heap, valued, { p, cap, i: next }, { p, cap, i: kept }, 1)
    }
    next++
  }
  if (next >= n) return Math.min(n, kept + 1)
  if (kept + 1 !== next) movePanes(heap, valued, { p, cap, i: next }, { p, cap, i: kept + 1 }, n - next)
  return kept + 1 + n - next
}
