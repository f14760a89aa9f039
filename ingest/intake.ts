import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { decodeEvent, type EventCodec, encodeEvent, MAX_RECORD_BYTES } from './avro-codec.ts'
import { parseCloudEvent, printCloudEvent } from './cloud-event.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Event, RejectReason, Via } from './event.ts'
import type { Log, NewRecord } from './log.ts'
import { partitionOf } from './partition.ts'
import { isPrivileged } from './privileged.ts'
import type { SchemaLearning } from './registry/schema-learning.ts'
import { type Rejection, validateEvent } from './validate.ts'

/** Something that wants to become an event of the log. */
export type IntakeItem =
  /** CloudEvents JSON: parsed, and as it came. */
  | { readonly kind: 'json'; readonly value: unknown; readonly bytes: Uint8Array }
  /** A framed Avro record. */
  | { readonly kind: 'avro'; readonly bytes: Uint8Array }
  /** An event from our own code; `appendTime` (Unix milliseconds) for logs on an event clock. */
  | { readonly kind: 'event'; readonly event: Event; readonly appendTime?: number }

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
   * Checks each item, stamps how it came in, appends the sound ones (one append a partition, in their order) and keeps
   * the others as dead letters; resolved when both are durable. One result per item, in order. Duplicates are appended too:
   * the shard of the customer recognises them.
   * @throws LogError (`log_full`, `log_unavailable`, `log_closed`) when something could not be kept: nothing of the call is
   * acknowledged then and all of it may be sent again, as events that did get in are recognised as duplicates;
   * SchemaRegistryError when the schema of a framed record cannot be asked for: nothing was done
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

type Checked =
  | { readonly kind: 'ok'; readonly event: Event; readonly appendTime: number | undefined }
  | { readonly kind: 'rejected'; readonly rejection: Rejection; readonly bytes: Uint8Array }

export function createIntake(parts: {
  readonly log: Log
  readonly deadLetters: DeadLetters
  readonly now: () => number
  readonly limits: IntakeLimits
  /** Marks the records of what only this door may say, on a log that others write to; absent: nobody else does. */
  readonly sign?: (record: NewRecord) => NewRecord
  /** With a schema registry: the codec of its ids, and how it learns. Absent: ids are the catalogue's. */
  readonly registry?: RegistryParts
}): Intake {
  const { log, deadLetters } = parts
  const sign = parts.sign ?? ((record: NewRecord) => record)
  const codec: Codec = parts.registry?.codec ?? { encode: encodeEvent, decode: decodeEvent }
  let appended = 0
  const rejected: Partial<Record<RejectReason, number>> = {}

  async function submit(items: readonly IntakeItem[], via: Via): Promise<readonly IntakeResult[]> {
    assert(items.length <= parts.limits.itemsMax, 'too many items in one call')
    const results = new Array<IntakeResult>(items.length)
    const records = new Map<number, { readonly record: NewRecord; readonly index: number }[]>()
    const letters: Promise<void>[] = []
    const seen = new Map<string, number>()
    if (parts.registry !== undefined) await learnFor(parts.registry, items)
    for (const [index, item] of items.entries()) {
      const checked = check(codec, item, via)
      if (checked.kind === 'ok') {
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
      letters.push(deadLetters.put({ id: deadLetterId, ...rejection, via, bytes, at: parts.now() }))
    }
    // Letters first: if the log then refuses, the sender repeats the call and finds them there already.
    await settleAll(letters)
    await settleAll(Array.from(records, ([partition, of]) => append(partition, of, results)))
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

function check(codec: Codec, item: IntakeItem, via: Via): Checked {
  switch (item.kind) {
    case 'json': {
      if (item.bytes.length > MAX_RECORD_BYTES) return refused({ reason: 'too_large', field: null }, item.bytes)
      const parsed = parseCloudEvent(item.value, via)
      return parsed.kind === 'ok' ? sound(parsed.event) : refused(parsed.rejection, item.bytes)
    }
    case 'avro': {
      const decoded = codec.decode(item.bytes)
      return decoded.kind === 'ok' ? sound(stamped(decoded.event, via)) : refused(decoded, item.bytes)
    }
    case 'event': {
      const rejection = validateEvent(item.event)
      if (rejection === null) return sound(stamped(item.event, via), item.appendTime)
      return refused(rejection, Buffer.from(JSON.stringify(printCloudEvent(item.event))))
    }
  }
}

function sound(event: Event, appendTime?: number): Checked {
  return { kind: 'ok', event, appendTime }
}

function refused({ reason, field }: Rejection, bytes: Uint8Array): Checked {
  return { kind: 'rejected', rejection: { reason, field }, bytes }
}

function stamped(event: Event, via: Via): Event {
  return { ...event, provenance: { via, consentId: event.provenance.consentId } }
}

function recordOf(codec: Codec, event: Event, appendTime: number | undefined): NewRecord {
  const record = { key: event.customerId, value: codec.encode(event) }
  return appendTime === undefined ? record : { ...record, appendTime }
}

/** The bytes of a dead letter as an item: a framed record begins with a zero byte, which JSON text never does. */
function itemOf(bytes: Uint8Array): IntakeItem {
  if (bytes[0] === 0) return { kind: 'avro', bytes }
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    value = undefined
  }
  return { kind: 'json', value, bytes }
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
