import type { LogRecord } from '../../ingest/log.ts'
import type { Clock } from '../clock.ts'

/** A backfill waits while an event is not counted for longer than this. */
const fillBehindMs = 1_000

/** How far a partition is behind its log. */
export class Lag {
  readonly #clock: Clock
  readonly #staleMs: number
  readonly #logEnd: number
  #caughtUp: boolean
  /** Age of the oldest event that was not counted at the last look, milliseconds. */
  #behindMs = 0

  /** `logEnd`: where the log ended when the partition was taken. */
  constructor(clock: Clock, staleMs: number, at: { readonly next: number; readonly logEnd: number }) {
    this.#clock = clock
    this.#staleMs = staleMs
    this.#logEnd = at.logEnd
    this.#caughtUp = at.next >= at.logEnd
  }

  /**
   * Whether everything that was in the log at the take-over is counted. Until then no request is stepped: the store may be
   * behind what was acknowledged, a withdrawn consent included.
   */
  get caughtUp(): boolean {
    return this.#caughtUp
  }

  /** Whether an event has waited for so long that requests get the fallback. */
  get isStale(): boolean {
    return this.#behindMs > this.#staleMs
  }

  /** Whether requests cannot be stepped because events wait. */
  get isBehind(): boolean {
    return !this.#caughtUp || this.isStale
  }

  /** Whether a backfill has to wait. */
  get delaysFill(): boolean {
    return !this.#caughtUp || this.#behindMs > fillBehindMs
  }

  /** Where the log ended when the partition was taken. */
  get logEnd(): number {
    return this.#logEnd
  }

  /** The first record that is not counted; undefined: there is none, `isEnd` says whether that is known for sure. */
  look(first: LogRecord | undefined, isEnd: boolean): void {
    // On an event clock the log's times say nothing of how long a record has waited.
    this.#behindMs = first === undefined || this.#clock.kind === 'event' ? 0 : this.#clock.now() - first.appendTime
    if (first === undefined && isEnd) this.#caughtUp = true
  }

  /** Events below `next` are counted. */
  counted(next: number): void {
    if (next >= this.#logEnd) this.#caughtUp = true
  }
}
