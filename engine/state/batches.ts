import assert from 'node:assert/strict'
import { CHECKSUM_BYTES, type CodecParts, LAYOUT_VERSION, renumber, writeBase } from './base-codec.ts'
import { ByteWriter, checksum } from './bytes.ts'
import type { CustomerIndex } from './customer-index.ts'
import { PatchLog } from './patch-log.ts'
import type { OpenBatch, Slots } from './slots.ts'
import type { Slot, Write } from './states.ts'

/** Patches after which a base is written, and bytes of patches beyond which one is written sooner. */
export const PATCHES_MAX = 32
const PATCH_BYTES_MIN = 1024

/** Version, reference and checksum of a patch take at most this much beside its operations. */
const PATCH_HEAD_BYTES = 1 + 8 + CHECKSUM_BYTES

/** The open batches, one a partition at most: what was touched in them, what has to be written for it. */
export class Batches {
  readonly #slots: Slots
  readonly #index: CustomerIndex
  readonly #parts: CodecParts
  readonly #open: (OpenBatch | undefined)[] = []
  readonly #spare: OpenBatch[] = []
  readonly #writer = new ByteWriter()

  constructor(slots: Slots, index: CustomerIndex, parts: CodecParts) {
    this.#slots = slots
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
    const batch = this.#open[this.#slots.partition[slot]!]
    assert(batch !== undefined, 'a state changes in an open batch only')
    this.#slots.touch(slot, batch)
    const { log } = batch
    if (log.reference === -1) log.reference = at
    log.mark()
    return log
  }

  /** What was written since `open` belongs to the slot's patch. */
  close(slot: Slot, log: PatchLog): void {
    const run = log.extend(this.#slots.last[slot]!)
    this.#slots.last[slot] = run
    if (this.#slots.first[slot] === -1) this.#slots.first[slot] = run
  }

  /** See `States.writes`. The bytes of all writes share one buffer, made for them. */
  writes(partition: number): Write[] {
    const batch = this.#open[partition]
    assert(batch !== undefined, 'a batch was begun')
    const slots = this.#slots
    const writer = this.#writer
    writer.at = 0
    for (let slot = batch.head; slot !== -1; slot = slots.next[slot]!) {
      if (slots.first[slot] === -1) continue
      const start = writer.at
      if (this.#writesBase(slot, batch.log)) {
        slots.markBase(slot)
        writeBase(this.#parts, slots.record[slot]!, writer)
      } else {
        this.#writePatch(slot, batch.log)
      }
      slots.pending[slot] = writer.at - start
    }
    return this.#collect(batch, writer.bytes.slice(0, writer.at))
  }

  /** Ends the batch of a partition. */
  end(partition: number, how: 'installed' | 'discarded'): void {
    const batch = this.#open[partition]
    assert(batch !== undefined, 'a batch was begun')
    const slots = this.#slots
    for (let slot = batch.head; slot !== -1; ) {
      const next = slots.next[slot]!
      if (how === 'installed' && slots.first[slot] !== -1) this.#install(slot)
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
    const bytes = slots.pending[slot]!
    assert(bytes > 0, 'what is installed was written')
    if (slots.hasBaseMark(slot)) {
      slots.baseBytes[slot] = bytes
      slots.patchBytes[slot] = 0
      slots.patches[slot] = 0
      renumber(this.#parts, slots.record[slot]!)
    } else {
      slots.patchBytes[slot]! += bytes
      slots.patches[slot]!++
    }
  }

  #writesBase(slot: Slot, log: PatchLog): boolean {
    const slots = this.#slots
    if (slots.patches[slot]! >= PATCHES_MAX) return true
    const bytes = slots.patchBytes[slot]! + log.lengthOf(slots.first[slot]!) + PATCH_HEAD_BYTES
    return bytes > Math.max(PATCH_BYTES_MIN, slots.baseBytes[slot]! / 2)
  }

  #writePatch(slot: Slot, log: PatchLog): void {
    const writer = this.#writer
    const start = writer.at
    const first = this.#slots.first[slot]!
    writer.reserve(log.lengthOf(first) + PATCH_HEAD_BYTES)
    writer.u8(LAYOUT_VERSION)
    writer.varint(Math.max(0, log.reference))
    writer.at = log.copy(first, writer.bytes, writer.at)
    writer.u32(checksum(writer.bytes, start, writer.at))
  }

  #collect(batch: OpenBatch, bytes: Uint8Array): Write[] {
    const slots = this.#slots
    const writes: Write[] = []
    let at = 0
    for (let slot = batch.head; slot !== -1; slot = slots.next[slot]!) {
      if (slots.first[slot] === -1) continue
      const part = bytes.subarray(at, at + slots.pending[slot]!)
      at += part.length
      const customerId = this.#index.idOf(slot)
      const patches = slots.patches[slot]!
      writes.push(
        slots.hasBaseMark(slot)
          ? { kind: 'base', customerId, bytes: part, patches }
          : { kind: 'patch', customerId, index: patches, bytes: part },
      )
    }
    return writes
  }
}
