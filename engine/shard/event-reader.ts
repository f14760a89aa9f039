import type { LogRecord } from '../../ingest/log.ts'
import { type EventFrame, packEvents } from './event-frame.ts'
import { backOffMs, longerPause, type PartitionOptions } from './partition-options.ts'

type Reading = Pick<PartitionOptions, 'feed' | 'partition' | 'limits' | 'trusts' | 'timing'>

/**
 * Reads a partition's log batch by batch. Asks for about as many records as lately fitted a batch: what does not fit is
 * read again, so that no record outlives its batch in memory.
 */
export class EventReader {
  readonly #options: Reading
  readonly #wake: () => void
  #ask = 512
  /** Whether the log may hold records that were not read. */
  #pending = true
  #appends = 0
  #isPaused = false
  #held: string | null = null
  #heldPauseMs: number = backOffMs.least

  /** @param wake called when a pause is over */
  constructor(options: Reading, wake: () => void) {
    this.#options = options
    this.#wake = wake
  }

  get pending(): boolean {
    return this.#pending
  }

  /** Whether to read now. */
  get mayRead(): boolean {
    return this.#pending && !this.#isPaused
  }

  /** Why the records that were read last are not taken, in a sentence; null: they are. */
  get held(): string | null {
    return this.#held
  }

  pause(ms: number): void {
    this.#isPaused = true
    this.#options.timing.after(ms, () => {
      this.#isPaused = false
      this.#wake()
    })
  }

  /** What was read is not taken for a reason: it is read again after a growing pause. null: it was taken. */
  hold(reason: string | null): void {
    this.#held = reason
    if (reason === null) {
      this.#heldPauseMs = backOffMs.least
      return
    }
    this.pause(this.#heldPauseMs)
    this.#heldPauseMs = longerPause(this.#heldPauseMs)
  }

  /** The log has, or may have, new records. */
  appended(): void {
    this.#appends++
    this.#pending = true
  }

  /** The next records; empty when there are none, and then `pending` is false until something is appended. */
  async read(from: number): Promise<readonly LogRecord[]> {
    const appends = this.#appends
    const found = await this.#options.feed.read(this.#options.partition, from, {
      maxRecords: this.#ask,
      maxBytes: this.#options.limits.batchBytes,
    })
    if (found.length === 0 && appends === this.#appends) this.#pending = false
    return found
  }

  /** Whether everything below an offset was read, as far as there are records. */
  hasReached(below: number): boolean {
    return !this.#pending && this.#options.feed.hasCome(this.#options.partition, below)
  }

  /** Packs what fits a batch. `share` (0 to 1) shrinks the limits. */
  pack(found: readonly LogRecord[], customers: number, share: number): EventFrame | null {
    if (found.length === 0) return null
    const { batchEvents, batchBytes } = this.#options.limits
    const most = { events: Math.ceil(batchEvents * share), customers, bytes: batchBytes }
    const frame = packEvents(found, most, this.#options.trusts)
    const wanted = frame.cut ? frame.events + 32 : Math.max(this.#ask, found.length * 2)
    this.#ask = Math.min(batchEvents, wanted)
    return frame
  }
}
