/** Which schemas a codec in another thread has to learn before it can decode a batch. */
import { frameId } from '../framing.ts'
import { LEARNED_IDS_MAX } from './schema-learner.ts'
import { SCHEMA_ID_MAX, type SchemaRegistry } from './schema-registry.ts'

/** A schema to be learned, for `learn(id, text)` of a codec. Plain data, to be posted to a thread. */
export type SchemaLesson = { readonly id: number; readonly text: string }

export type Lessons = {
  readonly lessons: readonly SchemaLesson[]
  /** Ids that definitely cannot be had: their events are dead letters. */
  readonly unknown: readonly number[]
}

/** Most questions to the registry at once. */
const QUESTIONS_MAX = 8

/**
 * Keeps book of what one codec knows. For each batch, in this order: `missingIds` of its values; when there are any,
 * `ensure` them; post the lessons with the batch and say `handed` in the same breath. The codec learns them before it decodes
 * anything of the batch. A new codec (a thread started anew) knows nothing: make a new book too.
 */
export type LearnedSchemas = {
  /**
   * Ids that framed values name and the codec does not know, each once. Cheap: five bytes of each value are read, and
   * nothing is allocated when all are known. Values that are not framed, and ids that no registry gives, are left out.
   * When the codec is full (`LEARNED_IDS_MAX`) nothing is missing any more.
   */
  missingIds(values: Iterable<Uint8Array>): readonly number[]
  /**
   * The schemas of ids, from the registry.
   * @throws SchemaRegistryError when one of them cannot be asked for in time: hold the batch back and ask again, what was
   * answered is in the registry's cache
   */
  ensure(ids: readonly number[], deadlineMs: number): Promise<Lessons>
  /** Notes that lessons are on their way to the codec, ahead of every batch that is posted from now on. */
  handed(lessons: readonly SchemaLesson[]): void
}

/**
 * @param registry with a cache in front (`cachedRegistry`)
 * @param known the ids that the codec knows without learning (`EventCodec.ids`)
 */
export function createLearnedSchemas(registry: SchemaRegistry, known: Iterable<number>): LearnedSchemas {
  const knownIds = new Set(known)
  const fullSize = knownIds.size + LEARNED_IDS_MAX
  return {
    missingIds(values) {
      let missing: Set<number> | undefined
      if (knownIds.size >= fullSize) return NOTHING
      for (const value of values) {
        const id = frameId(value)
        if (id < 1 || id > SCHEMA_ID_MAX || knownIds.has(id)) continue
        missing ??= new Set()
        missing.add(id)
      }
      return missing === undefined ? NOTHING : [...missing]
    },
    async ensure(ids, deadlineMs) {
      const until = performance.now() + deadlineMs
      const lessons: SchemaLesson[] = []
      const unknown: number[] = []
      const failures: unknown[] = []
      let asked = 0
      async function askInTurn(): Promise<void> {
        while (failures.length === 0) {
          const id = ids[asked++]
          if (id === undefined) return
          try {
            const answer = await registry.schemaOf(id, Math.max(0, until - performance.now()))
            if (answer.kind === 'schema') lessons.push({ id, text: answer.text })
            else unknown.push(id)
          } catch (error) {
            failures.push(error)
          }
        }
      }
      await Promise.all(Array.from({ length: Math.min(QUESTIONS_MAX, ids.length) }, askInTurn))
      if (failures.length > 0) throw failures[0]
      return { lessons, unknown }
    },
    handed(lessons) {
      for (const { id } of lessons) {
        if (knownIds.size < fullSize) knownIds.add(id)
      }
    },
  }
}

const NOTHING: readonly number[] = []
