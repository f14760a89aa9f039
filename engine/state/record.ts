import type { Layout } from '../../rules/compiled.ts'
import type { Heap } from './heap.ts'

/**
 * The fixed part of a customer: one block, the same size for all customers of a layout.
 *
 * word  0 newest acceptance of an event id
 *       1 u32 ring, u16 start, u16 ids                2 u16 ring capacity, u16 contacts, u16 contacts capacity, u16 answers
 *       3 u32 contacts, u32 suppressions              4 u32 answers, u16 suppressions, u16 suppressions capacity
 *       5 u32 content bytes of all series, u16 keys in the directory, u16 spare
 *       6 u32 answers: words used, u32 answers: words of the block
 *       8 values of the attributes, then the instants they were set at (-1 never; a NaN value: cleared)
 *       then u32 blocks of the series (0 none), then u16 directory numbers of attributes and series (0xffff none)
 */
export const NEWEST_ACCEPTED = 0
/** Indexes of the 32-bit view, from `p * 2`. */
export const RING = 2
export const CONTACTS = 6
export const SUPPRESSIONS = 7
export const ANSWERS = 8
export const SERIES_BYTES = 10
export const ANSWERS_USED = 12
export const ANSWERS_ROOM = 13
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

const FIXED_WORDS = 8
/** Directory number of a key that the stored customer does not name yet. */
export const NO_NUMBER = 0xffff

/** Where the parts that depend on the layout lie, relative to the record and in units of their view. */
export type RecordShape = {
  readonly words: number
  readonly attributes: number
  readonly series: number
  /** Word offset of the values. */
  readonly values: number
  /** Word offset of the instants the values were set at. */
  readonly setAts: number
  /** Offset of the series blocks in the 32-bit view. */
  readonly blocks: number
  /** Offset of the directory numbers in the 16-bit view: attributes first, then series. */
  readonly numbers: number
}

/** The record's shape for a layout. */
export function recordShape(layout: Layout): RecordShape {
  const attributes = layout.attributes.length
  const series = layout.series.length
  const values = FIXED_WORDS
  const setAts = values + attributes
  const blocksWord = setAts + attributes
  const numbersWord = blocksWord + Math.ceil(series / 2)
  const words = numbersWord + Math.ceil((attributes + series) / 4)
  return { words, attributes, series, values, setAts, blocks: blocksWord * 2, numbers: numbersWord * 4 }
}

/** An empty customer. */
export function takeRecord(heap: Heap, shape: RecordShape): number {
  const p = heap.take(shape.words * 8)
  heap.f64.fill(0, p, p + shape.words)
  heap.f64.fill(-1, p + shape.setAts, p + shape.setAts + shape.attributes)
  const numbers = p * 4 + shape.numbers
  heap.u16.fill(NO_NUMBER, numbers, numbers + shape.attributes + shape.series)
  return p
}
