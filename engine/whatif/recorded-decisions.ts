/**
 * Decisions of history that their simulation may still come by, by id: whether a message was really sent, and whether what is computed again is
 * what was decided. They come by their instants and a batch by its end, so that some wait for more than a slice.
 */
import type { Decision } from '../../sinks/decision.ts'
import { type BeliefCount, fingerprint } from './belief.ts'

/** A decision as history has it. */
export type PastDecision = {
  readonly id: string
  /** Unix milliseconds. */
  readonly decidedAt: number
  /** See `fingerprint`. */
  readonly print: string
  /** Whether something was offered: then a message may have gone out, and what is reported of it is real. */
  readonly offered: boolean
  readonly packHash: string
  /** Whether it was decided by the rules: others are no evidence. */
  readonly counts: boolean
}

type Kept = { readonly decision: PastDecision; readonly isEvidence: boolean; isComputed: boolean }

/** Most that are kept at once; of more the oldest are taken for never computed. */
const keptMax = 500_000

export class RecordedDecisions {
  /** In the order of their instants. */
  readonly #kept = new Map<string, Kept>()
  #recorded = 0
  #met = 0
  #differed = 0
  #surplus = 0

  /** A decision of history, no earlier than the last one. @param isEvidence whether what is computed again has to meet it */
  record(decision: PastDecision, isEvidence: boolean): void {
    if (isEvidence) this.#recorded++
    else if (!decision.offered) return
    this.#kept.set(decision.id, { decision, isEvidence, isComputed: false })
  }

  /** Whether it was decided in reality, and something was offered. */
  isOffered(id: string): boolean {
    return this.#kept.get(id)?.decision.offered === true
  }

  /** Compares what was computed again with what was decided. */
  compute(decision: Decision): void {
    const kept = this.#kept.get(decision.id)
    if (kept === undefined || !kept.isEvidence || kept.isComputed) {
      this.#surplus++
      return
    }
    kept.isComputed = true
    if (kept.decision.print === fingerprint(decision)) this.#met++
    else this.#differed++
  }

  /** Nothing from before this instant is computed any more. */
  forget(before: number): void {
    for (const [id, { decision }] of this.#kept) {
      if (decision.decidedAt >= before && this.#kept.size <= keptMax) return
      this.#kept.delete(id)
    }
  }

  /** So far; what was not computed yet counts as missing. */
  get belief(): BeliefCount {
    const [recorded, met, differed] = [this.#recorded, this.#met, this.#differed]
    return { recorded, met, differed, missing: recorded - met - differed, surplus: this.#surplus }
  }
}
