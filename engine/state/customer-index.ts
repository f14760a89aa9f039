import assert from 'node:assert/strict'
import { hash32 } from '../../ingest/hash.ts'
import type { Heap } from './heap.ts'
import { ID_LENGTH, idAt } from './record.ts'
import type { Slots } from './slots.ts'

/**
 * Customer id -> slot, and back: an open-addressing table of (slot + 1, hash), with linear probing and deletion by shifting
 * back, over the ids in the records. It never grows, so it never stops the shard to be copied, and holds no JavaScript string.
 */
export class CustomerIndex {
  readonly #heap: Heap
  readonly #slots: Slots
  /** Slot + 1 (0: free) and hash of each entry. Untouched pages of a large table cost nothing. */
  readonly #table: Int32Array
  readonly #mask: number
  readonly #text: Buffer
  #used = 0

  /** @param most customers at once */
  constructor(heap: Heap, slots: Slots, most: number) {
    this.#heap = heap
    this.#slots = slots
    let size = 16
    while (size < most * 2) size *= 2
    this.#table = new Int32Array(size * 2)
    this.#mask = size - 1
    this.#text = Buffer.from(heap.u8.buffer)
  }

  get size(): number {
    return this.#used
  }

  /** Slot of a customer, or -1. */
  find(id: string): number {
    const hash = hash32(id) | 0
    const table = this.#table
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = table[at * 2]! - 1
      if (slot === -1) return -1
      if (table[at * 2 + 1] === hash && this.#isNamed(slot, id)) return slot
    }
  }

  /** Enters a slot whose record has the id, which is not there yet. */
  insert(id: string, slot: number): void {
    const hash = hash32(id) | 0
    let at = hash & this.#mask
    while (this.#table[at * 2] !== 0) at = (at + 1) & this.#mask
    this.#table[at * 2] = slot + 1
    this.#table[at * 2 + 1] = hash
    this.#used++
    assert(this.#used * 2 <= this.#mask + 1, 'the index has room for every slot')
  }

  /** The id of a slot in use. */
  idOf(slot: number): string {
    const r = this.#slots.recordOf(slot)
    const at = idAt(this.#heap, r)
    return this.#text.toString('latin1', at, at + this.#heap.u16[r * 4 + ID_LENGTH]!)
  }

  /** Takes a slot out; its record must still be there. */
  remove(slot: number): void {
    const table = this.#table
    const mask = this.#mask
    let hole = hash32(this.idOf(slot)) & mask
    while (table[hole * 2] !== slot + 1) hole = (hole + 1) & mask
    for (let at = (hole + 1) & mask; table[at * 2] !== 0; at = (at + 1) & mask) {
      const home = table[at * 2 + 1]! & mask
      // It may move back unless its home lies after the hole, in the order of probing.
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      table[hole * 2] = table[at * 2]!
      table[hole * 2 + 1] = table[at * 2 + 1]!
      hole = at
    }
    table[hole * 2] = 0
    this.#used--
  }

  #isNamed(slot: number, id: string): boolean {
    const { u8, u16 } = this.#heap
    const r = this.#slots.recordOf(slot)
    if (u16[r * 4 + ID_LENGTH] !== id.length) return false
    const at = idAt(this.#heap, r)
    for (let i = 0; i < id.length; i++) if (u8[at + i] !== id.charCodeAt(i)) return false
    return true
  }
}
