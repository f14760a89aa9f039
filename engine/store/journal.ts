/**
 * The patches of one partition that are not in the customers' rows yet, mirrored in one ring buffer.
 *
 * A commit writes all its patches as one value, so that it dirties a handful of neighbouring pages instead of one page a
 * customer. The ring holds those values as they are stored, and a flat index chains the patches of each customer, oldest
 * first. When the values exceed the limit the oldest commits are folded: their customers' patches move into the rows.
 * Everything here is typed arrays: nothing is kept as an object a customer or a patch.
 */
import assert from 'node:assert/strict'
import type { Write } from '../state/states.ts'
import { createPatchIndex } from './patch-index.ts'

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

export type Journal = {
  /** The seq up to which the index is complete. */
  seq(): number
  /** Takes a stored value in, ascending by seq; for the scan at start. */
  restore(seq: number, value: Uint8Array): void
  /** Sets the seq after the scan. */
  restored(seq: number): void
  /** Copies of the patches of a customer, oldest first. */
  patches(customerId: string): Uint8Array[]
  /** Lays out a commit. Nothing counts until `install`; one plan at a time. */
  plan(writes: readonly Write[]): JournalPlan
  /** The planned commit was applied as `seq`. */
  install(seq: number): void
  /** The planned commit was not applied. */
  abandon(): void
  /** Bytes of live values, and of the ring. */
  usage(): { readonly bytes: number; readonly capacity: number }
}

/** At most this many customers are folded by one commit. */
const maxFolds = 512

/**
 * An empty journal.
 *
 * @param limitBytes values above it are folded into the rows; the ring is half as large again and grows only when one
 * commit needs more
 */
