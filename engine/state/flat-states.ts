import assert from 'node:assert/strict'
import type { Layout } from '../../rules/compiled.ts'
import { findAnswer } from './answers.ts'
import { Arena } from './arena.ts'
import { type CodecParts, readBase, writeBase } from './base-codec.ts'
import { Batches } from './batches.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { readContact } from './contacts.ts'
import { CustomerIndex } from './customer-index.ts'
import { Directory } from './directory.ts'
import { classOf, Evaluator } from './evaluate.ts'
import { Heap, StateError } from './heap.ts'
import { Mutations, type Overflows } from './mutations.ts'
import { PatchWriter, Replayer } from './patch-codec.ts'
import { CONTACTS_N, recordShape, takeRecord } from './record.ts'
import { seriesRules } from './series-rules.ts'
import { SLOT_BYTES, Slots } from './slots.ts'
import type { Slot, States, Stored } from './states.ts'
import { suppressedUntilIn } from './suppressions.ts'

/** The largest part of the memory that slots may take, and the room a load leaves for the growth of what is in use. */
const SLOTS_SHARE = 0.1
const RESERVE_SHARE = 1 / 16
const RESERVE_MAX = 8 << 20
const KB = 1024

export type StatesOptions = {
  /** Most bytes of memory for cached customers, at least 64 KB. */
  readonly maxBytes: number
  /** Since when each series of the layout is observed, Unix ms; Infinity: never; at or before 0: always. */
  readonly observedSince: readonly number[]
  /** Above this many bytes the largest series of a customer are bounded further. Default 32 KB. */
  readonly softLimitBytes?: number
  /** Above this many bytes `isTooLarge`. Default 256 KB. */
  readonly hardLimitBytes?: number
}

/** States in flat memory, and how often a bound was full (since the process started). */
export type FlatStates = States & { readonly overflows: Readonly<Overflows> }

