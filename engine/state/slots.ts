import type { PatchLog } from './patch-log.ts'

/** The customers changed or read in an open batch of a partition, as a chain through the slots' `NEXT`. */
export type OpenBatch = { readonly log: PatchLog; head: number; tail: number }

/** Fields of a slot, from `slot * SLOT_FIELDS`: together, because a customer's turn needs most of them. */
export const SLOT_FIELDS = 11
/** Block of the record; 0: the slot is free. */
export const RECORD = 0
export const PARTITION = 1
/** First and last run in the log of the open batch; -1: not changed. */
export const FIRST_RUN = 2
export const LAST_RUN = 3
export const NEXT = 4
/** Bytes that `writes` gave out for the slot. */
export const PENDING = 5
/** Bytes of the stored base and of the patches after it, and how many patches these are. */
export const BASE_BYTES = 6
export const PATCH_BYTES = 7
export const PATCHES = 8
const FLAGS = 9
/** Generation of the customer, see `CustomerMemory`. */
export const GENERATION = 10

const PINNED = 1
const RECENT = 2
/** A base goes with this commit; cleared when it is installed. */
const BASE = 4
/** When something is due next may have changed in the open batch. */
const DUE = 8

/** Bytes a slot takes outside the arena, its share of the index (up to four entries of 8 bytes) included. */
export const SLOT_BYTES = SLOT_FIELDS * 4 + 32

/** The table of cached customers. */
export class Slots {
  readonly table: Int32Array
  readonly #most: number
  #free = -1
  #fresh = 0
  #hand = 0

  /** @param most customers at once */
  constructor(most: number) {
    this.#most = most
    this.table = new Int32Array(most * SLOT_FIELDS)
  }

  /** Slots ever used: all live ones are below. */
  get end(): number {
    return this.#fresh
  }

  /** Block of the record of a slot in use. */
  recordOf(slot: number): number {
    return this.table[slot * SLOT_FIELDS + RECORD]!
  }

  /** A free slot, or -1. */
  take(): number {
    let slot = this.#free
    if (slot !== -1) this.#free = this.table[slot * SLOT_FIELDS + NEXT]!
    else if (this.#fresh < this.#most) slot = this.#fresh++
    else return -1
    const at = slot * SLOT_FIELDS
    this.table.fill(0, at, at + SLOT_FIELDS)
    this.table[at + FIRST_RUN] = -1
    this.table[at + LAST_RUN] = -1
    this.table[at + NEXT] = -1
    return slot
  }

  /** Frees a slot. */
  give(slot: number): void {
    const at = slot * SLOT_FIELDS
    this.table[at + RECORD] = 0
    this.table[at + FLAGS] = 0
    this.table[at + NEXT] = this.#free
    this.#free = slot
  }

  /** Marks a slot as used again since it came in; within an open batch it stays until the batch ends. */
  touch(slot: number, batch: OpenBatch | undefined): void {
    this.table[slot * SLOT_FIELDS + FLAGS]! |= RECENT
    if (batch !== undefined) this.pin(slot, batch)
  }

  /** Keeps a slot until the batch ends. */
  pin(slot: number, batch: OpenBatch): void {
    const { table } = this
    const at = slot * SLOT_FIELDS
    const flags = table[at + FLAGS]!
    if ((flags & PINNED) !== 0) return
    table[at + FLAGS] = flags | PINNED
    table[at + NEXT] = -1
    if (batch.head === -1) batch.head = slot
    else table[batch.tail * SLOT_FIELDS + NEXT] = slot
    batch.tail = slot
  }

  /** Ends the batch for a slot. */
  unpin(slot: number): void {
    const at = slot * SLOT_FIELDS
    this.table[at + FLAGS]! &= ~(PINNED | BASE | DUE)
    this.table[at + FIRST_RUN] = -1
    this.table[at + LAST_RUN] = -1
    this.table[at + PENDING] = 0
    this.table[at + NEXT] = -1
  }

  markBase(slot: number): void {
    this.table[slot * SLOT_FIELDS + FLAGS]! |= BASE
  }

  /** When something of the customer is due next may have changed in the open batch. */
  markDue(slot: number): void {
    this.table[slot * SLOT_FIELDS + FLAGS]! |= DUE
  }

  hasDueMark(slot: number): boolean {
    return (this.table[slot * SLOT_FIELDS + FLAGS]! & DUE) !== 0
  }

  hasBaseMark(slot: number): boolean {
    return (this.table[slot * SLOT_FIELDS + FLAGS]! & BASE) !== 0
  }

  /**
   * The next slot to evict, by the clock algorithm (Corbato, 1968): the hand passes over slots used since it last came by,
   * and over pinned ones; -1: all are pinned. Coming in is no use, so that a crowd that comes once does not drive out the
   * regulars.
   */
  victim(): number {
    const { table } = this
    for (let steps = this.#fresh * 2; steps > 0; steps--) {
      const slot = this.#hand
      this.#hand = slot + 1 >= this.#fresh ? 0 : slot + 1
      const at = slot * SLOT_FIELDS
      const flags = table[at + FLAGS]!
      if (table[at + RECORD] === 0 || (flags & PINNED) !== 0) continue
      if ((flags & RECENT) === 0) return slot
      table[at + FLAGS] = flags & ~RECENT
    }
    return -1
  }
}
