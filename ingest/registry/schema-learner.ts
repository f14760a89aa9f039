/** The writers' schemas that one codec has learned. */
import type avro from 'avsc'
import { type ResolvedWriter, resolveWriter } from './resolve-writer.ts'
import { refusal, type SchemaRefusal } from './writer-schema.ts'

/** Most ids a codec learns; an id keeps its meaning, so none is forgotten. */
export const LEARNED_IDS_MAX = 4_096
/** Most schema text a codec learns, UTF-16 code units. */
export const LEARNED_TEXT_MAX = 16 * 1024 * 1024

/** What became of a schema: the event type or record it is read as, or why it is not. */
export type Learned = { readonly kind: 'learned'; readonly name: string } | SchemaRefusal

export type SchemaLearner = {
  /** Whether the id was learned, as readable or as refused. */
  knows(id: number): boolean
  /** The outcome of an id that was learned. */
  outcomeOf(id: number): ResolvedWriter | SchemaRefusal | undefined
  /**
   * Learns an id once; a second text for it changes nothing. Beyond the bounds nothing more is learned and the answer is
   * `full`: only a new codec, in a process started anew, learns more. Never throws.
   */
  learn(id: number, text: string): ResolvedWriter | SchemaRefusal
}

/** @param readers our types by the full name of the record */
export function createSchemaLearner(readers: ReadonlyMap<string, avro.Type>): SchemaLearner {
  const outcomes = new Map<number, ResolvedWriter | SchemaRefusal>()
  let textLength = 0
  return {
    knows: (id) => outcomes.has(id),
    outcomeOf: (id) => outcomes.get(id),
    learn(id, text) {
      const known = outcomes.get(id)
      if (known !== undefined) return known
      if (outcomes.size >= LEARNED_IDS_MAX || textLength + text.length > LEARNED_TEXT_MAX) {
        return refusal('full', 'more schemas than are learned')
      }
      const outcome = resolveWriter(text, readers)
      textLength += text.length
      outcomes.set(id, outcome)
      return outcome
    },
  }
}
