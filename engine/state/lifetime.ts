import type { FeatureKind } from '../../rules/model.ts'
import type { Heap } from './heap.ts'
import { paneCount } from './panes.ts'
import {
  COUNT,
  ENTRIES,
  FIRST,
  FIRST_VALUE,
  LAST,
  LAST_VALUE,
  MAX,
  MIN,
  PANES,
  PANES_AT,
  PANES_CAPACITY,
  SUM,
} from './series.ts'
import type { SeriesRules } from './series-rules.ts'
import type { WindowReader } from './window.ts'

const UNKNOWN_LOW = Number.NEGATIVE_INFINITY
const UNKNOWN_HIGH = Number.POSITIVE_INFINITY

/**
 * Aggregates over the whole life of a customer from the running totals, into `reader.out`. Exact at or after the newest entry;
 * for an earlier `asOf` what came later is taken away again, as exactly as it is kept.
 *
 * Life begins at instant 0: it is known where the series is observed since then, else the past before is unknown.
 */
export function lifetime(
  heap: Heap,
  reader: WindowReader,
  kind: FeatureKind,
  p: number,
  rules: SeriesRules,
  asOf: number,
  since: number,
): void {
  const { f64 } = heap
  let latest = UNKNOWN_LOW
  if (p === 0 || f64[p + COUNT] === 0 || f64[p + FIRST]! > asOf) {
    nothing(reader.out, kind)
  } else if (f64[p + LAST]! <= asOf) {
    latest = f64[p + LAST]!
    wholly(heap, reader, kind, p, rules, asOf)
  } else {
    latest = partly(heap, reader, kind, p, rules, asOf)
  }
  if (since > 0) forgetPast(reader.out, kind, rules.nonNegative, asOf, since, latest)
}

function answer(out: Float64Array, lo: number, hi: number): void {
  out[0] = lo
  out[1] = hi
}

function nothing(out: Float64Array, kind: FeatureKind): void {
  if (kind === 'count' || kind === 'sum' || kind === 'distinct') answer(out, 0, 0)
  else answer(out, UNKNOWN_LOW, UNKNOWN_HIGH)
}

/** Nothing lies after `asOf`. */
function wholly(
  heap: Heap,
  reader: WindowReader,
  kind: FeatureKind,
  p: number,
  rules: SeriesRules,
  asOf: number,
): void {
  if (kind === 'distinct') {
    distinct(heap, reader, p, rules, asOf)
    return
  }
  const value = total(heap.f64, kind, p, asOf)
  answer(reader.out, value, value)
}

function total(f64: Float64Array, kind: FeatureKind, p: number, asOf: number): number {
  switch (kind) {
    case 'sum':
      return f64[p + SUM]!
    case 'min':
      return f64[p + MIN]!
    case 'max':
      return f64[p + MAX]!
    case 'average':
      return f64[p + SUM]! / f64[p + COUNT]!
    case 'first':
      return f64[p + FIRST_VALUE]!
    case 'last':
      return f64[p + LAST_VALUE]!
    case 'time_since':
      return asOf - f64[p + LAST]!
    default:
      return f64[p + COUNT]!
  }
}

/** Something lies after `asOf`, and something before. Returns the instant of the latest entry before, or a floor of it. */
function partly(
  heap: Heap,
  reader: WindowReader,
  kind: FeatureKind,
  p: number,
  rules: SeriesRules,
  asOf: number,
): number {
  const { f64 } = heap
  const { out } = reader
  if (kind === 'first') answer(out, f64[p + FIRST_VALUE]!, f64[p + FIRST_VALUE]!)
  else if (kind === 'distinct') distinct(heap, reader, p, rules, asOf)
  else if (kind === 'last' || kind === 'time_since') return latestOf(heap, reader, kind, p, rules, asOf)
  else if (kind === 'min' || kind === 'max') extreme(heap, reader, kind, p, rules, asOf)
  else remaining(heap, reader, kind, p, rules, asOf)
  return UNKNOWN_LOW
}

