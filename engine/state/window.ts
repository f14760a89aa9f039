import { DistinctSet } from './distinct.ts'
import type { Heap } from './heap.ts'
import { HIGH } from './heap.ts'
import { paneAt, paneCount, paneFirst, paneLast } from './panes.ts'
import { DROPPED, ENTRIES, entryAt, LAST, lowsOf, PANES, PANES_AT, PANES_CAPACITY, START, valuesOf } from './series.ts'
import { NO_RULES, type SeriesRules } from './series-rules.ts'

/** How a pane lies to the window: bits, 0 is wholly inside. */
const BEGINS_BEFORE = 1
const ENDS_AFTER = 2

/**
 * Aggregates of one series over a closed stretch of time, as intervals that hold the true value: exact entries count fully,
 * a pane across an edge of the stretch has at least one entry on each side of it. The answer lands in `lo` and `hi`.
 *
 * Where the past is not known (`isWhole` false) the answers say so: an open end, or unknown.
 */
export class WindowReader {
  /** The answer of the last question: [lo, hi]. */
  readonly out = new Float64Array(2)
  /** Whether every entry of the stretch was observed and is still kept. */
  isWhole = true
  readonly #heap: Heap
  readonly #distinct = new DistinctSet()
  /** Start, end, instant since which the series is observed. */
  readonly #times = new Float64Array(3)
  #p = 0
  #rules: SeriesRules = NO_RULES
  #valued = false
  #nonNegative = false
  #from = 0
  #to = 0
  #paneFrom = 0
  #paneTo = 0
  #panes = 0
  #panesCapacity = 0

  constructor(heap: Heap) {
    this.#heap = heap
  }

  /** Forgets the series looked at last: it may have changed since. */
  close(): void {
    this.#p = -1
  }