/** Makes the empty cache of a shard for one layout. A mutator needs an open batch of the customer's partition. */
export function createStates(layout: Layout, options: StatesOptions): FlatStates {
  const shape = recordShape(layout)
  const rules = seriesRules(layout)
  const most = Math.max(1, Math.floor((options.maxBytes * SLOTS_SHARE) / SLOT_BYTES))
  const arena = new Arena(Math.floor(options.maxBytes * (1 - SLOTS_SHARE)))
  const slots = new Slots(most)
  const heap = new Heap(arena, evictOne)
  const index = new CustomerIndex(heap, most)
  const directory = new Directory(heap, shape, layout)
  const mutations = new Mutations(heap, shape, layout, rules, options.softLimitBytes ?? 32 * KB)
  const parts: CodecParts = { heap, shape, rules, directory }
  const patches = new PatchWriter(directory, shape, rules)
  const replayer = new Replayer(mutations, directory, shape, rules)
  const evaluator = new Evaluator(heap, shape, layout, rules, options.observedSince)
  const batches = new Batches(slots, index, parts)
  const hardLimit = options.hardLimitBytes ?? 256 * KB
  const reserve = Math.min(RESERVE_MAX, Math.floor(arena.freeBytes * RESERVE_SHARE))
  const reader = new ByteReader()
  const scratch = new ByteWriter()
  const targets: number[] = []
  const { record } = slots

  function evictOne(): boolean {
    const slot = slots.victim()
    if (slot === -1) return false
    forget(slot)
    return true
  }

  function forget(slot: Slot): void {
    index.remove(slot)
    mutations.release(record[slot]!)
    slots.give(slot)
  }

  function freeSlot(): number {
    for (;;) {
      const slot = slots.take()
      if (slot !== -1) return slot
      if (!evictOne()) throw new StateError('cache_full', 'every cached customer is in use by an open batch')
    }
  }

  /** Decodes into a slot that is not entered anywhere yet; on failure everything is given back. */
  function fill(slot: Slot, customerId: string, stored: Stored): void {
    const r = takeRecord(heap, shape)
    try {
      targets.length = 0
      if (stored.base !== null) readBase(parts, r, stored.base, reader, targets)
      for (const bytes of stored.patches) replayer.replay(r, bytes, reader, targets)
      index.insert(customerId, slot)
    } catch (error) {
      mutations.release(r)
      throw error
    }
    record[slot] = r
  }

  function load(partition: number, customerId: string, stored: Stored | null): Slot {
    assert(index.find(customerId) === -1, 'a customer is loaded once')
    while (arena.freeBytes < reserve) {
      if (!evictOne()) throw new StateError('cache_full', 'every cached customer is in use by an open batch')
    }
    const slot = freeSlot()
    try {
      fill(slot, customerId, stored ?? { base: null, patches: [] })
    } catch (error) {
      slots.give(slot)
      throw error
    }
    slots.partition[slot] = partition
    slots.baseBytes[slot] = stored?.base?.length ?? 0
    slots.patches[slot] = stored?.patches.length ?? 0
    for (const bytes of stored?.patches ?? []) slots.patchBytes[slot]! += bytes.length
    slots.touch(slot, batches.of(partition))
    return slot
  }

  const notFound = -1
  return {
    layout,
    overflows: mutations.overflows,
    find(customerId) {
      const slot = index.find(customerId)
      if (slot === notFound) return notFound
      slots.touch(slot, batches.of(slots.partition[slot]!))
      return slot
    },
    load,
    begin: (partition) => batches.begin(partition),
    writes: (partition) => batches.writes(partition),
    installed: (partition) => batches.end(partition, 'installed'),
    discard(partition) {
      if (batches.of(partition) !== undefined) batches.end(partition, 'discarded')
      for (let slot = 0; slot < slots.end; slot++) {
        if (record[slot] !== 0 && slots.partition[slot] === partition) forget(slot)
      }
    },
    usage: () => ({
      customers: index.size,
      bytes: arena.usedBytes + index.size * SLOT_BYTES,
      maxBytes: options.maxBytes,
    }),
    bytesOf: (slot) => mutations.takenBytes(record[slot]!) + SLOT_BYTES,
    isTooLarge: (slot) => mutations.contentBytes(record[slot]!) > hardLimit,
    encode(slot) {
      scratch.at = 0
      writeBase(parts, record[slot]!, scratch)
      return scratch.bytes.slice(0, scratch.at)
    },
    remember(slot, idHigh, idLow, acceptedAt) {
      const log = batches.open(slot, acceptedAt)
      if (!mutations.remember(record[slot]!, idHigh, idLow, acceptedAt)) return false
      patches.remember(log.writer, log.reference, idHigh, idLow, acceptedAt)
      batches.close(slot, log)
      return true
    },
    setAttribute(slot, attribute, value, at) {
      const log = batches.open(slot, at)
      const r = record[slot]!
      if (!mutations.setAttribute(r, attribute, value, at)) return
      patches.setAttribute(log.writer, log.reference, r, attribute, value, at)
      batches.close(slot, log)
    },
    addEntry(slot, series, at, value) {
      const log = batches.open(slot, at)
      const r = record[slot]!
      if (!mutations.addEntry(r, series, at, value)) return
      patches.addEntry(log.writer, log.reference, r, series, at, value)
      batches.close(slot, log)
    },
    suppress(slot, key, at, until) {
      const log = batches.open(slot, at)
      if (!mutations.suppress(record[slot]!, key, at, until)) return
      patches.suppress(log.writer, log.reference, key, at, until)
      batches.close(slot, log)
    },
    lift(slot, key, at) {
      const log = batches.open(slot, at)
      if (!mutations.lift(record[slot]!, key, at)) return
      patches.lift(log.writer, log.reference, key, at)
      batches.close(slot, log)
    },
    suppressedUntil: (slot, key) => suppressedUntilIn(heap, record[slot]!, key),
    addContact(slot, contact) {
      const log = batches.open(slot, contact.at)
      mutations.addContact(record[slot]!, contact)
      patches.addContact(log.writer, log.reference, contact)
      batches.close(slot, log)
    },
    removeContact(slot, decision) {
      const log = batches.open(slot, 0)
      if (!mutations.removeContact(record[slot]!, decision)) return false
      patches.removeContact(log.writer, decision)
      batches.close(slot, log)
      return true
    },
    contactCount: (slot) => heap.u16[record[slot]! * 4 + CONTACTS_N]!,
    contactAt: (slot, i, into) => readContact(heap, record[slot]!, i, into),
    rememberAnswer(slot, idHigh, idLow, at, offers) {
      const log = batches.open(slot, at)
      mutations.rememberAnswer(record[slot]!, idHigh, idLow, at, offers)
      patches.answer(log.writer, log.reference, idHigh, idLow, at, offers)
      batches.close(slot, log)
    },
    answerOf: (slot, idHigh, idLow, now) => findAnswer(heap, record[slot]!, idHigh, idLow, now),
    evaluate: (slot, asOf, now, reads, lo, hi) => evaluator.evaluate(record[slot]!, asOf, now, reads, lo, hi),
    classOf: (variable, lo, hi) => classOf(lo[variable]!, hi[variable]!),
  }
}
