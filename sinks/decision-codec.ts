/**
 * Bytes of a decision record on the decisions log: Avro in Confluent framing, `0x00`, the schema id as four bytes big
 * endian, then the record.
 *
 * Evolution: a schema that left this machine never changes. A change is a new file and a new line in `schemas/ids.json`; a
 * new field has a default, a field or symbol is never renamed or reused. Bytes of every id listed stay readable; an
 * unknown id is refused, so readers are upgraded before writers. With a schema registry the ids are the registry's.
 */
import assert from 'node:assert'
import avro from 'avsc'
import { FRAME_BYTES, frameId } from '../ingest/framing.ts'
import { decisionReaderOptions } from '../ingest/registry/reader-types.ts'
import type { Resolver } from '../ingest/registry/resolve-writer.ts'
import { createSchemaLearner, type Learned } from '../ingest/registry/schema-learner.ts'
import { readSchemaFolder } from '../ingest/schema-folder.ts'
import type { Decision } from './decision.ts'
import { decisionBytesMax, writeDecision } from './decision-writer.ts'
import { fromWire, type WireDecision } from './wire-fate.ts'

/** Bytes that are not a decision of a schema we know. Never holds the content. */
export class DecisionDecodeError extends Error {
  readonly code = 'decision_undecodable'
}

export type DecisionCodec = {
  /**
   * Encodes a decision. Infinite bounds are kept; doubles are kept bit by bit.
   * @returns a buffer of its own, safe to transfer
   * @throws AssertionError when it is larger than `decisionBytesMax`, TypeError when a field has a wrong type (both bugs)
   */
  encode(decision: Decision): Uint8Array
  /**
   * Decodes a decision of any known schema id.
   * @throws DecisionDecodeError when the bytes are cut, have rests, carry an unknown schema id or a symbol we do not have
   */
  decode(bytes: Uint8Array): Decision
  /** The ids that need no learning. */
  readonly ids: readonly number[]
  /** Whether bytes of this id are decoded, or refused, for what their schema says. */
  knows(id: number): boolean
}

/** A codec of ids that others give. */
export type LearningDecisionCodec = DecisionCodec & {
  /** Takes the schema that an id means, see `LearningEventCodec.learn`. Decisions of a schema that cannot be used are undecodable. */
  learn(id: number, text: string): Learned
}

/** Encodes a decision under `decisionSchemaId`, see `DecisionCodec.encode`. */
export function encodeDecision(decision: Decision): Uint8Array {
  return ownDecisionCodec.encode(decision)
}

/** Decodes a decision of any schema id of this release, see `DecisionCodec.decode`. */
export function decodeDecision(bytes: Uint8Array): Decision {
  return ownDecisionCodec.decode(bytes)
}

/** The id of an encoded decision, without decoding the rest: its first field. `encodeDecision` wrote the bytes. */
export function decisionIdOf(bytes: Uint8Array): string {
  const start = FRAME_BYTES + 1
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, ID_LENGTH).toString('latin1')
}

/** A decision id is 32 hex digits, so that its length takes one byte. */
const ID_LENGTH = 32

/**
 * @param registered the id that a registry gave to `decisionSchema` (`registerSchema`): ids are then the registry's, and
 * our own mean nothing. Null: ids are those of `schemas/ids.json`.
 */
export function createDecisionCodec(registered: number | null = null): LearningDecisionCodec {
  const schemaId = registered ?? decisionSchemaId
  const current = avro.Type.forSchema(JSON.parse(decisionSchema), decisionReaderOptions())
  assert(current.name !== undefined)
  const learner = createSchemaLearner(new Map([[current.name, current]]))
  const header = Buffer.alloc(FRAME_BYTES)
  header.writeUInt32BE(schemaId, 1)
  if (registered === null) {
    for (const { id, text } of released) {
      assert(id === schemaId || learner.learn(id, text).kind === 'resolved', `decisions of id ${id} can be read`)
    }
  }

  /** How to read an id; undefined: by our own schema. */
  function resolverOf(id: number): Resolver | undefined {
    if (id === schemaId) return undefined
    const outcome = learner.outcomeOf(id)
    if (outcome?.kind === 'resolved') return outcome.resolver
    throw new DecisionDecodeError(
      outcome === undefined ? `decision schema ${id} is not known here` : `decision schema ${id} cannot be read here`,
    )
  }

  return {
    encode: (decision) => writeDecision(decision, header),
    decode(bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const id = frameId(buffer)
      if (id === -1 || buffer.length === FRAME_BYTES || buffer.length > decisionBytesMax) {
        throw new DecisionDecodeError('not a record in Confluent framing')
      }
      const resolver = resolverOf(id)
      let decoded: { readonly value: WireDecision; readonly offset: number }
      try {
        decoded = current.decode(buffer, FRAME_BYTES, resolver)
      } catch (cause) {
        throw new DecisionDecodeError('the record does not fit its schema', { cause })
      }
      // avsc answers a cut record with a negative offset instead of an error.
      if (decoded.offset !== buffer.length) throw new DecisionDecodeError('the record is cut or has rests')
      return fromWire(decoded.value)
    },
    ids: registered === null ? released.map(({ id }) => id) : [schemaId],
    knows: (id) => id === schemaId || learner.knows(id),
    learn(id, text) {
      if (id === schemaId) return { kind: 'learned', name: 'Decision' }
      const outcome = learner.learn(id, text)
      return outcome.kind === 'refused' ? outcome : { kind: 'learned', name: outcome.name }
    },
  }
}

const released = readSchemaFolder(new URL('schemas/', import.meta.url)).filter(({ type }) => type === 'decision')
const written = released.find(({ current }) => current)
assert(written !== undefined)

/** Id in the wire framing of the schema that is written, where no registry gives it another. */
export const decisionSchemaId: number = written.id

/** The Avro schema that is written. */
export const decisionSchema: string = written.text

/** The codec of this release's ids. Everybody shares it, so it learns nothing. */
export const ownDecisionCodec: DecisionCodec = createDecisionCodec()
