import type { ByteReader, ByteWriter } from './bytes.ts'
import type { Heap } from './heap.ts'
import { HIGH, StateError } from './heap.ts'
import { type Pane, paneCount, paneFirst, paneLast } from './panes.ts'
import {
  BOUND,
  COUNT,
  DROPPED,
  ENTRIES,
  entryAt,
  entryValue,
  FIRST,
  FIRST_VALUE,
  insertPane,
  LAST,
  LAST_VALUE,
  lowsOf,
  MAX,
  MIN,
  PANES,
  PANES_AT,
  PANES_CAPACITY,
  putEntry,
  SUM,
} from './series.ts'
import { keptSince, type SeriesRules } from './series-rules.ts'

const VALUED = 1
/** All values of the entries are integers that are not negative: they are written without sign and tag. */
const NATURAL = 2
const NATURAL_MAX = 2 ** 50
const SMALL = 2 ** 31
/** Far above what a bound and the panes of a layout allow. */
const PIECES_MAX = 60_000

/** Appends a series: flags, lowered bound or 0, totals, panes, entries; instants as differences to the one before. */
export function writeSeries(heap: Heap, rules: SeriesRules, p: number, writer: ByteWriter): void {
  const { f64, u16 } = heap
  const { valued } = rules
  const n = u16[p * 4 + ENTRIES]!
  const panes = u16[p * 4 + PANES]!
  const bound = u16[p * 4 + BOUND]!
  const natural = valued && isNatural(heap, p, n)
  writer.reserve(96)
  writer.u8((valued ? VALUED : 0) | (natural ? NATURAL : 0))
  writer.varint(bound < rules.bound ? bound : 0)
  writer.varint(f64[p + COUNT]!)
  writer.varint(f64[p + FIRST]!)
  writer.varint(f64[p + LAST]! - f64[p + FIRST]!)
  writer.varint(f64[p + DROPPED]! + 1)
  if (valued) for (const field of [SUM, MIN, MAX, FIRST_VALUE, LAST_VALUE]) writer.number(f64[p + field]!)
  writer.varint(panes)
  writer.varint(n)
  let before = writePanes(heap, valued, p, panes, writer)
  const lows = lowsOf(heap, valued, p)
  writer.reserve(n * 17)
  for (let i = 0; i < n; i++) {
    const at = entryAt(heap, rules, p, lows, i)
    const delta = at - before
    if (delta < SMALL) writer.small(delta | 0)
    else writer.varint(delta)
    before = at
    if (!valued) continue
    const value = entryValue(heap, p, i)
    if (natural && value < SMALL) writer.small(value | 0)
    else if (natural) writer.varint(value)
    else writer.number(value)
  }
}

function writePanes(heap: Heap, valued: boolean, p: number, n: number, writer: ByteWriter): number {
  const { f64, u16, u32 } = heap
  const block = u32[p * 2 + PANES_AT]!
  const cap = u16[p * 4 + PANES_CAPACITY]!
  let before = f64[p + FIRST]!
  for (let i = 0; i < n; i++) {
    writer.reserve(64)
    const first = paneFirst(heap, valued, block, cap, i)
    const last = paneLast(heap, valued, block, cap, i)
    writer.varint(first - before)
    writer.varint(last - first)
    writer.varint(paneCount(heap, valued, block, cap, i))
    if (valued) for (let field = 0; field < 4; field++) writer.number(f64[block + field * cap + i]!)
    before = last
  }
  return before
}

function isNatural(heap: Heap, p: number, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const value = entryValue(heap, p, i)
    if (!(value >= 0 && value < NATURAL_MAX && Math.floor(value) === value)) return false
  }
  return true
}

type Header = {
  flags: number
  bound: number
  count: number
  first: number
  last: number
  dropped: number
  panes: number
  n: number
}

const pane: Pane = { first: 0, last: 0, count: 0, positive: 0, negative: 0, min: 0, max: 0 }
const totals = [0, 0, 0, 0, 0]

function readHeader(reader: ByteReader): Header {
  const flags = reader.u8()
  const bound = reader.count(PIECES_MAX)
  const count = reader.varint()
  const first = reader.instant()
  const last = first + reader.instant()
  const dropped = reader.instant() - 1
  for (let i = 0; i < 5; i++) totals[i] = flags & VALUED ? reader.number() : 0
  return { flags, bound, count, first, last, dropped, panes: reader.count(PIECES_MAX), n: reader.count(PIECES_MAX) }
}

function readPane(reader: ByteReader, flags: number, before: number): void {
  pane.first = before + reader.instant()
  pane.last = pane.first + reader.instant()
  pane.count = reader.count(HIGH - 1)
  if (!(flags & VALUED)) return
  pane.positive = reader.number()
  pane.negative = reader.number()
  pane.min = reader.number()
  pane.max = reader.number()
}

function readValue(reader: ByteReader, flags: number): number {
  if (!(flags & VALUED)) return 0
  return flags & NATURAL ? reader.varint() : reader.number()
}

/** Reads over a series. */
export function skipSeries(reader: ByteReader): void {
  const header = readHeader(reader)
  for (let i = 0; i < header.panes; i++) readPane(reader, header.flags, 0)
  for (let i = 0; i < header.n; i++) {
    reader.varint()
    readValue(reader, header.flags)
  }
}

/**
 * Reads a series into the block that `take` gives for a number of entries. A series stored without values cannot serve one
 * with values: it is dropped, and 0 returned.
 */
export function readSeries(
  heap: Heap,
  rules: SeriesRules,
  reader: ByteReader,
  take: (entries: number) => number,
): number {
  const header = readHeader(reader)
  const { flags, n } = header
  const isUsable = !rules.valued || (flags & VALUED) !== 0
  if (n > reader.left) throw new StateError('state_corrupt', 'a stored count is too large')
  const p = isUsable ? take(n) : 0
  if (isUsable) putTotals(heap, rules, p, header)
  // Under a layout that looks back less far than the one it was written for, the older entries are not taken in.
  const cutoff = keptSince(rules, header.last)
  let dropped = header.dropped
  let before = header.first
  let panes = 0
  for (let i = 0; i < header.panes; i++) {
    readPane(reader, flags, before)
    before = pane.last
    if (before < cutoff) dropped = Math.max(dropped, before)
    else if (isUsable) insertPane(heap, rules.valued, p, panes++, pane)
  }
  let entries = 0
  for (let i = 0; i < n; i++) {
    before += reader.instant()
    const value = readValue(reader, flags)
    if (before < cutoff) dropped = Math.max(dropped, before)
    else if (isUsable) putEntry(heap, rules, p, entries++, before, value)
  }
  if (before > header.last) throw new StateError('state_corrupt', 'a stored series is out of order')
  if (!isUsable) return 0
  heap.u16[p * 4 + ENTRIES] = entries
  heap.f64[p + DROPPED] = dropped
  return p
}

function putTotals(heap: Heap, rules: SeriesRules, p: number, header: Header): void {
  const { f64 } = heap
  f64[p + COUNT] = header.count
  f64[p + FIRST] = header.first
  f64[p + LAST] = header.last
  if (header.bound !== 0) heap.u16[p * 4 + BOUND] = Math.min(header.bound, rules.bound)
  if (rules.valued) for (let i = 0; i < totals.length; i++) f64[p + SUM + i] = totals[i]!
}
