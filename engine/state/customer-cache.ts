import assert from 'node:assert/strict'
import type { Layout } from '../../rules/compiled.ts'
import { Arena } from './arena.ts'
import { type CodecParts, readBase } from './base-codec.ts'
import { Batches } from './batches.ts'
import { ByteReader } from './bytes.ts'
import { CustomerIndex } from './customer-index.ts'
import { Directory } from './directory.ts'
import { Heap, StateError } from './heap.ts'
import { Mutations } from './mutations.ts'
import { Replayer } from './patch-codec.ts'
import { recordShape, takeRecord } from './record.ts'
import { seriesRules } from './series-rules.ts'
import { BASE_BYTES, PARTITION, PATCH_BYTES, PATCHES, RECORD, SLOT_BYTES, SLOT_FIELDS, Slots } from './slots.ts'
import type { Slot, Stored } from './states.ts'

/** The largest part of the memory that slots may take, and the room a load leaves for the growth of what is in use. */
const SLOTS_SHARE = 0.1
const RESERVE_SHARE = 1 / 16
const RESERVE_MAX = 8 << 20

/** The customers in memory: who is where, who comes in, who has to go. */
export class CustomerCache {
  readonly slots: Slots
  readonly index: CustomerIndex
  readonly heap: Heap
  readonly parts: CodecParts
  readonly mutations: Mutations
  readonly batches: Batches
  readonly #replayer: Replayer
  readonly #reader = new ByteReader()
  readonly #targets: number[] = []
  readonly #reserve: number
  readonly #maxBytes: number

  constructor(layout: Layout, maxBytes: number, softLimitBytes: number) {
    const most = Math.max(1, Math.floor((maxBytes * SLOTS_SHARE) / SLOT_BYTES))
    const arena = new Arena(Math.floor(maxBytes * (1 - SLOTS_SHARE)))
    const shape = recordShape(layout)
    const rules = seriesRules(layout)
    this.#maxBytes = maxBytes
    this.#reserve = Math.min(RESERVE_MAX, Math.floor(arena.freeBytes * RESERVE_SHARE))
    this.slots = new Slots(most)
    this.heap = new Heap(arena, () => this.#evictOne())
    this.index = new CustomerIndex(this.heap, this.slots, most)
    const directory = new Directory(this.heap, shape, layout)
    this.parts = { heap: this.heap, shape, rules, directory }
    this.mutations = new Mutations(this.heap, shape, layout, rules, softLimitBytes)
    this.#replayer = new Replayer(this.mutations, directory, shape, rules)
    this.batches = new Batches(this.slots, this.index, this.parts)
  }

  /** See `States.find`. */
  find(customerId: string): Slot {
    const slot = this.index.find(customerId)
    if (slot === -1) return -1
    this.slots.touch(slot, this.batches.of(this.slots.table[slot * SLOT_FIELDS + PARTITION]!))
    return slot
  }

  /** See `States.load`. */
  load(partition: number, customerId: string, stored: Stored | null): Slot {
    assert(this.index.find(customerId) === -1, 'a customer is loaded once')
    while (this.heap.arena.freeBytes < this.#reserve) this.#evictOrThrow()
    const { slots } = this
    let slot = slots.take()
    for (; slot === -1; slot = slots.take()) this.#evictOrThrow()
    try {
      this.#fill(slot, customerId, stored)
    } catch (error) {
      slots.give(slot)
      throw error
    }
    const at = slot * SLOT_FIELDS
    slots.table[at + PARTITION] = partition
    if (stored !== null) {
      slots.table[at + BASE_BYTES] = stored.base?.length ?? 0
      slots.table[at + PATCHES] = stored.patches.length
      for (const bytes of stored.patches) slots.table[at + PATCH_BYTES]! += bytes.length
    }
    const batch = this.batches.of(partition)
    if (batch !== undefined) slots.pin(slot, batch)
    return slot
  }

  /** Forgets every customer of a partition, its open batch included. */
  discard(partition: number): void {
    const { slots } = this
    if (this.batches.of(partition) !== undefined) this.batches.end(partition, 'discarded')
    for (let slot = 0; slot < slots.end; slot++) {
      const at = slot * SLOT_FIELDS
      if (slots.table[at + RECORD] !== 0 && slots.table[at + PARTITION] === partition) this.#forget(slot)
    }
  }

  /** See `States.usage`. */
  usage(): { readonly customers: number; readonly bytes: number; readonly maxBytes: number } {
    const customers = this.index.size
    return { customers, bytes: this.heap.arena.usedBytes + customers * SLOT_BYTES, maxBytes: this.#maxBytes }
  }

  /** Decodes into a slot that is not entered anywhere yet; on failure everything is given back. */
  #fill(slot: Slot, customerId: string, stored: Stored | null): void {
    const r = takeRecord(this.heap, this.parts.shape, customerId)
    try {
      this.#targets.length = 0
      if (stored !== null) {
        if (stored.base !== null) readBase(this.parts, r, stored.base, this.#reader, this.#targets)
        for (const bytes of stored.patches) this.#replayer.replay(r, bytes, this.#reader, this.#targets)
      }
    } catch (error) {
      this.mutations.release(r)
      throw error
    }
    this.slots.table[slot * SLOT_FIELDS + RECORD] = r
    this.index.insert(customerId, slot)
  }

  #evictOne(): boolean {
    const slot = this.slots.victim()
    if (slot === -1) return false
    this.#forget(slot)
    return true
  }

  #evictOrThrow(): void {
    if (!this.#evictOne()) throw new StateError('cache_full', 'every cached customer is in use by an open batch')
  }

  #forget(slot: Slot): void {
    this.index.remove(slot)
    this.mutations.release(this.slots.recordOf(slot))
    this.slots.give(slot)
  }
}
