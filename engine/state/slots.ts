import type { PatchLog } from './patch-log.ts'

/** The customers changed or read in an open batch of a partition, as a chain through `Slots.next`. */
export type OpenBatch = { readonly log: PatchLog; head: number; tail: number }

const PINNED = 1
const RECENT = 2
/** A base goes with this commit; cleared when it is installed. */
const BASE = 4

/** Bytes a slot takes outside the arena, its two entries in the index included. */
export const SLOT_BYTES = 52

/** The table of cached customers: one index a customer in each typed array. */
export class Slots {
  /** Block of the record; 0: the slot is free. */
  readonly record: Uint32Array
  readonly partition: Int32Array
  /** Bytes of the stored base and of the patches after it, and how many patches these are. */
  readonly baseBytes: Uint32Array
  readonly patchBytes: Uint32Array
  readonly patches: Uint16Array
  /** First and last run in the log of the open batch; -1: not changed. */
  readonly first: Int32Array
  readonly last: Int32Array
  /** Bytes that `writes` gave out for the slot. */
  readonly pending: Uint32Array
  readonly next: Int32Array
  readonly #flags: Uint8Array
  readonly #most: number
  #free = -1
  #fresh = 0
  #hand = 0

  constructor(most: number) {
    this.#most = most
    this.record = new Uint32Array(most)
    this.partition = new Int32Array(most)
    this.baseBytes = new Uint32Array(most)
    this.patchBytes = new Uint32Array(most)
    this.patches = new Uint16Array(most)
    this.first = new Int32Array(most)
    this.last = new Int32Array(most)
    this.pending = new Uint32Array(most)
    this.next = new Int32Array(most)
    this.#flags = new Uint8Array(most)
  }

  /** Slots ever used: all live ones are below. */
  get end(): number {
    return this.#fresh
  }

  /** A free slot, or -1. */
  take(): number {
    let slot = this.#free
    if (slot !== -1) this.#free = this.next[slot]!
    else if (this.#fresh < this.#most) slot = this.#fresh++
    else return -1
    this.record[slot] = 0
    this.baseBytes[slot] = 0
    this.patchBytes[slot] = 0
    this.patches[slot] = 0
    this.first[slot] = -1
    this.last[slot] = -1
    this.pending[slot] = 0
    this.next[slot] = -1
    this.#flags[slot] = RECENT
    return slot
  }

  /** Frees a slot. */
  give(slot: number): void {
    this.record[slot] = 0
    this.#flags[slot] = 0
    this.next[slot] = this.#free
    this.#free = slot
  }

  /** Marks a slot as used lately; within an open batch it stays until the batch ends. */
  touch(slot: number, batch: OpenBatch | undefined): void {
    const flags = this.#flags[slot]!
    if (batch === undefined || (flags & PINNED) !== 0) {
      this.#flags[slot] = flags | RECENT
      return
    }
    this.#flags[slot] = flags | RECENT | PINNED
    this.next[slot] = -1
    if (batch.head === -1) batch.head = slot
    else this.next[batch.tail] = slot
    batch.tail = slot
  }

  /** Ends the batch for a slot. */
  unpin(slot: number): void {
    this.#flags[slot]! &= ~(PINNED | BASE)
    this.first[slot] = -1
    this.last[slot] = -1
    this.pending[slot] = 0
    this.next[slot] = -1
  }

  markBase(slot: number): void {
    this.#flags[slot]! |= BASE
  }

  hasBaseMark(slot: number): boolean {
    return (this.#flags[slot]! & BASE) !== 0
  }

  /**
   * The next slot to evict, by the clock algorithm (Corbato, 1968): the hand passes over slots used since it last came by,
   * and over pinned ones; -1: all are pinned.
   */
  victim(): number {
    for (let steps = this.#fresh * 2; steps > 0; steps--) {
      const slot = this.#hand
      this.#hand = slot + 1 >= this.#fresh ? 0 : slot + 1
      const flags = this.#flags[slot]!
      if (this.record[slot] === 0 || (flags & PINNED) !== 0) continue
      if ((flags & RECENT) === 0) return slot
      this.#flags[slot] = flags & ~RECENT
    }
    return -1
  }
}