/** Count, sum or average: the total less what came later. */
function remaining(
  heap: Heap,
  reader: WindowReader,
  kind: FeatureKind,
  p: number,
  rules: SeriesRules,
  asOf: number,
): void {
  const { f64 } = heap
  const { out } = reader
  reader.open(p, rules, asOf + 1, f64[p + LAST]!, UNKNOWN_LOW)
  reader.count()
  const most = f64[p + COUNT]! - out[0]!
  const least = Math.max(1, f64[p + COUNT]! - out[1]!)
  if (kind === 'count') {
    answer(out, least, most)
    return
  }
  reader.sum()
  const lo = f64[p + SUM]! - out[1]!
  const hi = f64[p + SUM]! - out[0]!
  if (kind === 'sum') {
    answer(out, lo, hi)
    return
  }
  const mean = { lo: lo / (lo >= 0 ? most : least), hi: hi / (hi >= 0 ? least : most) }
  answer(out, Math.max(mean.lo, f64[p + MIN]!), Math.min(mean.hi, f64[p + MAX]!))
}

/** The total's extreme was reached by `asOf` when it is beyond all that came later; else it lies between it and what is kept. */
function extreme(
  heap: Heap,
  reader: WindowReader,
  kind: 'min' | 'max',
  p: number,
  rules: SeriesRules,
  asOf: number,
): void {
  const { f64 } = heap
  const { out } = reader
  const min = f64[p + MIN]!
  const max = f64[p + MAX]!
  reader.open(p, rules, asOf + 1, f64[p + LAST]!, UNKNOWN_LOW)
  if (kind === 'min') reader.min()
  else reader.max()
  if (kind === 'min' && out[0]! > min) {
    answer(out, min, min)
    return
  }
  if (kind === 'max' && out[1]! < max) {
    answer(out, max, max)
    return
  }
  reader.open(p, rules, 0, asOf, UNKNOWN_LOW)
  if (kind === 'min') reader.min()
  else reader.max()
  if (kind === 'min') answer(out, reader.isWhole ? Math.max(min, out[0]!) : min, Math.min(max, out[1]!))
  else answer(out, Math.max(min, out[0]!), reader.isWhole ? Math.min(max, out[1]!) : max)
}

function latestOf(
  heap: Heap,
  reader: WindowReader,
  kind: 'last' | 'time_since',
  p: number,
  rules: SeriesRules,
  asOf: number,
): number {
  const { f64 } = heap
  const { out } = reader
  reader.open(p, rules, 0, asOf, UNKNOWN_LOW)
  const latest = reader.latest()
  if (latest === UNKNOWN_LOW) {
    // Only dropped entries lie before: one of them at FIRST, the others anywhere up to `asOf`.
    if (kind === 'last') answer(out, f64[p + MIN]!, f64[p + MAX]!)
    else answer(out, 0, asOf - f64[p + FIRST]!)
    return f64[p + FIRST]!
  }
  if (kind === 'last') reader.last()
  else reader.timeSince()
  return latest
}

/** Those kept are counted; each one dropped may be another value. */
function distinct(heap: Heap, reader: WindowReader, p: number, rules: SeriesRules, asOf: number): void {
  const { f64, u16, u32 } = heap
  const { out } = reader
  let kept = u16[p * 4 + ENTRIES]!
  for (let i = 0; i < u16[p * 4 + PANES]!; i++) {
    kept += paneCount(heap, rules.valued, u32[p * 2 + PANES_AT]!, u16[p * 4 + PANES_CAPACITY]!, i)
  }
  const dropped = f64[p + COUNT]! - kept
  reader.open(p, rules, 0, asOf, UNKNOWN_LOW)
  reader.isWhole = true
  reader.distinct()
  reader.close()
  answer(out, Math.max(1, out[0]!), Math.max(1, out[1]! + dropped))
}

/** Takes back what the unknown past before `since` may change. */
function forgetPast(
  out: Float64Array,
  kind: FeatureKind,
  nonNegative: boolean,
  asOf: number,
  since: number,
  latest: number,
): void {
  const isUnknown =
    kind === 'average' ||
    kind === 'first' ||
    (kind === 'last' && latest < since) ||
    (kind === 'sum' && !nonNegative) ||
    (kind !== 'count' && kind !== 'distinct' && kind !== 'sum' && latest === UNKNOWN_LOW && out[0] === UNKNOWN_LOW)
  if (isUnknown) {
    answer(out, UNKNOWN_LOW, UNKNOWN_HIGH)
    return
  }
  if (kind === 'count' || kind === 'sum' || kind === 'distinct' || kind === 'max') out[1] = UNKNOWN_HIGH
  else if (kind === 'min') out[0] = nonNegative ? 0 : UNKNOWN_LOW
  else if (kind === 'time_since' && latest < since) out[0] = Math.min(out[0]!, Math.max(0, asOf - since))
}
