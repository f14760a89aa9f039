import assert from 'node:assert/strict'
import type { Layout } from '../../rules/compiled.ts'
import type { Heap } from './heap.ts'

/**
 * The fixed part of a customer: one block, the same for all customers of a layout but for the id at its head: a byte a
 * character, in the words before the record, so that it is read together with the first of them.
 *
 * word  0 newest acceptance of an event id
 *       1 u32 ring, u16 start, u16 ids                2 u16 ring capacity, u16 contacts, u16 contacts capacity, u16 answers
 *       3 u32 contacts, u32 suppressions              4 u32 answers, u16 suppressions, u16 suppressions capacity
 *       5 u32 content bytes of all series, u16 keys in the directory, u16 length of the id
 *       6 u32 answers: words used, u32 answers: words of the block
 *       7 u32 adopted decisions, u16 adopted decisions, u16 adopted decisions capacity
 *       8 instant the customer was erased at, 0: not
 *       9 u32 what is held, u16 held, u16 held capacity
 *      10 u32 origins, u16 origins, u16 origins capacity
 *      11 a word for each series: u32 block (0 none), u16 directory number (0xffff none), u16 spare
 *       then values of the attributes, the instants they were set at (-1 never; a NaN value: cleared), their u16 directory
 *       numbers
 */
export const NEWEST_ACCEPTED = 0
export const ERASED_AT = 8
/** Indexes of the 32-bit view, from `p * 2`. */
export const RING = 2
export const CONTACTS = 6
export const SUPPRESSIONS = 7
export const ANSWERS = 8
export const SERIES_BYTES = 10
export const ANSWERS_USED = 12
export const ANSWERS_ROOM = 13
export const ADOPTED = 14
export const HELD = 18
export const ORIGINS = 20
/** Indexes of the 16-bit view, from `p * 4`. */
export const RING_START = 6
export const RING_IDS = 7
export const RING_CAPACITY = 8
export const CONTACTS_N = 9
export const CONTACTS_CAPACITY = 10
export const ANSWERS_N = 11
export const SUPPRESSIONS_N = 18
export const SUPPRESSIONS_CAPACITY = 19
export const DIRECTORY_N = 22
export const ID_LENGTH = 23
export const ADOPTED_N = 30
export const ADOPTED_CAPACITY = 31
export const HELD_N = 38
export const HELD_CAPACITY = 39
export const ORIGINS_N = 42
export const ORIGINS_CAPACITY = 43

const FIXED_WORDS = 11
const ID_MAX = 255
/** Directory number of a key that the stored customer does not name yet. */
export const NO_NUMBER = 0xffff

/** Where the parts that depend on the layout lie, relative to the record and in units of their view. */
export type RecordShape = {
  /** Attributes of the layout, then the instants until which some of them hold: stored alike. */
  readonly attributes: number
  readonly series: number
  /** Offset of the series words in the 32-bit view: a block every second. */
  readonly blocks: number
  /** Word offset of the values. */
  readonly values: number
  /** Word offset of the instants the values were set at. */
  readonly setAts: number
  /** Offset of the attributes' directory numbers in the 16-bit view. */
  readonly numbers: number
  /** Bytes of the record without the id. */
  readonly bytes: number
}

/** The record's shape for a layout. */
export function recordShape(layout: Layout): RecordShape {
  const attributes = layout.attributes.length + (layout.expiries ?? []).length
  const series = layout.series.length
  const values = FIXED_WORDS + series
  const setAts = values + attributes
  const numbers = (setAts + attributes) * 4
  return { attributes, series, blocks: FIXED_WORDS * 2, values, setAts, numbers, bytes: (numbers + attributes) * 2 }
}

/** An empty customer; ids are 1 to 255 characters of one byte. */
export function takeRecord(heap: Heap, shape: RecordShape, id: string): number {
  assert(id.length > 0 && id.length <= ID_MAX, 'a customer id has 1 to 255 characters')
  const r = heap.take(shape.bytes + wordsOf(id.length) * 8) + wordsOf(id.length)
  heap.u8.fill(0, r * 8, r * 8 + shape.bytes)
  heap.f64.fill(-1, r + shape.setAts, r + shape.setAts + shape.attributes)
  heap.u16[r * 4 + ID_LENGTH] = id.length
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i)
    assert(code < 256, 'a customer id has characters of one byte')
    heap.u8[idAt(heap, r) + i] = code
  }
  for (let target = 0; target < shape.attributes + shape.series; target++) {
    heap.u16[numberAt(shape, r, target)] = NO_NUMBER
  }
  return r
}

/** Where the id lies in bytes. */
export function idAt(heap: Heap, r: number): number {
  return blockOf(heap, r) * 8
}

/** The block of a record, to give it back or to ask for its size. */
export function blockOf(heap: Heap, r: number): number {
  return r - wordsOf(heap.u16[r * 4 + ID_LENGTH]!)
}

function wordsOf(length: number): number {
  return (length + 7) >>> 3
}

/** Where the block of a series lies in the 32-bit view; 0 there when the customer has no entry of it. */
export function blockAt(shape: RecordShape, r: number, series: number): number {
  return r * 2 + shape.blocks + series * 2
}

/** Where the directory number of a target lies in the 16-bit view: attributes first, then series. */
export function numberAt(shape: RecordShape, r: number, target: number): number {
  if (target < shape.attributes) return r * 4 + shape.numbers + target
  return r * 4 + shape.blocks * 2 + (target - shape.attributes) * 4 + 2
}
