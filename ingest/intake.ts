import assert from 'node:assert'
import { hash } from 'node:crypto'
import { decodeEvent, type EventCodec, encodeEvent } from './avro-codec.ts'
import type { DeadLetters } from './dead-letters.ts'
import { erasureType } from './erasure.ts'
import type { Event, RejectReason, Via } from './event.ts'
import { createForgetting } from './forget-customers.ts'
import { type Identities, noIdentities } from './identity/identities.ts'
import { checkItem, type IntakeItem, itemOf, settleItems } from './intake-item.ts'
import type { Log, NewRecord } from './log.ts'
import { partitionOf } from './partition.ts'
import { isPrivileged } from './privileged.ts'
import type { SchemaLearning } from './registry/schema-learning.ts'

/** What became of an item. */
export type IntakeResult =
  | { readonly kind: 'appended'; readonly partition: number; readonly offset: number }
  | {
      readonly kind: 'rejected'
      readonly reason: RejectReason
      readonly field: string | null
      readonly deadLetterId: string
    }

export type IntakeCounters = {
  /** Items of calls that were answered; appended + rejected. */
  readonly received: number
  readonly appended: number
  readonly rejected: Readonly<Partial<Record<RejectReason, number>>>
}

export type IntakeLimits = {
  /** Most items of one call. */
  readonly itemsMax: number
}

/** The door: everything that comes in goes through here, whatever brought it. */
export type Intake = {
  /**
   * Checks each item, puts the customer in place of an alias, stamps how it came in, appends the sound ones (one append a
   * partition, in their order) and keeps the others as dead letters; resolved when both are durable. One result per item, in order. Duplicates are appended too:
   * the shard of the customer recognises them.
   * @throws LogError (`log_full`, `log_unavailable`, `log_closed`) when something could not be kept: nothing of the call is
   * acknowledged then and all of it may be sent again, as events that did get in are recognised as duplicates;
   * SchemaRegistryError when the schema of a framed record cannot be asked for: nothing was done; IdentityError when aliases
   * cannot be resolved or linked: nothing is in the log then
   */
  submit(items: readonly IntakeItem[], via: Via): Promise<readonly IntakeResult[]>
  /**
   * Submits the bytes of a dead letter again, as they came and from where they came, and marks it when they are taken.
   * Null when there is no such dead letter.
   * @throws as `submit`
   */
  redrive(deadLetterId: string): Promise<IntakeResult | null>
  counters(): IntakeCounters
}

