/**
 * The patches of one partition that are not in the customers' rows yet, mirrored in one ring buffer.
 *
 * A commit writes all its patches as one value, so that it dirties a handful of neighbouring pages instead of one page a
 * customer. The ring holds those values as they are stored, and a flat index chains the patches of each customer, oldest
 * first. When the values exceed the limit the oldest commits are folded: their customers' patches move into the rows.
 */
import assert from 'node:assert/strict'
import { PatchIndex } from './patch-index.ts'
import type { StoreWrite } from './store.ts'

const kindPatch = 1
const kindClear = 2

/** What a commit adds to the journal. */
export type JournalPlan = {
  /** The value to store under the new seq, a view into the ring; null when nothing changed. */
  readonly value: Uint8Array | null
  /** Customers whose patches have to be added to their rows in the same commit. */
  readonly folds: readonly { readonly customerId: string; readonly patches: readonly Uint8Array[] }[]
  /** Seqs whose values go in the same commit. */
  readonly drops: readonly number[]
}

/** At most this many customers are folded by one commit. */
const foldsMax = 512
/** Room in the ring beyond its limit and a half. */
const spareBytes = 65_536

export class Journal {
  readonly #limitBytes: number
  readonly #index: PatchIndex
  #ring: Buffer
  /** Live values, oldest first, from `#first` on. */
  #seqs: number[] = []
  #positions: number[] = []
  #lengths: number[] = []
  #first = 0
  #bytes = 0
  #head = 0
  #seq = 0
  #open: { readonly position: number; readonly length: number; readonly drops: number } | null = null

