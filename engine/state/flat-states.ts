import type { Layout } from '../../rules/compiled.ts'
import type { SourceTable } from '../../rules/source-table.ts'
import { isAdoptedIn } from './adopted.ts'
import { findAnswer } from './answers.ts'
import { writeBase } from './base-codec.ts'
import { ByteWriter } from './bytes.ts'
import { readContact } from './contacts.ts'
import { CustomerCache } from './customer-cache.ts'
import { CustomerMemory } from './customer-memory.ts'
import { classOf, Evaluator } from './evaluate.ts'
import type { Heap } from './heap.ts'
import { heldAt, nextHeldIn } from './held.ts'
import { missingAt, missingCount, missingMark } from './missing.ts'
import type { Mutations, Overflows } from './mutations.ts'
import { ALLOWED, isRevokedIn, originAt, REVOKED } from './origins.ts'
import { PatchWriter } from './patch-codec.ts'
import { ADOPTED_N, CONTACTS_N, ERASED_AT, HELD_N } from './record.ts'
import { SLOT_BYTES, type Slots } from './slots.ts'
import type { Contact, Due, FeatureClass, GivenAnswer, Held, Slot, States, Stored, Write } from './states.ts'
import { suppressedUntilIn } from './suppressions.ts'

const KB = 1024

/** What a cache of states needs besides the layout. */
export type StatesOptions = (
  | {
      /** Most bytes of memory for cached customers, at least 64 KB. */
      readonly maxBytes: number
    }
  | {
      /** Memory that caches of other layouts use too. */
      readonly memory: CustomerMemory
    }
) & {
  /** Since when each series of the layout is observed, Unix ms; Infinity: never; at or before 0: always. */
  readonly observedSince: readonly number[]
  /** Above this many bytes of series the largest ones of a customer are bounded further. Default 32 KB. */
  readonly softLimitBytes?: number
  /** Above this many bytes of content `isTooLarge`. Default 256 KB. */
  readonly hardLimitBytes?: number
}

/** Makes the empty cache of a shard for one layout. */
export function createStates(layout: Layout, options: StatesOptions): FlatStates {
  return new FlatStates(layout, options)
}

/** The states of a shard: see `States` for every method. A mutator needs an open batch of the customer's partition. */
export class FlatStates implements States {
  readonly layout: Layout
  readonly #cache: CustomerCache
  readonly #heap: Heap
  readonly #slots: Slots
  readonly #mutations: Mutations
  readonly #patches: PatchWriter
  readonly #evaluator: Evaluator
  readonly #hardLimit: number
  readonly #scratch = new ByteWriter()

  constructor(layout: Layout, options: StatesOptions) {
    this.layout = layout
    const memory = 'memory' in options ? options.memory : new CustomerMemory(options.maxBytes)
    this.#cache = new CustomerCache(layout, memory, options.softLimitBytes ?? 32 * KB)
    const { parts, mutations } = this.#cache
    const { heap, slots } = memory
    this.#heap = heap
    this.#slots = slots
    this.#mutations = mutations
    this.#patches = new PatchWriter(parts.directory, parts.shape, parts.rules)
    this.#evaluator = new Evaluator(heap, parts.shape, layout, parts.rules, options.observedSince)
    this.#hardLimit = options.hardLimitBytes ?? 256 * KB
  }

  /** How often something had to go because a bound was full, since the process started. */
  get overflows(): Readonly<Overflows> {
    return this.#cache.memory.overflows
  }

  /** From now on each series of the layout is observed since another instant, see `StatesOptions.observedSince`. */
  observe(observedSince: readonly number[]): void {
    this.#evaluator.observe(observedSince)
  }

  find(customerId: string): Slot {
    return this.#cache.find(customerId)
  }

  load(partition: number, customerId: string, stored: Stored | null): Slot {
    return this.#cache.load(partition, customerId, stored)
  }

  begin(partition: number): void {
    this.#cache.batches.begin(partition)
  }

  writes(partition: number): Write[] {
    return this.#cache.batches.writes(partition)
  }

  installed(partition: number): void {
    this.#cache.batches.end(partition, 'installed')
  }

  /** The changes of the open batch are the state now, and nobody stores them: for a simulation, which has no store. */
  keep(partition: number): void {
    this.#cache.batches.end(partition, 'unstored')
  }

  discard(partition: number): void {
    this.#cache.discard(partition)
  }

  usage(): { readonly customers: number; readonly bytes: number; readonly maxBytes: number } {
    return this.#cache.memory.usage()
  }

  bytesOf(slot: Slot): number {
    return this.#mutations.takenBytes(this.#slots.recordOf(slot)) + SLOT_BYTES
  }

  isTooLarge(slot: Slot): boolean {
    return this.#mutations.contentBytes(this.#slots.recordOf(slot)) > this.#hardLimit
  }