export function createJournal(limitBytes: number): Journal {
  let ring = Buffer.from(new ArrayBuffer(Math.ceil(limitBytes * 1.5) + 65_536))
  const index = createPatchIndex((at) => idAt(ring, at))
  // Live values, oldest first, from `first` on.
  let seqs: number[] = []
  let positions: number[] = []
  let lengths: number[] = []
  let first = 0
  let bytes = 0
  let head = 0
  let seqNow = 0
  let open: { position: number; length: number; drops: number } | null = null

  /** Where `length` bytes fit behind the newest value, or -1. Never touches live bytes. */
  function place(length: number): number {
    if (first === seqs.length) return length <= ring.length ? 0 : -1
    const oldest = positions[first] ?? 0
    if (head > oldest) {
      if (head + length <= ring.length) return head
      return length < oldest ? 0 : -1
    }
    return head + length < oldest ? head : -1
  }

  /** Moves the live values to a larger ring and indexes them again. */
  function grow(needed: number): void {
    const larger = Buffer.from(new ArrayBuffer(Math.max(ring.length * 2, bytes + needed + 65_536)))
    index.reset()
    head = 0
    const previous = ring
    const oldPositions = positions
    ring = larger
    positions = [...positions]
    for (let i = first; i < seqs.length; i++) {
      const from = oldPositions[i] ?? 0
      const length = lengths[i] ?? 0
      previous.copy(ring, head, from, from + length)
      positions[i] = head
      applyEntries(head, length)
      head += length
    }
  }

  function reserve(length: number): number {
    let position = place(length)
    if (position < 0) {
      grow(length)
      position = place(length)
    }
    assert(position >= 0, 'a grown ring has room')
    return position
  }

  function applyEntries(position: number, length: number): void {
    const end = position + length
    let at = position
    while (at < end) {
      const id = idAt(ring, at)
      if (ring[at] === kindClear) {
        index.clear(id)
        at += 2 + id.length
      } else {
        index.add(id, at)
        at += 6 + id.length + ring.readUInt32LE(at + 2)
      }
    }
  }

  function keep(seq: number, position: number, length: number): void {
    seqs.push(seq)
    positions.push(position)
    lengths.push(length)
    bytes += length
    head = position + length
    applyEntries(position, length)
  }

  function drop(count: number): void {
    for (let i = 0; i < count; i++) {
      bytes -= lengths[first] ?? 0
      first++
    }
    if (first > 1_024) {
      seqs = seqs.slice(first)
      positions = positions.slice(first)
      lengths = lengths.slice(first)
      first = 0
    }
  }

  /** Customers whose oldest patch lies in the i-th live value. */
  function oldestOf(i: number, skip: ReadonlySet<string>, into: string[]): void {
    const position = positions[first + i] ?? 0
    const end = position + (lengths[first + i] ?? 0)
    let at = position
    while (at < end) {
      const id = idAt(ring, at)
      if (index.oldest(id) === at && !skip.has(id)) into.push(id)
      at += ring[at] === kindClear ? 2 + id.length : 6 + id.length + ring.readUInt32LE(at + 2)
    }
  }

  function patches(customerId: string): Uint8Array[] {
    const found: Uint8Array[] = []
    for (let entry = index.first(customerId); entry >= 0; entry = index.next(entry)) {
      const at = index.position(entry)
      const start = at + 6 + (ring[at + 1] ?? 0)
      found.push(new Uint8Array(ring.subarray(start, start + ring.readUInt32LE(at + 2))))
    }
    return found
  }

  function plan(writes: readonly Write[]): JournalPlan {
    assert(open === null, 'one commit of a partition at a time')
    let length = 0
    const skip = new Set<string>()
    for (const write of writes) {
      if (write.kind === 'base') skip.add(write.customerId)
      length += 2 + write.customerId.length + (write.kind === 'base' ? 0 : 4 + write.bytes.length)
    }
    const folded: string[] = []
    let drops = 0
    let freed = 0
    while (bytes - freed + length > limitBytes && drops < seqs.length - first && folded.length < maxFolds) {
      const from = folded.length
      oldestOf(drops, skip, folded)
      for (const id of folded.slice(from)) {
        skip.add(id)
        length += 2 + id.length
      }
      freed += lengths[first + drops] ?? 0
      drops++
    }
    const position = length === 0 ? 0 : reserve(length)
    let at = position
    for (const id of folded) at = writeClear(ring, at, id)
    for (const write of writes) {
      at = write.kind === 'base' ? writeClear(ring, at, write.customerId) : writePatch(ring, at, write)
    }
    assert(at === position + length, 'the planned length is what was written')
    open = { position, length, drops }
    return {
      value: length === 0 ? null : ring.subarray(position, position + length),
      folds: folded.map((customerId) => ({ customerId, patches: patches(customerId) })),
      drops: seqs.slice(first, first + drops),
    }
  }

  return {
    seq: () => seqNow,
    restore(seq, value) {
      const position = reserve(value.length)
      ring.set(value, position)
      keep(seq, position, value.length)
    },
    restored(seq) {
      seqNow = seq
    },
    patches,
    plan,
    install(seq) {
      assert(open !== null, 'only a planned commit is installed')
      const { position, length, drops } = open
      open = null
      if (length > 0) keep(seq, position, length)
      drop(drops)
      seqNow = seq
    },
    abandon() {
      open = null
    },
    usage: () => ({ bytes, capacity: ring.length }),
  }
}

function idAt(ring: Buffer, at: number): string {
  const length = ring[at + 1] ?? 0
  const start = at + (ring[at] === kindClear ? 2 : 6)
  return ring.toString('latin1', start, start + length)
}

function writeClear(ring: Buffer, at: number, id: string): number {
  ring[at] = kindClear
  ring[at + 1] = id.length
  ring.write(id, at + 2, 'latin1')
  return at + 2 + id.length
}

function writePatch(ring: Buffer, at: number, write: Write): number {
  ring[at] = kindPatch
  ring[at + 1] = write.customerId.length
  ring.writeUInt32LE(write.bytes.length, at + 2)
  ring.write(write.customerId, at + 6, 'latin1')
  ring.set(write.bytes, at + 6 + write.customerId.length)
  return at + 6 + write.customerId.length + write.bytes.length
}