export function createIntake(parts: {
  readonly log: Log
  readonly deadLetters: DeadLetters
  readonly now: () => number
  readonly limits: IntakeLimits
  /** Marks the records of what only this door may say, on a log that others write to; absent: nobody else does. */
  readonly sign?: (record: NewRecord) => NewRecord
  /** With a schema registry: the codec of its ids, and how it learns. Absent: ids are the catalogue's. */
  readonly registry?: RegistryParts
  /** Whose the aliases are. Absent: nobody's is known, and none can be linked. */
  readonly identities?: Identities
}): Intake {
  const { log, deadLetters } = parts
  const identities = parts.identities ?? noIdentities
  const sign = parts.sign ?? ((record: NewRecord) => record)
  const codec: Codec = parts.registry?.codec ?? { encode: encodeEvent, decode: decodeEvent }
  const forgetting = createForgetting({ deadLetters, identities })
  let appended = 0
  const rejected: Partial<Record<RejectReason, number>> = {}

  async function submit(items: readonly IntakeItem[], via: Via): Promise<readonly IntakeResult[]> {
    assert(items.length <= parts.limits.itemsMax, 'too many items in one call')
    const results = new Array<IntakeResult>(items.length)
    const records = new Map<number, { readonly record: NewRecord; readonly index: number }[]>()
    const letters: Promise<void>[] = []
    const seen = new Map<string, number>()
    const erased: string[] = []
    if (parts.registry !== undefined) await learnFor(parts.registry, items)
    const checkedItems = items.map((item) => checkItem(codec, item, via))
    for (const [index, checked] of (
      await settleItems(identities, items, checkedItems, { via, now: parts.now })
    ).entries()) {
      if (checked.kind === 'ok') {
        if (checked.event.type === erasureType && via !== 'stream') erased.push(checked.event.customerId)
        const partition = partitionOf(checked.event.customerId, log.partitions)
        const of = records.get(partition) ?? []
        records.set(partition, of)
        const record = recordOf(codec, checked.event, checked.appendTime)
        // A letter of the stream that is handed in again stays one of the stream.
        of.push({ record: via !== 'stream' && isPrivileged(checked.event) ? sign(record) : record, index })
        continue
      }
      const { rejection, bytes } = checked
      const deadLetterId = letterId(via, bytes, seen)
      results[index] = { kind: 'rejected', ...rejection, deadLetterId }
      // Of an erased customer only that something came is kept.
      const kept = rejection.reason === 'erased' ? new Uint8Array(0) : bytes
      letters.push(deadLetters.put({ id: deadLetterId, ...rejection, via, bytes: kept, at: parts.now() }))
    }
    // Letters first: if the log then refuses, the sender repeats the call and finds them there already.
    await settleAll(letters)
    await settleAll(Array.from(records, ([partition, of]) => append(partition, of, results)))
    // After the append: a sender who has to repeat an erasure may have named the customer by an alias.
    if (erased.length > 0) await forgetting.forget(erased)
    count(results)
    return results
  }

  async function append(
    partition: number,
    of: readonly { readonly record: NewRecord; readonly index: number }[],
    results: IntakeResult[],
  ): Promise<void> {
    const { firstOffset } = await log.append(
      partition,
      of.map((one) => one.record),
    )
    for (const [i, { index }] of of.entries()) results[index] = { kind: 'appended', partition, offset: firstOffset + i }
  }

  function count(results: readonly IntakeResult[]): void {
    for (const result of results) {
      if (result.kind === 'appended') appended++
      else rejected[result.reason] = (rejected[result.reason] ?? 0) + 1
    }
  }

  return {
    submit,
    async redrive(deadLetterId) {
      const letter = await deadLetters.get(deadLetterId)
      if (letter === null) return null
      const [result] = await submit([itemOf(letter.bytes)], letter.via)
      assert(result !== undefined)
      if (result.kind === 'appended') await deadLetters.markRedriven(deadLetterId, parts.now())
      return result
    },
    counters() {
      const refused = Object.values(rejected).reduce((sum, one) => sum + one, 0)
      return { received: appended + refused, appended, rejected: { ...rejected } }
    },
  }
}

type RegistryParts = { readonly codec: EventCodec; readonly learn: SchemaLearning }
type Codec = Pick<EventCodec, 'encode' | 'decode'>

/** How long a call waits for the schema registry. */
const LEARN_DEADLINE_MS = 5_000

/** Teaches the codec the schemas that framed records of others need. */
async function learnFor({ learn }: RegistryParts, items: readonly IntakeItem[]): Promise<void> {
  const framed = items.flatMap((item) => (item.kind === 'avro' ? [item.bytes] : []))
  await learn(framed, LEARN_DEADLINE_MS)
}

function recordOf(codec: Codec, event: Event, appendTime: number | undefined): NewRecord {
  const record = { key: event.customerId, value: codec.encode(event) }
  return appendTime === undefined ? record : { ...record, appendTime }
}

/**
 * Id of what was refused at the door: hashed from what came, so that sending it again finds the same letter. The same
 * bytes twice in one call are two letters.
 */
function letterId(via: Via, bytes: Uint8Array, seen: Map<string, number>): string {
  const content = hash('sha256', bytes).slice(0, 32)
  const times = seen.get(content) ?? 0
  seen.set(content, times + 1)
  return times === 0 ? `${via}-${content}` : `${via}-${content}-${times}`
}

/** Waits for all, then throws the first failure if there was one: nothing is left running. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) {
    if (one.status === 'rejected') throw one.reason
  }
}