  /**
   * An empty journal.
   * @param limitBytes values above it are folded into the rows; the ring is half as large again and grows only when one
   *   commit needs more
   */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#ring = Buffer.from(new ArrayBuffer(Math.ceil(limitBytes * 1.5) + spareBytes))
    this.#index = new PatchIndex((at) => idAt(this.#ring, at))
  }

  /** The seq up to which the index is complete. */
  get seq(): number {
    return this.#seq
  }

  /** Bytes of live values. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes a stored value in, ascending by seq; for the scan at start. */
  restore(seq: number, value: Uint8Array): void {
    const position = this.#reserve(value.length)
    this.#ring.set(value, position)
    this.#keep(seq, position, value.length)
  }

  /** Sets the seq after the scan. */
  restored(seq: number): void {
    this.#seq = seq
  }

  /** Copies of the patches of a customer, oldest first. */
  patches(customerId: string): Uint8Array[] {
    const ring = this.#ring
    const found: Uint8Array[] = []
    for (let entry = this.#index.first(customerId); entry >= 0; entry = this.#index.next(entry)) {
      const at = this.#index.position(entry)
      const start = at + 6 + (ring[at + 1] ?? 0)
      found.push(new Uint8Array(ring.subarray(start, start + ring.readUInt32LE(at + 2))))
    }
    return found
  }

  /** Lays out a commit. Nothing counts until `install`; one plan at a time. */
  plan(writes: readonly StoreWrite[]): JournalPlan {
    assert(this.#open === null, 'one commit of a partition at a time')
    const { folded, drops } = this.#chooseFolds(writes)
    let length = 0
    for (const write of writes) {
      length += 2 + write.customerId.length + (write.kind === 'patch' ? 4 + write.bytes.length : 0)
    }
    for (const id of folded) length += 2 + id.length
    const position = length === 0 ? 0 : this.#reserve(length)
    const ring = this.#ring
    let at = position
    for (const id of folded) at = writeClear(ring, at, id)
    for (const write of writes) {
      at = write.kind === 'patch' ? writePatch(ring, at, write) : writeClear(ring, at, write.customerId)
    }
    assert(at === position + length, 'the planned length is what was written')
    this.#open = { position, length, drops }
    return {
      value: length === 0 ? null : ring.subarray(position, position + length),
      folds: folded.map((customerId) => ({ customerId, patches: this.patches(customerId) })),
      drops: this.#seqs.slice(this.#first, this.#first + drops),
    }
  }

  /** The planned commit was applied as `seq`. */
  install(seq: number): void {
    assert(this.#open !== null, 'only a planned commit is installed')
    const { position, length, drops } = this.#open
    this.#open = null
    if (length > 0) this.#keep(seq, position, length)
    this.#drop(drops)
    this.#seq = seq
  }

  /** The planned commit was not applied. */
  abandon(): void {
    this.#open = null
  }

  /** Which of the oldest commits have to go, and the customers that still have patches in them. */
  #chooseFolds(writes: readonly StoreWrite[]): { readonly folded: readonly string[]; readonly drops: number } {
    const settled = new Set<string>()
    let left = this.#bytes
    for (const write of writes) {
      if (write.kind === 'patch') left += write.bytes.length
      else settled.add(write.customerId)
    }
    const folded: string[] = []
    let drops = 0
    while (left > this.#limitBytes && drops < this.#seqs.length - this.#first && folded.length < foldsMax) {
      for (const id of this.#oldestIn(this.#first + drops)) {
        if (settled.has(id)) continue
        settled.add(id)
        folded.push(id)
      }
      left -= this.#lengths[this.#first + drops] ?? 0
      drops++
    }
    return { folded, drops }
  }

  /** Customers whose oldest patch lies in a live value. */
  #oldestIn(i: number): string[] {
    const found: string[] = []
    const position = this.#positions[i] ?? 0
    const end = position + (this.#lengths[i] ?? 0)
    for (let at = position; at < end; at = entryEnd(this.#ring, at)) {
      const id = idAt(this.#ring, at)
      if (this.#index.oldest(id) === at) found.push(id)
    }
    return found
  }

  #keep(seq: number, position: number, length: number): void {
    this.#seqs.push(seq)
    this.#positions.push(position)
    this.#lengths.push(length)
    this.#bytes += length
    this.#head = position + length
    this.#applyEntries(position, length)
  }

  #applyEntries(position: number, length: number): void {
    for (let at = position; at < position + length; at = entryEnd(this.#ring, at)) {
      const id = idAt(this.#ring, at)
      if (this.#ring[at] === kindClear) this.#index.clear(id)
      else this.#index.add(id, at)
    }
  }

  #drop(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#bytes -= this.#lengths[this.#first] ?? 0
      this.#first++
    }
    if (this.#first <= 1_024) return
    this.#seqs = this.#seqs.slice(this.#first)
    this.#positions = this.#positions.slice(this.#first)
    this.#lengths = this.#lengths.slice(this.#first)
    this.#first = 0
  }

  #reserve(length: number): number {
    let position = this.#place(length)
    if (position < 0) {
      this.#grow(length)
      position = this.#place(length)
    }
    assert(position >= 0, 'a grown ring has room')
    return position
  }

  /** Where `length` bytes fit behind the newest value, or -1. Never touches live bytes. */
  #place(length: number): number {
    if (this.#first === this.#seqs.length) return length <= this.#ring.length ? 0 : -1
    const oldest = this.#positions[this.#first] ?? 0
    if (this.#head > oldest) {
      if (this.#head + length <= this.#ring.length) return this.#head
      return length < oldest ? 0 : -1
    }
    return this.#head + length < oldest ? this.#head : -1
  }

  /** Moves the live values to a larger ring and indexes them again. */
  #grow(needed: number): void {
    const previous = this.#ring
    this.#ring = Buffer.from(new ArrayBuffer(Math.max(previous.length * 2, this.#bytes + needed + spareBytes)))
    this.#index.reset()
    this.#head = 0
    for (let i = this.#first; i < this.#seqs.length; i++) {
      const from = this.#positions[i] ?? 0
      const length = this.#lengths[i] ?? 0
      previous.copy(this.#ring, this.#head, from, from + length)
      this.#positions[i] = this.#head
      this.#applyEntries(this.#head, length)
      this.#head += length
    }
  }
}

/** The entries of a stored value, oldest first: a patch of a customer, or null: those before it are in the row, or gone. */
export function* journalEntries(
  value: Buffer,
): Generator<{ readonly customerId: string; readonly patch: Buffer | null }> {
  for (let at = 0; at < value.length; at = entryEnd(value, at)) {
    const customerId = idAt(value, at)
    const patch = value[at] === kindClear ? null : value.subarray(at + 6 + customerId.length, entryEnd(value, at))
    yield { customerId, patch }
  }
}

/** Entry: kind (u8), id length (u8), for patches the length (u32), the id, the patch. */
function entryEnd(ring: Buffer, at: number): number {
  const id = ring[at + 1] ?? 0
  return ring[at] === kindClear ? at + 2 + id : at + 6 + id + ring.readUInt32LE(at + 2)
}

function idAt(ring: Buffer, at: number): string {
  const start = at + (ring[at] === kindClear ? 2 : 6)
  return ring.toString('latin1', start, start + (ring[at + 1] ?? 0))
}

function writeClear(ring: Buffer, at: number, id: string): number {
  ring[at] = kindClear
  ring[at + 1] = id.length
  ring.write(id, at + 2, 'latin1')
  return at + 2 + id.length
}

function writePatch(ring: Buffer, at: number, write: Extract<StoreWrite, { kind: 'patch' }>): number {
  ring[at] = kindPatch
  ring[at + 1] = write.customerId.length
  ring.writeUInt32LE(write.bytes.length, at + 2)
  ring.write(write.customerId, at + 6, 'latin1')
  ring.set(write.bytes, at + 6 + write.customerId.length)
  return at + 6 + write.customerId.length + write.bytes.length
}
