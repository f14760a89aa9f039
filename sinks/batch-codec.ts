/**
 * Bytes of a record of the batches log: Avro in the framing of the decisions log. The log is between parts of proffer, so its ids are those of
 * `schemas/ids.json` also where a schema registry gives the others. Evolution: as in `decision-codec.ts`.
 */
import assert from 'node:assert'
import avro from 'avsc'
import { FRAME_BYTES, frameId } from '../ingest/framing.ts'
import { decisionReaderOptions } from '../ingest/registry/reader-types.ts'
import { readSchemaFolder } from '../ingest/schema-folder.ts'
import type { Batch } from './batch.ts'

/** Bytes that are not a batch of a schema we know. Never holds the content. */
export class BatchDecodeError extends Error {
  readonly code = 'batch_undecodable'
}

/** Most bytes of a record: what a broker takes in one message. */
export const batchBytesMax = 1024 * 1024

const released = readSchemaFolder(new URL('schemas/', import.meta.url)).filter(({ type }) => type === 'batch')
const written = released.find(({ current }) => current)
assert(written !== undefined, 'a schema of batches is written')

/** Id in the wire framing of the schema that is written. */
export const batchSchemaId: number = written.id
const type = typeOf(written.text)
const header = Buffer.alloc(FRAME_BYTES)
header.writeUInt32BE(batchSchemaId, 1)
/** How to read each id; undefined: by our own schema. */
const resolvers = new Map(
  released.map(({ id, text }) => [id, id === batchSchemaId ? undefined : type.createResolver(typeOf(text))]),
)

/**
 * The batch's bytes, in a buffer of their own.
 * @throws TypeError when a field has a wrong type (a bug)
 */
export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  const body = type.toBuffer(batch)
  const bytes = new Uint8Array(new ArrayBuffer(FRAME_BYTES + body.length))
  bytes.set(header)
  bytes.set(body, FRAME_BYTES)
  return bytes
}

/**
 * A batch of any known schema id.
 * @throws BatchDecodeError when the bytes are cut, have rests, or carry an unknown schema id
 */
export function decodeBatch(bytes: Uint8Array): Batch {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const id = frameId(buffer)
  if (id === -1) throw new BatchDecodeError('not a record in Confluent framing')
  if (!resolvers.has(id)) throw new BatchDecodeError(`batch schema ${id} is not known here`)
  let decoded: { readonly value: Batch; readonly offset: number }
  try {
    decoded = type.decode(buffer, FRAME_BYTES, resolvers.get(id))
  } catch (cause) {
    throw new BatchDecodeError('the record does not fit its schema', { cause })
  }
  // avsc answers a cut record with a negative offset instead of an error.
  if (decoded.offset !== buffer.length) throw new BatchDecodeError('the record is cut or has rests')
  return decoded.value.events < 0 ? { ...decoded.value, events: eventsAtMost(decoded.value) } : decoded.value
}

/** Version 1 did not tell it. So where its log had holes, events count as missing: rather that than one missed in silence. */
function eventsAtMost({ kind, from, next }: Batch): number {
  return kind === 'step' ? next - from : 0
}

function typeOf(text: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(text), decisionReaderOptions())
}
