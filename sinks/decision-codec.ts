/**
 * Bytes of a decision record on the decisions log: Avro in Confluent framing, `0x00`, the schema id as four bytes big
 * endian, then the record.
 *
 * Evolution: a schema that left this machine never changes. A change is a new file, a new id and a new line in `readers`;
 * a new field has a default, a field or symbol is never renamed or reused. Bytes of every id in `readers` stay readable;
 * an unknown id is refused, so readers are upgraded before writers.
 */
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import type { Decision } from './decision.ts'
import { decisionBytesMax, writeDecision } from './decision-writer.ts'

/** Id in the wire framing of the schema that is written, `schemas/decision.2.avsc`. */
export const decisionSchemaId = 1002

/** Bytes that are not a decision of a schema we know. Never holds the content. */
export class DecisionDecodeError extends Error {
  readonly code = 'decision_undecodable'
}

/**
 * Encodes a decision. Infinite bounds are kept; doubles are kept bit by bit.
 * @returns a buffer of its own, safe to transfer
 * @throws AssertionError when it is larger than `decisionBytesMax`, TypeError when a field has a wrong type (both bugs)
 */
export function encodeDecision(decision: Decision): Uint8Array {
  return writeDecision(decision, header)
}

/**
 * Decodes a decision of any known schema id.
 * @throws DecisionDecodeError when the bytes are cut, have rests, or carry an unknown schema id
 */
export function decodeDecision(bytes: Uint8Array): Decision {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length <= headerBytes || buffer.length > decisionBytesMax || buffer[0] !== 0) {
    throw new DecisionDecodeError('not a record in Confluent framing')
  }
  const id = buffer.readUInt32BE(1)
  const reader = readers.get(id)
  if (!readers.has(id)) throw new DecisionDecodeError(`decision schema ${id} is not known here`)
  let decoded: { readonly value: Decision; readonly offset: number }
  try {
    decoded = current.decode(buffer, headerBytes, reader)
  } catch (cause) {
    throw new DecisionDecodeError('the record does not fit its schema', { cause })
  }
  // avsc answers a cut record with a negative offset instead of an error.
  if (decoded.offset !== buffer.length) throw new DecisionDecodeError('the record is cut or has rests')
  return decoded.value
}

/** The id of an encoded decision, without decoding the rest: its first field. `encodeDecision` wrote the bytes. */
export function decisionIdOf(bytes: Uint8Array): string {
  const start = headerBytes + 1
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, idLength).toString('latin1')
}

const headerBytes = 5
/** A decision id is 32 hex digits, so that its length takes one byte. */
const idLength = 32
const current = schemaOf('decision.2.avsc')
/** How the bytes of each schema id ever written are read as the current record; undefined: they are. */
const readers: ReadonlyMap<number, ReturnType<avro.Type['createResolver']> | undefined> = new Map([
  [1001, current.createResolver(schemaOf('decision.avsc'))],
  [decisionSchemaId, undefined],
])

function schemaOf(file: string): avro.Type {
  const schema = JSON.parse(readFileSync(new URL(`schemas/${file}`, import.meta.url), 'utf8'))
  return avro.Type.forSchema(schema, { omitRecordMethods: true })
}

const header = Buffer.alloc(headerBytes)
header.writeUInt32BE(decisionSchemaId, 1)
