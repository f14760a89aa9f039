import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import avro from 'avsc'
import { type Event, type RejectReason, vias } from './event.ts'
import { schemaCatalogue } from './event-types.ts'
import { FRAME_BYTES } from './framing.ts'
import { eventReaderOptions } from './registry/reader-types.ts'
import type { Resolver } from './registry/resolve-writer.ts'
import { createSchemaLearner, type Learned } from './registry/schema-learner.ts'
import type { SchemaCatalogue } from './schema-catalogue.ts'
import { validateEvent } from './validate.ts'

/** Largest record, bytes with framing. */
export const MAX_RECORD_BYTES = 65_536

export type Decoded =
  | { readonly kind: 'ok'; readonly event: Event }
  | { readonly kind: 'dead_letter'; readonly reason: RejectReason; readonly field: string | null }

export type EventCodec = {
  /**
   * The event in Confluent framing: 0x00, schema id (4 bytes, big endian), Avro. The bytes are the caller's alone.
   * The event has to be valid (`validateEvent`): what its schema cannot hold throws, which is a bug of the caller.
   */
  encode(event: Event): Uint8Array
  /**
   * The event of framed bytes, checked by every rule of `validateEvent`. Never throws: bytes that are too long, cut
   * off, followed by more, of an unknown schema, or with a number beyond 2^53 are a dead letter with the reason.
   * Strings are copied out: the bytes may be reused afterwards.
   */
  decode(bytes: Uint8Array): Decoded
  /** The ids that need no learning. */
  readonly ids: readonly number[]
  /** Whether bytes of this id are decoded, or refused, for what their schema says. */
  knows(id: number): boolean
}

/** A codec of ids that others give. */
export type LearningEventCodec = EventCodec & {
  /**
   * Takes the schema that an id means, so that its bytes are read as our current schema of the same record: what it lacks
   * is unknown, what it has besides is skipped. A schema that cannot be used makes its events dead letters
   * (`type_unknown` when we have no such record, else `schema_unknown`). Says the event type. Never throws; a known id keeps
   * its meaning; see `SchemaLearner` for the bounds.
   */
  learn(id: number, text: string): Learned
}

/** Encodes an event as of this release's schemas, see `EventCodec.encode`. */
export function encodeEvent(event: Event): Uint8Array {
  return ownEventCodec.encode(event)
}

/** Decodes an event of any schema version this release knows, see `EventCodec.decode`. */
export function decodeEvent(bytes: Uint8Array): Decoded {
  return ownEventCodec.decode(bytes)
}

/**
 * The codec of a catalogue of schemas.
 *
 * @param registered the ids that a registry gave to the current schema of each event type (`registerEventSchemas`): ids
 * are then the registry's, and those of the catalogue mean nothing. Null: ids are the catalogue's.
 */
export function createEventCodec(
  catalogue: SchemaCatalogue,
  registered: ReadonlyMap<string, number> | null = null,
): LearningEventCodec {
  const writers = new Map<string, Writer>()
  // An array and not a map: it is looked up for every event.
  const readers: (Reader | undefined)[] = []
  /** Of ids whose events are dead letters for another reason than an unknown schema. */
  const refusals = new Map<number, Decoded>()
  const types = new Map<string, string>()
  const avroTypes = new Map<string, avro.Type>()
  for (const { id: ownId, type, record, avro: schema, current } of catalogue.versions) {
    if (!current) continue
    const avroType = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)), eventReaderOptions())
    const id = registered === null ? ownId : registered.get(type)
    assert(id !== undefined, `the event type ${type} has a schema id`)
    writers.set(type, { id, avroType })
    readers[id] = { type, avroType, resolver: undefined }
    types.set(record, type)
    avroTypes.set(record, avroType)
  }
  const learner = createSchemaLearner(avroTypes)
  const scratch = Buffer.alloc(MAX_RECORD_BYTES)

  function learn(id: number, text: string): Learned {
    const known = readers[id]
    if (known !== undefined) return { kind: 'learned', name: known.type }
    const outcome = learner.learn(id, text)
    if (outcome.kind === 'refused') {
      if (outcome.code === 'type_unknown') refusals.set(id, TYPE_UNKNOWN)
      return outcome
    }
    const [type, avroType] = [types.get(outcome.name), avroTypes.get(outcome.name)]
    assert(type !== undefined && avroType !== undefined)
    readers[id] = { type, avroType, resolver: outcome.resolver }
    return { kind: 'learned', name: type }
  }

  if (registered === null) {
    for (const { id, avro: schema } of catalogue.versions) {
      const learned = learn(id, JSON.stringify(schema))
      assert(learned.kind === 'learned', `the schema of id ${id} can be read as its successor`)
    }
  }

  return {
    encode(event) {
      const writer = writers.get(event.type)
      if (writer === undefined) throw new TypeError('event of a type that has no schema')
      const end = writer.avroType.encode(event, scratch, FRAME_BYTES)
      if (end < 0 || end > MAX_RECORD_BYTES) throw new RangeError('event beyond the largest record')
      scratch.writeUInt32BE(writer.id, 1)
      return new Uint8Array(scratch.subarray(0, end))
    },
    decode(bytes) {
      if (bytes.length > MAX_RECORD_BYTES) return TOO_LARGE
      // `frameId` written out: a call here was measurable.
      if (bytes.length < FRAME_BYTES || bytes[0] !== 0) return UNDECODABLE
      const id = bytes[1]! * 0x1000000 + ((bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!)
      const reader = readers[id]
      if (reader === undefined) return refusals.get(id) ?? SCHEMA_UNKNOWN
      return read(reader, bytes, catalogue)
    },
    ids: Object.keys(readers).map(Number),
    knows: (id) => readers[id] !== undefined || learner.knows(id),
    learn,
  }
}

function read(reader: Reader, bytes: Uint8Array, catalogue: SchemaCatalogue): Decoded {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let event: Event
  const { resolver } = reader
  try {
    const { value, offset } = reader.avroType.decode(buffer, FRAME_BYTES, resolver)
    if (offset !== buffer.length) return UNDECODABLE
    const record: Omit<Event, 'type'> = value
    if (resolver !== undefined && !vias.includes(record.provenance.via)) return VIA_INVALID
    event = {
      id: record.id,
      source: record.source,
      type: reader.type,
      customerId: record.customerId,
      time: record.time,
      provenance: record.provenance,
      data: record.data,
    }
  } catch {
    return UNDECODABLE
  }
  const rejection = validateEvent(event, catalogue.types)
  return rejection === null
    ? { kind: 'ok', event }
    : { kind: 'dead_letter', reason: rejection.reason, field: rejection.field }
}

type Writer = { readonly id: number; readonly avroType: avro.Type }
type Reader = {
  readonly type: string
  readonly avroType: avro.Type
  /** Undefined: the bytes are of our own schema. */
  readonly resolver: Resolver | undefined
}

const UNDECODABLE: Decoded = { kind: 'dead_letter', reason: 'undecodable', field: null }
const SCHEMA_UNKNOWN: Decoded = { kind: 'dead_letter', reason: 'schema_unknown', field: null }
const VIA_INVALID: Decoded = { kind: 'dead_letter', reason: 'field_invalid', field: 'via' }
const TYPE_UNKNOWN: Decoded = { kind: 'dead_letter', reason: 'type_unknown', field: 'type' }
const TOO_LARGE: Decoded = { kind: 'dead_letter', reason: 'too_large', field: null }

/** The codec of this release's ids. Everybody shares it, so it learns nothing. */
export const ownEventCodec: EventCodec = createEventCodec(schemaCatalogue)
