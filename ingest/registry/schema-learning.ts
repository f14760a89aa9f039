/** Teaches a codec what it lacks before it decodes: the schemas that values name and it does not know. */
import { frameId } from '../framing.ts'
import { LEARNED_IDS_MAX } from './schema-learner.ts'
import { SCHEMA_ID_MAX, type SchemaRegistry } from './schema-registry.ts'

/** Most questions to the registry at once. */
const QUESTIONS_MAX = 8
/** How long it is believed that an id cannot be had, and of how many ids. */
const UNKNOWN_MS = 10_000
const UNKNOWN_MAX = 4_096

/**
 * Asks for the schemas that framed values need. null: the codec knows all of them, the usual answer, at the price of reading five
 * bytes of each value. Else resolves when every one was learned or definitely cannot be had: its events are dead letters then, and
 * for ten seconds it is not asked for again.
 *
 * Values that are not framed, and ids that no registry gives, are passed over. A full codec (`LEARNED_IDS_MAX`) lacks nothing.
 *
 * The promise rejects with SchemaRegistryError when one of them cannot be asked for in time: hold the values back and ask again,
 * what was answered is learned.
 */
export type SchemaLearning = (values: Iterable<Uint8Array>, deadlineMs: number) => Promise<void> | null

/** A codec that can learn: `LearningEventCodec`, `LearningDecisionCodec`. */
export type LearningCodec = {
  readonly ids: readonly number[]
  learn(id: number, text: string): unknown
}

/**
 * @param registry with a cache in front (`cachedRegistry`)
 * @param now monotonic milliseconds
 */
export function createSchemaLearning(
  registry: SchemaRegistry,
  codec: LearningCodec,
  now: () => number = () => performance.now(),
): SchemaLearning {
  const known = new Set(codec.ids)
  const unknownUntil = new Map<number, number>()
  const fullSize = known.size + LEARNED_IDS_MAX

  function learned(id: number, text: string): void {
    if (known.has(id) || known.size >= fullSize) return
    codec.learn(id, text)
    known.add(id)
  }

  function cannotBeHad(id: number): void {
    if (unknownUntil.size >= UNKNOWN_MAX) unknownUntil.clear()
    unknownUntil.set(id, now() + UNKNOWN_MS)
  }

  async function ask(ids: readonly number[], deadlineMs: number): Promise<void> {
    const until = performance.now() + deadlineMs
    const failures: unknown[] = []
    let asked = 0
    async function askInTurn(): Promise<void> {
      while (failures.length === 0) {
        const id = ids[asked++]
        if (id === undefined) return
        try {
          const answer = await registry.schemaOf(id, Math.max(0, until - performance.now()))
          if (answer.kind === 'schema') learned(id, answer.text)
          else cannotBeHad(id)
        } catch (error) {
          failures.push(error)
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(QUESTIONS_MAX, ids.length) }, askInTurn))
    if (failures.length > 0) throw failures[0]
  }

  return (values, deadlineMs) => {
    if (known.size >= fullSize) return null
    let missing: Set<number> | undefined
    for (const value of values) {
      const id = frameId(value)
      if (id < 1 || id > SCHEMA_ID_MAX || known.has(id) || now() < (unknownUntil.get(id) ?? 0)) continue
      missing ??= new Set()
      missing.add(id)
    }
    return missing === undefined ? null : ask([...missing], deadlineMs)
  }
}
