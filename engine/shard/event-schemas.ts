import type { SchemaLearning } from '../../ingest/registry/schema-learning.ts'
import { SchemaRegistryError } from '../../ingest/registry/schema-registry.ts'
import { frameValues } from './event-frame.ts'

/** How long one question to a schema registry may take. */
export const learnWithinMs = 5_000

/**
 * The schemas that the next events of a partition need. They are learned beside the batches: live requests do not wait for a
 * registry, the events are given again.
 */
export class EventSchemas {
  readonly #learn: SchemaLearning
  #isLearning = false
  #held: string | null = null

  constructor(learn: SchemaLearning) {
    this.#learn = learn
  }

  /** Why events could not be decoded the last time, in a sentence; null: they could. */
  get held(): string | null {
    return this.#held
  }

  /** Whether every schema of a frame of events is known or cannot be had. Else it is being asked for now. */
  mayDecode(events: ArrayBuffer | null): boolean {
    if (events === null) return true
    if (this.#isLearning) return false
    const learning = this.#learn(frameValues(events), learnWithinMs)
    if (learning === null) {
      this.#held = null
      return true
    }
    this.#isLearning = true
    this.#held ??= 'The schemas of the next events are asked for.'
    void learning.then(
      () => {
        this.#isLearning = false
      },
      (error: unknown) => {
        this.#isLearning = false
        this.#held = error instanceof SchemaRegistryError ? error.message : 'The schemas could not be asked for.'
      },
    )
    return false
  }
}
