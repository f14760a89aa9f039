import type { Log, LogRecord } from '../../ingest/log.ts'
import { type EventFrame, packEvents, type Trusts } from './event-frame.ts'
import type { BatchLimits } from './partition-options.ts'

/**
 * Reads a partition's log batch by batch. Asks for about as many records as lately fitted a batch: what does not fit is
 * read again, so that no record outlives its batch in memory.
 */
export class EventReader {
  readonly #log: Pick<Log, 'read'>
  readonly #partition: number
  readonly #limits: BatchLimits
  readonly #trusts: Trusts
  #ask = 512
  /** Whether the log may hold records that were not read. */
  #pending = true
  #appends = 0

  constructor(log: Pick<Log, 'read'>, partition: number, limits: BatchLimits, trusts: Trusts) {
    this.#trusts = trusts
    this.#log = log
    this.#partition = partition
    this.#limits = limits
  }

  get pending(): boolean {
    return this.#pending
  }

  /** The log has, or may have, new records. */
  appended(): void {
    this.#appends++
    this.#pending = true
  }

  /** The next records; empty when there are none, and then `pending` is false until something is appended. */
  async read(from: number): Promise<readonly LogRecord[]> {
    const appends = this.#appends
    const found = await this.#log.read(this.#partition, from, {
      maxRecords: this.#ask,
      maxBytes: this.#limits.batchBytes,
    })
    if (found.length === 0 && appends === this.#appends) this.#pending = false
    return found
  }

  /** Packs what fits a batch. `share` (0 to 1) shrinks the limits. */
  pack(found: readonly LogRecord[], customers: number, share: number): EventFrame | null {
    if (found.length === 0) return null
    const { batchEvents, batchBytes } = this.#limits
    const most = { events: Math.ceil(batchEvents * share), customers, bytes: batchBytes }
    const frame = packEvents(found, most, this.#trusts)
    const wanted = frame.cut ? frame.events + 32 : Math.max(this.#ask, found.length * 2)
    this.#ask = Math.min(batchEvents, wanted)
    return frame
  }
}
