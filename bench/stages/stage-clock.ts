/** Times of many events, whole and by stage, in flat memory, so that measuring makes no garbage of its own. */

/**
 * Microseconds an event, by the wall: the thread waits for nothing, and its CPU clock ticks too coarsely for one event. What else the
 * machine does is in the p99 of a busy round.
 */
export type Times = { readonly median: number; readonly p99: number }

const mostEvents = 1 << 18

/** One event after the other: `start`, a `mark` at the end of each stage, `stop`. */
export class StageClock {
  readonly #stages: number
  readonly #whole = new Float64Array(mostEvents)
  readonly #parts: readonly Float64Array[]
  #events = 0
  #started = 0
  #marked = 0

  constructor(stages: number) {
    this.#stages = stages
    this.#parts = Array.from({ length: stages }, () => new Float64Array(mostEvents))
  }

  start(): void {
    this.#started = performance.now()
    this.#marked = this.#started
  }

  /** The stage ended now; it began where the one before ended. */
  mark(stage: number): void {
    const now = performance.now()
    const times = this.#parts[stage]
    if (times !== undefined) times[this.#events] = now - this.#marked
    this.#marked = now
  }

  /** The event ended now. Events beyond 262,144 in a round are not kept. */
  stop(): void {
    this.#whole[this.#events] = performance.now() - this.#started
    if (this.#events < mostEvents - 1) this.#events++
  }

  /** Microseconds of the events since the last call; begins anew. */
  take(): Times {
    const sorted = this.#whole.slice(0, this.#events).sort()
    this.#events = 0
    return { median: 1_000 * percentile(sorted, 0.5), p99: 1_000 * percentile(sorted, 0.99) }
  }

  /** The median of each stage since the last call, microseconds; begins anew. */
  takeStages(): readonly number[] {
    const count = this.#events
    this.#events = 0
    return this.#parts.slice(0, this.#stages).map((times) => 1_000 * percentile(times.slice(0, count).sort(), 0.5))
  }
}

/** The value of sorted ones that a share of them does not exceed; NaN of none. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
