import type { AnswerReason } from '../../rules/reasons.ts'
import type { DecisionCodec } from '../../sinks/decision-codec.ts'
import type { MakeFallback } from './fallback.ts'
import type { Asked } from './live-requests.ts'
import type { ReadyRecord } from './shard-port.ts'

/** Records that wait for a commit; more are not kept: they tell of answers, they have no effect. */
const recordsMax = 1_000

/** Answers requests of one partition with the placement's fallback and keeps the records for its next commit. */
export class FallbackAnswers {
  readonly #make: MakeFallback
  readonly #codec: DecisionCodec
  readonly #now: () => number
  #records: ReadyRecord[] = []

  constructor(make: MakeFallback, codec: DecisionCodec, now: () => number) {
    this.#make = make
    this.#codec = codec
    this.#now = now
  }

  /** What the next commit has to carry. */
  get records(): readonly ReadyRecord[] {
    return this.#records
  }

  /** Answers, unless it was answered. */
  answer(asked: Asked, reason: AnswerReason): void {
    if (asked.answered) return
    asked.answered = true
    const decision = this.#make(asked.request, reason, this.#now())
    const { customerId } = decision
    if (this.#records.length < recordsMax) this.#records.push({ customerId, bytes: this.#codec.encode(decision) })
    asked.resolve({ decision, committed: false })
  }

  /** The shard took the first records over. */
  taken(count: number): void {
    this.#records = this.#records.slice(count)
  }
}
