import assert from 'node:assert/strict'
import { CHECKSUM_BYTES, type CodecParts, LAYOUT_VERSION, renumber, writeBase } from './base-codec.ts'
import { ByteWriter, checksum } from './bytes.ts'
import type { CustomerIndex } from './customer-index.ts'
import { nextHeldIn } from './held.ts'
import { PatchLog } from './patch-log.ts'
import { ERASED_AT } from './record.ts'
import {
  BASE_BYTES,
  FIRST_RUN,
  LAST_RUN,
  NEXT,
  type OpenBatch,
  PARTITION,
  PATCH_BYTES,
  PATCHES,
  PENDING,
  RECORD,
  SLOT_FIELDS,
  type Slots,
} from './slots.ts'
import type { Due, Slot, Write } from './states.ts'

/** Patches after which a base is written, and bytes of patches beyond which one is written sooner. */
export const PATCHES_MAX = 32
const PATCH_BYTES_MIN = 640
const PATCH_SHARE = 1 / 8

/** Version, reference and checksum of a patch take at most this much beside its operations. */
const PATCH_HEAD_BYTES = 1 + 8 + CHECKSUM_BYTES

/** The open batches, one a partition at most: what was touched in them, what has to be written for it. */
export class Batches {
  readonly #slots: Slots
  readonly #table: Int32Array
  readonly #index: CustomerIndex
  readonly #parts: CodecParts
  readonly #open: (OpenBatch | undefined)[] = []
  readonly #spare: OpenBatch[] = []
  readonly #writer = new ByteWriter()

  constructor(slots: Slots, index: CustomerIndex, parts: CodecParts) {
    this.#slots = slots
    this.#table = slots.table
    this.#index = index
    this.#parts = parts
  }

  /** The open batch of a partition, if there is one. */
  of(partition: number): OpenBatch | undefined {
    return this.#open[partition]
  }

