import { Buffer } from 'node:buffer'
import avro from 'avsc'
import type { Event, RejectReason } from './event.ts'
import { schemaCatalogue } from './event-types.ts'
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
}

/** Encodes an event as of this release's schemas, see `EventCodec.encode`. */
export function encodeEvent(event: Event): Uint8Array {
  return codec.encode(event)
}

/** Decodes an event of any schema version this release knows, see `EventCodec.decode`. */
export function decodeEvent(bytes: Uint8Array): Decoded {
  return codec.decode(bytes)
}

/** The codec of a catalogue of schemas. */
export function createEventCodec(catalogue: SchemaCatalogue): EventCodec {
  const writers = new Map<string, Writer>()
  const readers: (Reader | undefined)[] = []
  for (const { id, type, avro: schema, current } of catalogue.versions) {
    const avroType = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)), avroOptions())
    if (current) writers.set(type, { id, avroType })
    readers[id] = { type, avroType, resolver: undefined }
  }
  for (const reader of readers) {
    const writer = reader === undefined ? undefined : writers.get(reader.type)
    if (reader === undefined || writer === undefined || writer.avroType === reader.avroType) continue
    reader.resolver = writer.avroType.createResolver(reader.avroType)
    reader.avroType = writer.avroType
  }
  const scratch = Buffer.alloc(MAX_RECORD_BYTES)

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
      if (bytes.length < FRAME_BYTES || bytes[0] !== 0) return UNDECODABLE
      const id = bytes[1]! * 0x1000000 + ((bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!)
      const reader = readers[id]
      if (reader === undefined) return SCHEMA_UNKNOWN
      return read(reader, bytes, catalogue)
    },
  }
}

function read(reader: Reader, bytes: Uint8Array, catalogue: SchemaCatalogue): Decoded {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let event: Event
  try {
    const { value, offset } = reader.avroType.decode(buffer, FRAME_BYTES, reader.resolver)
    if (offset !== buffer.length) return UNDECODABLE
    const record: Omit<Event, 'type'> = value
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
  avroType: avro.Type
  resolver: ReturnType<avro.Type['createResolver']> | undefined
}

/** Magic byte and schema id. */
const FRAME_BYTES = 5

const UNDECODABLE: Decoded = { kind: 'dead_letter', reason: 'undecodable', field: null }
const SCHEMA_UNKNOWN: Decoded = { kind: 'dead_letter', reason: 'schema_unknown', field: null }
const TOO_LARGE: Decoded = { kind: 'dead_letter', reason: 'too_large', field: null }

/** The part of avsc's reader that a logical type's `_read` is handed. */
type Tap = { readLong(): number; skipLong(): void }

/**
 * An array of enum symbols that reads no more entries than there are symbols: the library believes the count on the
 * wire, so that ten bytes could make it fill memory.
 */
class NameList extends avro.types.LogicalType {
  readonly #symbols: readonly string[]

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options)
    this.#symbols = symbolsOf(this.underlyingType)
  }

  _read(tap: Tap): readonly string[] {
    const names: string[] = []
    for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
      if (count < 0) tap.skipLong()
      const entries = Math.abs(count)
      if (names.length + entries > this.#symbols.length) throw new RangeError('more names than there are')
      for (let i = 0; i < entries; i++) {
        const name = this.#symbols[tap.readLong()]
        if (name === undefined) throw new RangeError('no such name')
        names.push(name)
      }
    }
    return names
  }

  override _fromValue(value: unknown): unknown {
    return value
  }

  override _toValue(value: unknown): unknown {
    return value
  }

  override _resolve(type: avro.Type): ((value: unknown) => unknown) | undefined {
    return type instanceof NameList ? (value) => value : undefined
  }
}

/** Made anew for each schema: the library keeps the names it has seen in them. */
function avroOptions() {
  return { wrapUnions: 'never', omitRecordMethods: true, logicalTypes: { 'name-list': NameList } } as const
}

function symbolsOf(type: avro.Type): readonly string[] {
  if (type instanceof avro.types.ArrayType && type.itemsType instanceof avro.types.EnumType)
    return type.itemsType.symbols
  throw new TypeError('a name list is an array of an enum')
}

const codec = createEventCodec(schemaCatalogue)