  encode(slot: Slot): Uint8Array {
    const writer = this.#scratch
    writer.at = 0
    writeBase(this.#cache.parts, this.#slots.recordOf(slot), writer)
    return writer.bytes.slice(0, writer.at)
  }

  remember(slot: Slot, idHigh: number, idLow: number, acceptedAt: number): boolean {
    const log = this.#cache.batches.open(slot, acceptedAt)
    if (!this.#mutations.remember(this.#slots.recordOf(slot), idHigh, idLow, acceptedAt)) return false
    this.#patches.remember(log, idHigh, idLow, acceptedAt)
    this.#cache.batches.close(slot, log)
    return true
  }

  setAttribute(slot: Slot, attribute: number, value: number, at: number): void {
    const log = this.#cache.batches.open(slot, at)
    const r = this.#slots.recordOf(slot)
    if (!this.#mutations.setAttribute(r, attribute, value, at)) return
    this.#patches.setAttribute(log, r, attribute, value, at)
    this.#cache.batches.close(slot, log)
  }

  addEntry(slot: Slot, series: number, at: number, value: number): void {
    const log = this.#cache.batches.open(slot, at)
    const r = this.#slots.recordOf(slot)
    if (!this.#mutations.addEntry(r, series, at, value)) return
    this.#patches.addEntry(log, r, series, at, value)
    this.#cache.batches.close(slot, log)
  }

  suppress(slot: Slot, key: number, at: number, until: number): void {
    const log = this.#cache.batches.open(slot, at)
    if (!this.#mutations.suppress(this.#slots.recordOf(slot), key, at, until)) return
    this.#patches.suppress(log, key, at, until)
    this.#cache.batches.close(slot, log)
  }

  lift(slot: Slot, key: number, at: number): void {
    const log = this.#cache.batches.open(slot, at)
    if (!this.#mutations.lift(this.#slots.recordOf(slot), key, at)) return
    this.#patches.lift(log, key, at)
    this.#cache.batches.close(slot, log)
  }

  suppressedUntil(slot: Slot, key: number): number {
    return suppressedUntilIn(this.#heap, this.#slots.recordOf(slot), key)
  }

  miss(slot: Slot, type: string, key: number, at: number): void {
    const mark = missingMark(this.#heap, this.#slots.recordOf(slot), type, key, at)
    this.suppress(slot, mark.key, at, mark.until)
  }

  found(slot: Slot, type: string, key: number): void {
    const at = missingAt(this.#heap, this.#slots.recordOf(slot), type, key)
    if (at >= 0) this.lift(slot, key, at + 1)
  }

  missingCount(slot: Slot): number {
    return missingCount(this.#heap, this.#slots.recordOf(slot))
  }

  feed(slot: Slot, origin: number, type: number, at: number): void {
    const r = this.#slots.recordOf(slot)
    const position = originAt(this.#heap, r, origin, type)
    if (position >= 0) {
      const log = this.#cache.batches.open(slot, at)
      if (!this.#mutations.renewOrigin(r, position, at)) return
      this.#patches.renewOrigin(log, position, at)
      this.#cache.batches.close(slot, log)
      return
    }
    const log = this.#cache.batches.open(slot, at)
    if (!this.#mutations.feed(r, origin, type, at)) return
    this.#patches.feed(log, origin, type, at)
    this.#cache.batches.close(slot, log)
  }

  markOrigin(slot: Slot, origin: number, mark: 'revoked' | 'allowed', at: number): void {
    const log = this.#cache.batches.open(slot, at)
    const stored = mark === 'revoked' ? REVOKED : ALLOWED
    if (!this.#mutations.markOrigin(this.#slots.recordOf(slot), origin, stored, at)) return
    this.#patches.markOrigin(log, origin, stored, at)
    this.#cache.batches.close(slot, log)
  }

  isRevoked(slot: Slot, origin: number): boolean {
    return isRevokedIn(this.#heap, this.#slots.recordOf(slot), origin)
  }

  judgeSources(table: SourceTable): void {
    this.#evaluator.judgeSources(table)
  }

  limitsOf(slot: Slot): number {
    return this.#evaluator.limitsOf(this.#slots.recordOf(slot))
  }

  originsOf(slot: Slot, variable: number, asOf: number, visit: (origin: number) => void): void {
    this.#evaluator.originsOf(this.#slots.recordOf(slot), variable, asOf, visit)
  }

  addContact(slot: Slot, contact: Contact): void {
    const log = this.#cache.batches.open(slot, contact.at)
    if (!this.#mutations.addContact(this.#slots.recordOf(slot), contact)) return
    this.#patches.addContact(log, contact)
    this.#cache.batches.close(slot, log)
  }

  removeContact(slot: Slot, decision: number): boolean {
    const log = this.#cache.batches.open(slot, -1)
    if (!this.#mutations.removeContact(this.#slots.recordOf(slot), decision)) return false
    this.#patches.removeContact(log, decision)
    this.#cache.batches.close(slot, log)
    return true
  }

  confirmContact(slot: Slot, decision: number): boolean {
    const log = this.#cache.batches.open(slot, -1)
    if (!this.#mutations.confirmContact(this.#slots.recordOf(slot), decision)) return false
    this.#patches.confirmContact(log, decision)
    this.#cache.batches.close(slot, log)
    return true
  }

  answerContact(slot: Slot, decision: number): boolean {
    const log = this.#cache.batches.open(slot, -1)
    if (!this.#mutations.answerContact(this.#slots.recordOf(slot), decision)) return false
    this.#patches.answerContact(log, decision)
    this.#cache.batches.close(slot, log)
    return true
  }

  recallContact(slot: Slot, prefix: number): boolean {
    const log = this.#cache.batches.open(slot, -1)
    if (!this.#mutations.recallContact(this.#slots.recordOf(slot), prefix)) return false
    this.#patches.recallContact(log, prefix)
    this.#cache.batches.close(slot, log)
    return true
  }

  hold(slot: Slot, held: Held): boolean {
    const log = this.#cache.batches.open(slot, held.at)
    if (!this.#mutations.hold(this.#slots.recordOf(slot), held)) return false
    this.#patches.hold(log, held)
    this.#cache.batches.close(slot, log)
    this.#slots.markDue(slot)
    return true
  }

  letGo(slot: Slot, trigger: number, placement: number): boolean {
    const log = this.#cache.batches.open(slot, -1)
    if (!this.#mutations.letGo(this.#slots.recordOf(slot), trigger, placement)) return false
    this.#patches.letGo(log, trigger, placement)
    this.#cache.batches.close(slot, log)
    this.#slots.markDue(slot)
    return true
  }

  heldOf(slot: Slot): readonly Held[] {
    const r = this.#slots.recordOf(slot)
    return Array.from({ length: this.#heap.u16[r * 4 + HELD_N]! }, (_, i) => heldAt(this.#heap, r, i))
  }

  nextDue(slot: Slot): number {
    return nextHeldIn(this.#heap, this.#slots.recordOf(slot))
  }

  dues(partition: number): readonly Due[] {
    return this.#cache.batches.dues(partition)
  }

  contactCount(slot: Slot): number {
    return this.#heap.u16[this.#slots.recordOf(slot) * 4 + CONTACTS_N]!
  }

  contactAt(slot: Slot, i: number, into: { -readonly [K in keyof Contact]: Contact[K] }): void {
    readContact(this.#heap, this.#slots.recordOf(slot), i, into)
  }

  rememberAnswer(slot: Slot, idHigh: number, idLow: number, at: number, offers: readonly number[]): void {
    const log = this.#cache.batches.open(slot, at)
    if (!this.#mutations.rememberAnswer(this.#slots.recordOf(slot), idHigh, idLow, at, offers)) return
    this.#patches.answer(log, { idHigh, idLow, at, offers })
    this.#cache.batches.close(slot, log)
  }

  answerOf(slot: Slot, idHigh: number, idLow: number, now: number): GivenAnswer | null {
    return findAnswer(this.#heap, this.#slots.recordOf(slot), idHigh, idLow, now)
  }

  adopt(slot: Slot, decision: number): void {
    const log = this.#cache.batches.open(slot, -1)
    if (!this.#mutations.adopt(this.#slots.recordOf(slot), decision)) return
    this.#patches.adopt(log, decision)
    this.#cache.batches.close(slot, log)
  }

  isAdopted(slot: Slot, decision: number): boolean {
    return isAdoptedIn(this.#heap, this.#slots.recordOf(slot), decision)
  }

  settle(slot: Slot, decision: number): boolean {
    const r = this.#slots.recordOf(slot)
    if (this.#heap.u16[r * 4 + ADOPTED_N] === 0) return false
    const log = this.#cache.batches.open(slot, -1)
    if (!this.#mutations.settle(r, decision)) return false
    this.#patches.settle(log, decision)
    this.#cache.batches.close(slot, log)
    return true
  }

  erase(slot: Slot, at: number): void {
    const log = this.#cache.batches.open(slot, at)
    const r = this.#slots.recordOf(slot)
    if (this.nextDue(slot) > 0) this.#slots.markDue(slot)
    this.#mutations.erase(r, at)
    this.#cache.parts.directory.clear(r)
    this.#cache.batches.close(slot, log)
  }

  erasedAt(slot: Slot): number {
    return this.#heap.f64[this.#slots.recordOf(slot) + ERASED_AT]!
  }

  markErased(slot: Slot, at: number): void {
    this.#heap.f64[this.#slots.recordOf(slot) + ERASED_AT] = at
  }

  evaluate(
    slot: Slot,
    asOf: number,
    now: number,
    reads: readonly number[],
    lo: Float64Array,
    hi: Float64Array,
    purposes = 0,
  ): void {
    this.#evaluator.evaluate(this.#slots.recordOf(slot), asOf, now, reads, lo, hi, purposes)
  }

  classOf(variable: number, lo: Float64Array, hi: Float64Array): FeatureClass {
    return classOf(lo[variable]!, hi[variable]!)
  }
}
