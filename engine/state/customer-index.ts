import assert from 'node:assert/strict'
import { hash32 } from '../../ingest/hash.ts'
import type { Heap } from './heap.ts'

/**
 * Customer id -> slot, and back: an open-addressing table of slots (linear probing, deletion by shifting back) over ids kept
 * as bytes in the heap. It never grows, so it never stops the shard to be copied, and holds no JavaScript string.
 */
export class CustomerIndex {
  readonly #heap: Heap
  readonly #table: Int32Array
  readonly #mask: number
  readonly #hashes: Uint32Array
  readonly #names: Uint32Array
  readonly #text: Buffer
  #used = 0

  /** @param slots most customers at once */
  constructor(heap: Heap, slots: number) {
    this.#heap = heap
    let size = 16
    while (size < slots * 2) size *= 2
    // A table entry is the slot + 1; 0 is free. Untouched pages of a large one cost nothing.
    this.#table = new Int32Array(size)
    this.#mask = size - 1
    this.#hashes = new Uint32Array(slots)
    this.#names = new Uint32Array(slots)
    this.#text = Buffer.from(heap.u8.buffer)
  }

  get size(): number {
    return this.#used
  }

  /** Slot of a customer, or -1. */
  find(id: string): number {
    const hash = hash32(id)
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = this.#table[at]! - 1
      if (slot === -1) return -1
      if (this.#hashes[slot] === hash && this.#isNamed(slot, id)) return slot
    }
  }

  /** Enters a customer that is not there; ids are 1 to 255 characters of one byte. */
  insert(id: string, slot: number): void {
    assert(id.length > 0 && id.length < 256, 'a customer id has 1 to 255 characters')
    const p = this.#heap.take(id.length + 1)
    const { u8 } = this.#heap
    u8[p * 8] = id.length
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i)
      assert(code < 256, 'a customer id has characters of one byte')
      u8[p * 8 + 1 + i] = code
    }
    const hash = hash32(id)
    let at = hash & this.#mask
    while (this.#table[at] !== 0) at = (at + 1) & this.#mask
    this.#table[at] = slot + 1
    this.#hashes[slot] = hash
    this.#names[slot] = p
    this.#used++
  }

  /** The id of a slot that is in the index. */
  idOf(slot: number): string {
    const at = this.#names[slot]! * 8
    return this.#text.toString('latin1', at + 1, at + 1 + this.#heap.u8[at]!)
  }

  /** Takes a slot out and gives its id's bytes back. */
  remove(slot: number): void {
    const table = this.#table
    const mask = this.#mask
    let hole = this.#hashes[slot]! & mask
    while (table[hole] !== slot + 1) hole = (hole + 1) & mask
    for (let at = (hole + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = this.#hashes[table[at]! - 1]! & mask
      // It may move back unless its home lies after the hole, in the order of probing.
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      table[hole] = table[at]!
      hole = at
    }
    table[hole] = 0
    this.#heap.give(this.#names[slot]!)
    this.#names[slot] = 0
    this.#used--
  }

  #isNamed(slot: number, id: string): boolean {
    const { u8 } = this.#heap
    const at = this.#names[slot]! * 8
    if (u8[at] !== id.length) return false
    for (let i = 0; i < id.length; i++) if (u8[at + 1 + i] !== id.charCodeAt(i)) return false
    return true
  }
}