  begin(partition: number): void {
    assert(this.#open[partition] === undefined, 'a partition has one open batch')
    const batch = this.#spare.pop() ?? { log: new PatchLog(), head: -1, tail: -1 }
    while (this.#open.length < partition) this.#open.push(undefined)
    this.#open[partition] = batch
  }

  /** The log that a change of a slot is written to; `at` (-1: none) becomes the reference when it is the batch's first instant. */
  open(slot: Slot, at: number): PatchLog {
    const batch = this.#open[this.#table[slot * SLOT_FIELDS + PARTITION]!]
    assert(batch !== undefined, 'a state changes in an open batch only')
    this.#slots.pin(slot, batch)
    const { log } = batch
    if (log.reference === -1) log.reference = at
    log.mark()
    return log
  }

  /** What was written since `open` belongs to the slot's patch. */
  close(slot: Slot, log: PatchLog): void {
    const run = log.extend(this.#table[slot * SLOT_FIELDS + LAST_RUN]!)
    this.#table[slot * SLOT_FIELDS + LAST_RUN] = run
    if (this.#table[slot * SLOT_FIELDS + FIRST_RUN] === -1) this.#table[slot * SLOT_FIELDS + FIRST_RUN] = run
  }

  /** See `States.writes`. The bytes of all writes share one buffer, made for them. */
  writes(partition: number): Write[] {
    const batch = this.#open[partition]
    assert(batch !== undefined, 'a batch was begun')
    const slots = this.#slots
    const writer = this.#writer
    writer.at = 0
    for (let slot = batch.head; slot !== -1; slot = this.#table[slot * SLOT_FIELDS + NEXT]!) {
      if (this.#table[slot * SLOT_FIELDS + FIRST_RUN] === -1) continue
      const start = writer.at
      if (this.#erasedAt(slot) > 0) {
        // Nothing of the customer stays, what this batch changed before included.
      } else if (this.#writesBase(slot, batch.log)) {
        slots.markBase(slot)
        writeBase(this.#parts, this.#table[slot * SLOT_FIELDS + RECORD]!, writer)
      } else {
        this.#writePatch(slot, batch.log)
      }
      this.#table[slot * SLOT_FIELDS + PENDING] = writer.at - start
    }
    return this.#collect(batch, writer.bytes.slice(0, writer.at))
  }

  /** See `States.dues`. */
  dues(partition: number): Due[] {
    const batch = this.#open[partition]
    assert(batch !== undefined, 'a batch was begun')
    const dues: Due[] = []
    for (let slot = batch.head; slot !== -1; slot = this.#table[slot * SLOT_FIELDS + NEXT]!) {
      if (!this.#slots.hasDueMark(slot)) continue
      const at = nextHeldIn(this.#parts.heap, this.#table[slot * SLOT_FIELDS + RECORD]!)
      dues.push({ customerId: this.#index.idOf(slot), at })
    }
    return dues
  }

  /** Ends the batch of a partition. `unstored`: its changes stay, though they were not written. */
  end(partition: number, how: 'installed' | 'unstored' | 'discarded'): void {
    const batch = this.#open[partition]
    assert(batch !== undefined, 'a batch was begun')
    const slots = this.#slots
    for (let slot = batch.head; slot !== -1; ) {
      const next = this.#table[slot * SLOT_FIELDS + NEXT]!
      if (how === 'installed' && this.#table[slot * SLOT_FIELDS + FIRST_RUN] !== -1) this.#install(slot)
      slots.unpin(slot)
      slot = next
    }
    this.#open[partition] = undefined
    batch.head = -1
    batch.tail = -1
    batch.log.reset()
    this.#spare.push(batch)
  }

  #install(slot: Slot): void {
    const slots = this.#slots
    const bytes = this.#table[slot * SLOT_FIELDS + PENDING]!
    assert(bytes > 0 || this.#erasedAt(slot) > 0, 'what is installed was written')
    if (this.#erasedAt(slot) > 0) {
      this.#table[slot * SLOT_FIELDS + BASE_BYTES] = 0
      this.#table[slot * SLOT_FIELDS + PATCH_BYTES] = 0
      this.#table[slot * SLOT_FIELDS + PATCHES] = 0
    } else if (slots.hasBaseMark(slot)) {
      this.#table[slot * SLOT_FIELDS + BASE_BYTES] = bytes
      this.#table[slot * SLOT_FIELDS + PATCH_BYTES] = 0
      this.#table[slot * SLOT_FIELDS + PATCHES] = 0
      renumber(this.#parts, this.#table[slot * SLOT_FIELDS + RECORD]!)
    } else {
      this.#table[slot * SLOT_FIELDS + PATCH_BYTES]! += bytes
      this.#table[slot * SLOT_FIELDS + PATCHES]!++
    }
  }

  #writesBase(slot: Slot, log: PatchLog): boolean {
    if (this.#table[slot * SLOT_FIELDS + PATCHES]! >= PATCHES_MAX) return true
    const bytes =
      this.#table[slot * SLOT_FIELDS + PATCH_BYTES]! +
      log.lengthOf(this.#table[slot * SLOT_FIELDS + FIRST_RUN]!) +
      PATCH_HEAD_BYTES
    return bytes > Math.max(PATCH_BYTES_MIN, this.#table[slot * SLOT_FIELDS + BASE_BYTES]! * PATCH_SHARE)
  }

  #writePatch(slot: Slot, log: PatchLog): void {
    const writer = this.#writer
    const start = writer.at
    const first = this.#table[slot * SLOT_FIELDS + FIRST_RUN]!
    writer.reserve(log.lengthOf(first) + PATCH_HEAD_BYTES)
    writer.u8(LAYOUT_VERSION)
    writer.varint(Math.max(0, log.reference))
    writer.at = log.copy(first, writer.bytes, writer.at)
    writer.u32(checksum(writer.bytes, start, writer.at))
  }

  #collect(batch: OpenBatch, bytes: Uint8Array): Write[] {
    const slots = this.#slots
    const writes: Write[] = []
    let from = 0
    for (let slot = batch.head; slot !== -1; slot = this.#table[slot * SLOT_FIELDS + NEXT]!) {
      if (this.#table[slot * SLOT_FIELDS + FIRST_RUN] === -1) continue
      const part = bytes.subarray(from, from + this.#table[slot * SLOT_FIELDS + PENDING]!)
      from += part.length
      const customerId = this.#index.idOf(slot)
      const patches = this.#table[slot * SLOT_FIELDS + PATCHES]!
      const at = this.#erasedAt(slot)
      if (at > 0) writes.push({ kind: 'erase', customerId, at })
      else if (slots.hasBaseMark(slot)) writes.push({ kind: 'base', customerId, bytes: part, patches })
      else writes.push({ kind: 'patch', customerId, index: patches, bytes: part })
    }
    return writes
  }

  #erasedAt(slot: Slot): number {
    return this.#parts.heap.f64[this.#table[slot * SLOT_FIELDS + RECORD]! + ERASED_AT]!
  }
}
