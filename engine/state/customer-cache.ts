import assert from 'node:assert/strict'
import type { Layout } from '../../rules/compiled.ts'
import { type CodecParts, readBase } from './base-codec.ts'
import { Batches } from './batches.ts'
import { ByteReader } from './bytes.ts'
import type { CustomerMemory, MemoryUser } from './customer-memory.ts'
import { Directory } from './directory.ts'
import { Mutations } from './mutations.ts'
import { Replayer } from './patch-codec.ts'
import { recordShape, takeRecord } from './record.ts'
import { seriesRules } from './series-rules.ts'
import { BASE_BYTES, PARTITION, PATCH_BYTES, PATCHES, SLOT_FIELDS } from './slots.ts'
import type { Slot, Stored } from './states.ts'

/** The customers of one layout in memory: they come in as the store has them, and go with their partition. */
export class CustomerCache implements MemoryUser {
  readonly memory: CustomerMemory
  readonly parts: CodecParts
  readonly mutations: Mutations
  readonly batches: Batches
  readonly #replayer: Replayer
  readonly #reader = new ByteReader()
  readonly #targets: number[] = []

  constructor(layout: Layout, memory: CustomerMemory, softLimitBytes: number) {
    const { heap, slots, index } = memory
    const shape = recordShape(layout)
    const rules = seriesRules(layout)
    const directory = new Directory(heap, shape, layout)
    this.memory = memory
    this.parts = { heap, shape, rules, directory }
    this.mutations = new Mutations(heap, shape, layout, rules, softLimitBytes, memory.overflows)
    this.#replayer = new Replayer(this.mutations, directory, shape, rules)
    this.batches = new Batches(slots, index, this.parts)
  }

  /** See `States.find`. */
  find(customerId: string): Slot {
    const slot = this.memory.find(customerId)
    if (slot === -1) return -1
    const { slots } = this.memory
    const partition = slots.table[slot * SLOT_FIELDS + PARTITION]!
    assert(this.memory.isOf(partition, this), 'a partition belongs to one cache at a time')
    slots.touch(slot, this.batches.of(partition))
    return slot
  }

  /** See `States.load`. */
  load(partition: number, customerId: string, stored: Stored | null): Slot {
    const { memory } = this
    const { slots } = memory
    assert(memory.find(customerId) === -1, 'a customer is loaded once')
    if (!memory.isOf(partition, this)) memory.begin(partition, this)
    const slot = memory.take()
    try {
      memory.enter(slot, customerId, this.#decode(customerId, stored), partition)
    } catch (error) {
      slots.give(slot)
      throw error
    }
    const at = slot * SLOT_FIELDS
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
    if (this.batches.of(partition) !== undefined) this.batches.end(partition, 'discarded')
    if (this.memory.isOf(partition, this)) this.memory.end(partition)
  }

  /** See `MemoryUser.release`. */
  release(record: number): void {
    this.mutations.release(record)
  }

  /** The record of a customer who is not entered anywhere yet; on failure everything is given back. */
  #decode(customerId: string, stored: Stored | null): number {
    const r = takeRecord(this.parts.heap, this.parts.shape, customerId)
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
    return r
  }
}
