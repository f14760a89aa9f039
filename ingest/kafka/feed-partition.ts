import type { Bounds, LogError, LogRecord } from '../log.ts'
import type { FetchedBatch } from './kafka-consumer.ts'
import { gapError } from './kafka-reader.ts'
import { indexOfOffset, type MessageChunk, packMessages, unpackMessages } from './message-chunk.ts'

/**
 * - `idle`: not fetched, as nobody has asked yet
 * - `fetching`: what comes is kept
 * - `full`: not fetched until some of what is kept was taken
 * - `checking`: not fetched, as kafkajs went on from another offset and the log has to tell whether records are missing
 * - `gone`: not fetched, the position is not one of the log
 */
export type FeedState = 'idle' | 'fetching' | 'full' | 'checking' | 'gone'

/**
 * One partition of the feed: where it is fetched, and the records that wait to be taken. No I/O here; what follows from a
 * change of state is for its user to do.
 */
export class FeedPartition {
  readonly #topic: string
  readonly #bytesMax: number
  #state: FeedState = 'idle'
  #chunks: MessageChunk[] = []
  #bytes = 0
  /** Everything from `#base` up to `#position` was fetched; what is in between and not in a chunk are holes. */
  #base = 0
  #position = 0
  /** Where kafkajs went on, while that is being checked. */
  #found = 0
  #error: LogError | null = null
  #generation = 0
  assigned = false

  /** @param bytesMax so much may wait; one fetch more may come before fetching stops */
  constructor(topic: string, bytesMax: number) {
    this.#topic = topic
    this.#bytesMax = bytesMax
  }

  get state(): FeedState {
    return this.#state
  }

  /** Next offset to fetch. */
  get position(): number {
    return this.#position
  }

  /** Another number whenever fetching begins at an offset that was asked for, ends, or is to be checked. */
  get generation(): number {
    return this.#generation
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether everything from this offset on is here or is being fetched. */
  covers(from: number): boolean {
    return this.#state !== 'idle' && from >= this.#base && from <= this.#position
  }

  /** Fetch from here on; what waits is dropped. */
  begin(from: number): void {
    this.drop()
    this.#base = from
    this.#position = from
    this.#state = 'fetching'
  }

  /** Nothing is wanted any more. */
  drop(): void {
    this.#chunks = []
    this.#bytes = 0
    this.#error = null
    this.#generation++
    this.#state = 'idle'
  }

  /** Keeps what was fetched, if it is wanted. Returns the state afterwards: fetching has to stop unless it is `fetching`. */
  add(batch: FetchedBatch): FeedState {
    if (this.#state !== 'fetching') return this.#state
    if (batch.fetchedOffset !== this.#position) {
      this.#found = batch.fetchedOffset
      // Bounds that were asked for before this are too old to judge it.
      this.#generation++
      this.#state = 'checking'
      return this.#state
    }
    const chunk = packMessages(batch.messages, this.#position)
    this.#position = batch.nextOffset
    if (chunk.count > 0) {
      this.#chunks.push(chunk)
      this.#bytes += chunk.bytes
      if (this.#bytes >= this.#bytesMax) this.#state = 'full'
    }
    return this.#state
  }

  /** Goes over offsets that hold no records. */
  skipHoles(first: number, next: number): void {
    if (this.#state === 'fetching' && first === this.#position) this.#position = next
  }

  /** Takes records from an offset that is covered; those below it are dropped. */
  take(from: number, limit: { readonly maxBytes: number; readonly maxRecords: number }): readonly LogRecord[] {
    this.#base = from
    while (this.#chunks[0] !== undefined && isBelow(this.#chunks[0], from)) {
      this.#bytes -= this.#chunks[0].bytes
      this.#chunks.shift()
    }
    const records: LogRecord[] = []
    let bytes = 0
    for (const chunk of this.#chunks) {
      const left = { maxBytes: limit.maxBytes - bytes, maxRecords: limit.maxRecords }
      const taken = unpackMessages(chunk, indexOfOffset(chunk, from), left, records)
      bytes += taken.bytes
      if (taken.stopped) break
    }
    return records
  }

  /** Ends `full` when there is room again. True when fetching has to begin anew at `position`. */
  makeRoom(): boolean {
    if (this.#state !== 'full' || this.#bytes >= this.#bytesMax) return false
    this.#state = 'fetching'
    return true
  }

  /** Whether the bounds of the log have to be looked at: kafkajs is somewhere else, or nothing waits to be taken. */
  needsLook(): boolean {
    return this.#state === 'checking' || (this.#state === 'fetching' && this.#bytes === 0)
  }

  /**
   * Compares the position with the bounds of the log. Returns the state when it has changed: for `fetching` it has to begin anew at
   * `position`.
   *
   * Outside the bounds: `gone`. Inside, records that kafkajs passed over are holes, as the log still begins before them; and
   * when it went back it brought again what was here before (a fetch that was under way while the leader changed).
   * @param bounds asked for after the position was reached
   */
  look(bounds: Bounds): FeedState | null {
    if (!this.needsLook()) return null
    if (this.#position < bounds.start || this.#position > bounds.end) {
      this.#error = gapError(this.#topic, this.#position, bounds)
      this.#state = 'gone'
      return this.#state
    }
    if (this.#state !== 'checking') return null
    this.#position = Math.max(this.#position, this.#found)
    this.#state = 'fetching'
    return this.#state
  }

  /** Why there is nothing from this offset on, told once: whoever asks again is looked at anew. */
  takeError(from: number): LogError | null {
    if (this.#state !== 'gone' || !this.covers(from)) return null
    if (this.#chunks.some((chunk) => !isBelow(chunk, from))) return null
    const error = this.#error
    this.drop()
    return error
  }
}

function isBelow({ offsets, count }: MessageChunk, from: number): boolean {
  return (offsets[count - 1] ?? -1) < from
}
