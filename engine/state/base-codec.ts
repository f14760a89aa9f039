import type { ByteReader, ByteWriter } from './bytes.ts'
import { checksum } from './bytes.ts'
import type { Directory } from './directory.ts'
import type { Heap } from './heap.ts'
import { StateError } from './heap.ts'
import { ANY_TYPE, BEFORE, feedIn } from './origins.ts'
import type { RecordShape } from './record.ts'
import { blockAt, NEWEST_ACCEPTED, SERIES_BYTES } from './record.ts'
import { readSections, writeSections } from './section-codec.ts'
import { BOUND, coarsenSeries, contentBytes, lowerBound, takeSeries } from './series.ts'
import { readSeries, skipSeries, writeSeries } from './series-codec.ts'
import type { SeriesRules } from './series-rules.ts'

/** Version of the stored layout that is written, the first byte of bases and patches; what the older ones lacked says `readSections`. */
export const LAYOUT_VERSION = 4
/** From this version on states say where their data came from. */
export const ORIGINS_SINCE = 4
/** An event may say to have happened so much after it was taken. */
export const SKEW_MS = 5_000
const OLDEST_VERSION = 1
export const CHECKSUM_BYTES = 4
const KEYS_MAX = 60_000

/** The parts a codec needs, made once for a layout. */
export type CodecParts = {
  readonly heap: Heap
  readonly shape: RecordShape
  readonly rules: readonly SeriesRules[]
  readonly directory: Directory
}

/**
 * Appends the whole state: version, attributes, series, the small sections, checksum. A function of the state alone, so equal
 * states have equal bytes.
 */
export function writeBase(parts: CodecParts, r: number, writer: ByteWriter): void {
  const { heap, shape, rules, directory } = parts
  const start = writer.at
  writer.reserve(32)
  writer.u8(LAYOUT_VERSION)
  let attributes = 0
  for (let i = 0; i < shape.attributes; i++) if (heap.f64[r + shape.setAts + i]! >= 0) attributes++
  writer.varint(attributes)
  for (let i = 0; i < shape.attributes; i++) {
    const setAt = heap.f64[r + shape.setAts + i]!
    if (setAt < 0) continue
    writer.reserve(32)
    writer.key(directory.keys[i]!)
    writer.varint(setAt)
    writer.numberOrNothing(heap.f64[r + shape.values + i]!)
  }
  let series = 0
  for (let i = 0; i < shape.series; i++) if (heap.u32[blockAt(shape, r, i)] !== 0) series++
  writer.reserve(8)
  writer.varint(series)
  for (let i = 0; i < shape.series; i++) {
    const p = heap.u32[blockAt(shape, r, i)]!
    if (p === 0) continue
    writer.reserve(8)
    writer.key(directory.keys[shape.attributes + i]!)
    writeSeries(heap, rules[i]!, p, writer)
  }
  writeSections(heap, r, writer)
  writer.reserve(CHECKSUM_BYTES)
  writer.u32(checksum(writer.bytes, start, writer.at))
}

/** Numbers the keys as a reader of the base that `writeBase` writes would. */
export function renumber(parts: CodecParts, r: number): void {
  const { heap, shape, directory } = parts
  directory.clear(r)
  for (let i = 0; i < shape.attributes; i++) if (heap.f64[r + shape.setAts + i]! >= 0) directory.name(r, i)
  for (let i = 0; i < shape.series; i++) {
    if (heap.u32[blockAt(shape, r, i)] !== 0) directory.name(r, shape.attributes + i)
  }
}

/**
 * Reads a base into an empty record. Attributes and series the layout does not know are read over and dropped.
 * @param targets gets the target of each directory number
 * @throws StateError `state_corrupt`
 */
export function readBase(parts: CodecParts, r: number, bytes: Uint8Array, reader: ByteReader, targets: number[]): void {
  const { heap, shape, directory } = parts
  openSealed(bytes, reader)
  for (let left = reader.count(KEYS_MAX); left > 0; left--) {
    const target = directory.attribute(reader.key())
    targets[directory.name(r, target)] = target
    const setAt = reader.instant()
    const value = reader.numberOrNothing()
    if (target === -1) continue
    heap.f64[r + shape.setAts + target] = setAt
    heap.f64[r + shape.values + target] = value
  }
  for (let left = reader.count(KEYS_MAX); left > 0; left--) {
    const target = directory.series(reader.key())
    targets[directory.name(r, target)] = target
    if (target === -1) skipSeries(reader)
    else loadSeries(parts, r, target - shape.attributes, reader)
  }
  readSections(heap, r, reader, bytes[0]!)
  if (bytes[0]! < ORIGINS_SINCE) feedBefore(parts, r)
  if (!reader.done) throw new StateError('state_corrupt', 'a stored state is longer than its content')
}

/** Of what was stored before origins were kept it is known that it is of before. */
function feedBefore({ heap, shape }: CodecParts, r: number): void {
  let newest = heap.f64[r + NEWEST_ACCEPTED]!
  for (let i = 0; i < shape.attributes; i++) newest = Math.max(newest, heap.f64[r + shape.setAts + i]!)
  if (newest > 0) feedIn(heap, r, BEFORE, ANY_TYPE, newest + SKEW_MS)
}

/** Checks version and checksum and opens the rest. */
export function openSealed(bytes: Uint8Array, reader: ByteReader): void {
  const end = bytes.length - CHECKSUM_BYTES
  if (end < 1) throw new StateError('state_corrupt', 'a stored state is too short')
  const version = bytes[0]!
  if (version < OLDEST_VERSION || version > LAYOUT_VERSION)
    throw new StateError('state_corrupt', 'a stored state has an unknown layout version')
  reader.open(bytes.subarray(end), CHECKSUM_BYTES)
  if (reader.u32() !== checksum(bytes, 0, end)) throw new StateError('state_corrupt', 'a checksum of a state is wrong')
  reader.open(bytes, end)
  reader.u8()
}

function loadSeries(parts: CodecParts, r: number, series: number, reader: ByteReader): void {
  const { heap, shape } = parts
  const rules = parts.rules[series]!
  const block = blockAt(shape, r, series)
  if (heap.u32[block] !== 0) throw new StateError('state_corrupt', 'a stored state names a series twice')
  // In the record before it is filled: whatever fails, the record can be given back whole.
  const p = readSeries(heap, rules, reader, (entries) => {
    heap.u32[block] = takeSeries(heap, rules, entries)
    return heap.u32[block]!
  })
  if (p === 0) return
  // Both change nothing unless the layout did.
  coarsenSeries(heap, rules, p, Number.NEGATIVE_INFINITY)
  lowerBound(heap, rules, p, heap.u16[p * 4 + BOUND]!)
  heap.u32[r * 2 + SERIES_BYTES]! += contentBytes(heap, rules, p)
}