  /** Looks at series `p` (0: no entries) from `start` to `end`, both included. */
  open(p: number, rules: SeriesRules, start: number, end: number, since: number): void {
    const times = this.#times
    if (p === this.#p && rules === this.#rules && start === times[0] && end === times[1]) return
    this.#p = p
    this.#rules = rules
    this.#valued = rules.valued
    this.#nonNegative = rules.nonNegative
    times[0] = start
    times[1] = end
    times[2] = since
    this.isWhole = start >= since
    this.#from = 0
    this.#to = 0
    this.#paneFrom = 0
    this.#paneTo = 0
    if (p === 0) return
    const { f64, u16, u32 } = this.#heap
    const last = f64[p + LAST]!
    if (start <= f64[p + DROPPED]!) this.isWhole = false
    const n = u16[p * 4 + ENTRIES]!
    this.#from = this.#search(p, rules, n, start)
    this.#to = last <= end ? n : this.#search(p, rules, n, end + 1)
    const panes = u16[p * 4 + PANES]!
    if (panes === 0) return
    this.#panes = u32[p * 2 + PANES_AT]!
    this.#panesCapacity = u16[p * 4 + PANES_CAPACITY]!
    this.#paneFrom = paneAt(this.#heap, rules.valued, this.#panes, this.#panesCapacity, panes, start)
    let to = panes
    if (last > end) while (to > this.#paneFrom && this.#paneFirst(to - 1) > end) to--
    this.#paneTo = to
  }

  /** Number of entries. */
  count(): void {
    let lo = this.#to - this.#from
    let hi = lo
    for (let i = this.#paneFrom; i < this.#paneTo; i++) {
      const edge = this.#edgeOf(i)
      const count = paneCount(this.#heap, this.#valued, this.#panes, this.#panesCapacity, i)
      if (edge === 0) lo += count
      else if (edge !== 3) lo++
      hi += edge === 0 ? count : edge === 3 ? count - 2 : count - 1
    }
    this.#answer(lo, this.isWhole ? hi : Number.POSITIVE_INFINITY)
  }

  /** Sum of the values. */
  sum(): void {
    if (!this.isWhole && !this.#nonNegative) {
      this.unknown()
      return
    }
    const { f64 } = this.#heap
    const values = this.#values()
    let lo = sumOf(f64, values + this.#from, values + this.#to)
    let hi = lo
    for (let i = this.#paneFrom; i < this.#paneTo; i++) {
      const k = this.#panes + i
      const cap = this.#panesCapacity
      const positive = f64[k]!
      const negative = f64[k + cap]!
      const edge = this.#edgeOf(i)
      if (edge === 0) {
        lo += positive + negative
        hi += positive + negative
      } else if (edge === 3) {
        lo += negative
        hi += positive
      } else {
        // One entry at least is inside and one outside: with values of one sign that narrows both ends.
        const min = f64[k + 2 * cap]!
        const max = f64[k + 3 * cap]!
        lo += negative === 0 ? min : positive === 0 ? negative - max : negative
        hi += positive === 0 ? max : negative === 0 ? positive - min : positive
      }
    }
    this.#answer(lo, this.isWhole ? hi : Number.POSITIVE_INFINITY)
  }

  /** Smallest value; unknown of nothing. */
  min(): void {
    const { f64 } = this.#heap
    let lo = Number.POSITIVE_INFINITY
    const values = this.#values()
    for (let i = values + this.#from; i < values + this.#to; i++) if (f64[i]! < lo) lo = f64[i]!
    let hi = lo
    let certain = this.#to > this.#from
    for (let i = this.#paneFrom; i < this.#paneTo; i++) {
      const min = f64[this.#panes + 2 * this.#panesCapacity + i]!
      const max = f64[this.#panes + 3 * this.#panesCapacity + i]!
      const edge = this.#edgeOf(i)
      lo = Math.min(lo, min)
      if (edge !== 3) {
        hi = Math.min(hi, edge === 0 ? min : max)
        certain = true
      }
    }
    if (!certain) {
      this.unknown()
      return
    }
    this.#answer(this.isWhole ? lo : this.#nonNegative ? 0 : Number.NEGATIVE_INFINITY, hi)
  }

  /** Largest value; unknown of nothing. */
  max(): void {
    const { f64 } = this.#heap
    let hi = Number.NEGATIVE_INFINITY
    const values = this.#values()
    for (let i = values + this.#from; i < values + this.#to; i++) if (f64[i]! > hi) hi = f64[i]!
    let lo = hi
    let certain = this.#to > this.#from
    for (let i = this.#paneFrom; i < this.#paneTo; i++) {
      const min = f64[this.#panes + 2 * this.#panesCapacity + i]!
      const max = f64[this.#panes + 3 * this.#panesCapacity + i]!
      const edge = this.#edgeOf(i)
      hi = Math.max(hi, max)
      if (edge !== 3) {
        lo = Math.max(lo, edge === 0 ? max : min)
        certain = true
      }
    }
    if (!certain) {
      this.unknown()
      return
    }
    this.#answer(lo, this.isWhole ? hi : Number.POSITIVE_INFINITY)
  }

  /** Mean of the values; unknown of nothing and where the past is not known. */
  average(): void {
    if (!this.isWhole) {
      this.unknown()
      return
    }
    const { out } = this
    this.count()
    const least = out[0]!
    const most = out[1]!
    if (least === 0) {
      this.unknown()
      return
    }
    this.sum()
    if (least === most && out[0] === out[1]) {
      this.#answer(out[0]! / least, out[0]! / least)
      return
    }
    const lo = out[0]! / (out[0]! >= 0 ? most : least)
    const hi = out[1]! / (out[1]! >= 0 ? least : most)
    this.min()
    const min = out[0]!
    this.max()
    this.#answer(Math.max(lo, min), Math.min(hi, out[1]!))
  }

  /** Value of the earliest entry; of simultaneous ones the smallest. */
  first(): void {
    if (!this.isWhole) {
      this.unknown()
      return
    }
    if (this.#paneFrom < this.#paneTo) {
      this.#valueOfPane(this.#paneFrom)
      return
    }
    if (this.#from === this.#to) {
      this.unknown()
      return
    }
    const value = this.#heap.f64[this.#values() + this.#from]!
    this.#answer(value, value)
  }

  /** Value of the latest entry; of simultaneous ones the largest. */
  last(): void {
    if (!this.isWhole && this.latest() < this.#times[2]!) {
      this.unknown()
      return
    }
    if (this.#from < this.#to) {
      const value = this.#heap.f64[this.#values() + this.#to - 1]!
      this.#answer(value, value)
      return
    }
    if (this.#paneFrom === this.#paneTo) {
      this.unknown()
      return
    }
    this.#valueOfPane(this.#paneTo - 1)
  }

  /** Milliseconds from the latest entry to the end of the stretch. */
  timeSince(): void {
    const end = this.#times[1]!
    const latest = this.latest()
    if (latest === Number.NEGATIVE_INFINITY) {
      this.unknown()
      return
    }
    const since = this.#times[2]!
    const isExact = this.#from < this.#to || (this.#edgeOf(this.#paneTo - 1) & ENDS_AFTER) === 0
    const newest = !this.isWhole && latest < since ? Math.min(end, since) : latest
    this.#answer(isExact ? end - newest : 0, end - latest)
  }

  /** Number of different values. */
  distinct(): void {
    const { f64 } = this.#heap
    const set = this.#distinct
    set.clear(this.#to - this.#from + 2 * (this.#paneTo - this.#paneFrom))
    const values = this.#values()
    for (let i = values + this.#from; i < values + this.#to; i++) set.add(f64[i]!)
    let more = 0
    let certain = 0
    for (let i = this.#paneFrom; i < this.#paneTo; i++) {
      const min = f64[this.#panes + 2 * this.#panesCapacity + i]!
      const max = f64[this.#panes + 3 * this.#panesCapacity + i]!
      const count = paneCount(this.#heap, true, this.#panes, this.#panesCapacity, i)
      const edge = this.#edgeOf(i)
      if (edge === 3) {
        more += min === max ? 1 : count - 2
        continue
      }
      certain = 1
      if (edge === 0 || min === max) {
        set.add(min)
        set.add(max)
        more += min === max ? 0 : count - 2
      } else {
        more += count - 1
      }
    }
    this.#answer(Math.max(certain, set.size), this.isWhole ? set.size + more : Number.POSITIVE_INFINITY)
  }

  /** A floor for the instant of the latest entry that is certain, exact unless a pane lies across the end; -Infinity: none. */
  latest(): number {
    if (this.#from < this.#to) {
      return entryAt(this.#heap, this.#rules, this.#p, lowsOf(this.#heap, this.#valued, this.#p), this.#to - 1)
    }
    if (this.#paneFrom === this.#paneTo) return Number.NEGATIVE_INFINITY
    const i = this.#paneTo - 1
    const edge = this.#edgeOf(i)
    if (edge === 3) return i > this.#paneFrom ? this.#paneLast(i - 1) : Number.NEGATIVE_INFINITY
    return edge === ENDS_AFTER ? this.#paneFirst(i) : this.#paneLast(i)
  }

  /** Answers that nothing is known. */
  unknown(): void {
    this.#answer(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  }

  #answer(lo: number, hi: number): void {
    this.out[0] = lo
    this.out[1] = hi
  }

  /** Word of the value of entry 0. */
  #values(): number {
    return this.#p === 0 ? 0 : valuesOf(this.#heap, this.#p)
  }

  #valueOfPane(i: number): void {
    if (this.#edgeOf(i) === 3) {
      this.unknown()
      return
    }
    const k = this.#panes + 2 * this.#panesCapacity + i
    this.#answer(this.#heap.f64[k]!, this.#heap.f64[k + this.#panesCapacity]!)
  }

  #edgeOf(i: number): number {
    const before = this.#paneFirst(i) < this.#times[0]! ? BEGINS_BEFORE : 0
    return this.#paneLast(i) > this.#times[1]! ? before | ENDS_AFTER : before
  }

  #paneFirst(i: number): number {
    return paneFirst(this.#heap, this.#valued, this.#panes, this.#panesCapacity, i)
  }

  #paneLast(i: number): number {
    return paneLast(this.#heap, this.#valued, this.#panes, this.#panesCapacity, i)
  }

  /** Index of the first entry at or after `at`. */
  #search(p: number, rules: SeriesRules, n: number, at: number): number {
    const { f64, u16, u32 } = this.#heap
    const lows = lowsOf(this.#heap, rules.valued, p)
    let from = 0
    let to = n
    if (rules.wide) {
      while (from < to) {
        const middle = (from + to) >>> 1
        if (entryAt(this.#heap, rules, p, lows, middle) < at) from = middle + 1
        else to = middle
      }
      return from
    }
    // Ages before the last entry, as 32-bit integers.
    const last = f64[p + LAST]!
    const age = last - at
    if (age < 0) return n
    if (age >= HIGH) return 0
    const low = lows + u16[p * 4 + START]!
    const lastLow = last | 0
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((lastLow - u32[low + middle]!) >>> 0 > age) from = middle + 1
      else to = middle
    }
    return from
  }
}

/** Sum of the elements from `from` to `to`, four at a time: additions that wait for each other take four times as long. */
function sumOf(f64: Float64Array, from: number, to: number): number {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = from
  for (; i + 3 < to; i += 4) {
    a += f64[i]!
    b += f64[i + 1]!
    c += f64[i + 2]!
    d += f64[i + 3]!
  }
  for (; i < to; i++) a += f64[i]!
  return a + b + (c + d)
}
