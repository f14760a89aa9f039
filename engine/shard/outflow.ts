import type { Meta } from '../store/store.ts'
import { AppliedWaiters } from './applied-waiters.ts'
import { Publisher } from './publisher.ts'
import type { RunnerOptions } from './runner-options.ts'
import type { Progress, StoredOutbox } from './shard-port.ts'
import type { Applied } from './shards.ts'

/** What leaves a partition behind its commits: published values, and news for those who wait for an event. */
export class Outflow {
  readonly #options: Pick<RunnerOptions, 'limits'>
  readonly #publisher: Publisher
  readonly #waiters = new AppliedWaiters()
  /** Newest commit that had a value. */
  #lastValue = 0

  constructor(options: RunnerOptions, onPublished: () => void) {
    this.#options = options
    this.#publisher = new Publisher(options, onPublished)
  }

  /** Highest seq up to which everything is out. */
  get published(): number {
    return this.#publisher.published
  }

  /** Whether so much waits to be published that the partition has to stop. */
  get isFull(): boolean {
    const { commits, bytes } = this.#publisher.backlog
    const { outboxCommits, outboxBytes } = this.#options.limits
    return commits >= outboxCommits || bytes >= outboxBytes
  }

  /** Highest seq of a taken partition that needs no publishing any more, in this process. */
  known(meta: Meta): number {
    return Math.max(this.#publisher.last, meta.published)
  }

  /** The partition was taken; the values are committed, in order, above `known`. */
  begin(meta: Meta, values: readonly StoredOutbox[]): void {
    this.#publisher.restart(meta.published)
    for (const { seq, value } of values) {
      this.#waiters.note(value)
      this.#publisher.add(seq, value)
      this.#lastValue = seq
    }
    if (this.#publisher.last < meta.seq) this.#publisher.add(meta.seq, null)
    this.#waiters.moved(meta.next)
  }

  /** A commit was applied. `exceptions`: events of it that were not accepted. */
  committed(progress: Progress, value: Uint8Array | null, exceptions: number): void {
    if (value !== null) this.#lastValue = progress.seq
    this.#publisher.add(progress.seq, value)
    if (value !== null && exceptions > 0) this.#waiters.note(value)
    this.#waiters.moved(progress.next)
  }

  /** Whether the store does not know yet that everything is out. */
  isUnstored(progress: Progress): boolean {
    return this.#lastValue > progress.published && this.#publisher.published >= this.#lastValue
  }

  /** Calls back once the event at an offset is committed. Returns how to stop waiting. */
  wait(offset: number, callback: (status: Applied) => void): () => void {
    return this.#waiters.wait(offset, callback)
  }

  /** Resolves when nothing is under way. */
  stop(): Promise<void> {
    return this.#publisher.stop()
  }
}
