import assert from 'node:assert/strict'
import { Arena } from './arena.ts'
import { CustomerIndex } from './customer-index.ts'
import { Heap, StateError } from './heap.ts'
import type { Overflows } from './mutations.ts'
import { GENERATION, PARTITION, RECORD, SLOT_BYTES, SLOT_FIELDS, Slots } from './slots.ts'
import type { Slot } from './states.ts'

/** The largest part of the memory that slots may take, and the room a load leaves for the growth of what is in use. */
const SLOTS_SHARE = 0.1
const RESERVE_SHARE = 1 / 16
const RESERVE_MAX = 8 << 20
/** A customer who comes in has so many slots looked at for customers of ended generations, whose memory is taken back. */
const SWEPT_A_LOAD = 8

/** A cache of one layout. */
export type MemoryUser = {
  /** Takes back what a record of its layout holds. */
  release(record: number): void
}

/** The customers of a partition from the first that comes in until all are forgotten at once. */
type Generation = {
  /** What the slots of its customers are marked with. */
  readonly number: number
  readonly user: MemoryUser
  customers: number
}

/**
 * The memory of a shard's cached customers, taken once: caches of several layouts share it, so that another pack neither needs as much
 * again nor makes V8 collect. A partition belongs to one of them at a time. Forgetting a partition takes no time: its generation
 * ends, and what its customers hold is taken back bit by bit as others come in, or when there is no room.
 */
export class CustomerMemory {
  readonly slots: Slots
  readonly index: CustomerIndex
  readonly heap: Heap
  /** How often something had to go because a bound was full, under whatever layout. */
  readonly overflows: Overflows = { eventIds: 0, contacts: 0, softLimit: 0, adopted: 0 }
  readonly #maxBytes: number
  readonly #reserve: number
  readonly #generations = new Map<number, Generation>()
  /** By partition; absent: nobody of it is cached. */
  readonly #live: (Generation | undefined)[] = []
  #last = 0
  /** Customers of ended generations that still hold memory, and the slot to look for one next. */
  #ended = 0
  #broom = 0

  /** @param maxBytes most bytes for cached customers, at least 64 KB */
  constructor(maxBytes: number) {
    const most = Math.max(1, Math.floor((maxBytes * SLOTS_SHARE) / SLOT_BYTES))
    const arena = new Arena(Math.floor(maxBytes * (1 - SLOTS_SHARE)))
    this.#maxBytes = maxBytes
    this.#reserve = Math.min(RESERVE_MAX, Math.floor(arena.freeBytes * RESERVE_SHARE))
    this.slots = new Slots(most)
    this.heap = new Heap(arena, () => this.#evictOne())
    this.index = new CustomerIndex(this.heap, this.slots, most)
  }

  /** Begins a partition's generation, whose customers are of this user. */
  begin(partition: number, user: MemoryUser): void {
    assert(this.#live[partition] === undefined, 'a partition belongs to one cache at a time')
    const generation = { number: ++this.#last, user, customers: 0 }
    while (this.#live.length < partition) this.#live.push(undefined)
    this.#live[partition] = generation
    this.#generations.set(generation.number, generation)
  }

  /** Whether the generation of a partition is this user's. */
  isOf(partition: number, user: MemoryUser): boolean {
    return this.#live[partition]?.user === user
  }

  /** Forgets every customer of a partition. */
  end(partition: number): void {
    const generation = this.#live[partition]
    if (generation === undefined) return
    this.#live[partition] = undefined
    if (generation.customers === 0) this.#generations.delete(generation.number)
    else this.#ended += generation.customers
  }

  /** Slot of a customer, or -1. */
  find(customerId: string): Slot {
    const slot = this.index.find(customerId)
    if (slot === -1 || this.#isLive(slot)) return slot
    this.#forget(slot)
    return -1
  }

  /**
   * A slot, and room in the arena for a customer.
   * @throws StateError `cache_full` when everything cached is pinned
   */
  take(): Slot {
    this.#sweep()
    while (this.heap.arena.freeBytes < this.#reserve) this.#evictOrThrow()
    let slot = this.slots.take()
    for (; slot === -1; slot = this.slots.take()) this.#evictOrThrow()
    return slot
  }

  /** Enters a slot that was taken, with the record of its customer. */
  enter(slot: Slot, customerId: string, record: number, partition: number): void {
    const generation = this.#live[partition]
    assert(generation !== undefined, 'a generation was begun')
    generation.customers++
    const { table } = this.slots
    const at = slot * SLOT_FIELDS
    table[at + RECORD] = record
    table[at + PARTITION] = partition
    table[at + GENERATION] = generation.number
    this.index.insert(customerId, slot)
  }

  /** Customers that may be found, and the bytes that are taken: by those of ended generations too, until they are taken back. */
  usage(): { readonly customers: number; readonly bytes: number; readonly maxBytes: number } {
    const { size } = this.index
    const bytes = this.heap.arena.usedBytes + size * SLOT_BYTES
    return { customers: size - this.#ended, bytes, maxBytes: this.#maxBytes }
  }

  #isLive(slot: Slot): boolean {
    const { table } = this.slots
    const at = slot * SLOT_FIELDS
    return table[at + GENERATION] === this.#live[table[at + PARTITION]!]?.number
  }

  #sweep(): void {
    const { slots } = this
    for (let looked = 0; this.#ended > 0 && looked < SWEPT_A_LOAD; looked++) {
      const slot = this.#broom
      this.#broom = slot + 1 >= slots.end ? 0 : slot + 1
      if (slots.recordOf(slot) !== 0 && !this.#isLive(slot)) this.#forget(slot)
    }
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
    const generation = this.#generations.get(this.slots.table[slot * SLOT_FIELDS + GENERATION]!)
    assert(generation !== undefined, 'a customer is of a generation')
    const isLive = this.#isLive(slot)
    this.index.remove(slot)
    generation.user.release(this.slots.recordOf(slot))
    this.slots.give(slot)
    generation.customers--
    if (isLive) return
    this.#ended--
    if (generation.customers === 0) this.#generations.delete(generation.number)
  }
}
