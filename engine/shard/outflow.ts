import type { AppliedWaiters } from './applied-waiters.ts'
import { letsOut } from './outbox.ts'
import type { PartitionOptions } from './partition-options.ts'
import { Publisher } from './publisher.ts'
import type { Progress } from './shard-port.ts'
import type { Taken } from './take-partition.ts'

/** What leaves a partition behind its commits: published values, and news for those who wait for an event. */
export class Outflow {
  readonly #limits: PartitionOptions['limits']
  readonly #publisher: Publisher
  readonly #waiters: AppliedWaiters
  /** Newest commit that let out more than what it was made from. */
  #lastValue = 0

  /** `waiters` outlive it: who waits for an event does not care which owner commits it. */
  constructor(options: PartitionOptions, waiters: AppliedWaiters) {
    this.#limits = options.limits
    this.#waiters = waiters
    this.#publisher = new Publisher(options)
  }

  /** Who hears that `published` moved. */
  onPublished(listener: () => void): void {
    this.#publisher.onPublished = listener
  }

  /** Highest seq up to which everything is out. */
  get published(): number {
    return this.#publisher.published
  }

  /** Where the decisions log may be read from to find all above `published`. */
  get dpos(): number {
    return this.#publisher.dpos
  }

  /** Whether so much waits to be published that the partition has to stop. */
  get isFull(): boolean {
    const { commits, bytes } = this.#publisher.backlog
    const { outboxCommits, outboxBytes } = this.#limits
    return commits >= outboxCommits || bytes >= outboxBytes
  }

  /** The partition was taken; the values are committed, in order. */
  begin({ meta, progress, values, tenure }: Extract<Taken, { kind: 'taken' }>): void {
    this.#publisher.restart({ published: meta.published, dpos: progress.dpos }, tenure)
    for (const { seq, value } of values) {
      if (value !== null) this.#waiters.note(value)
      this.#publisher.add(seq, value)
      if (value !== null && letsOut(value)) this.#lastValue = seq
    }
    if (this.#publisher.last < progress.seq) this.#publisher.add(progress.seq, null)
    this.#waiters.moved(progress.next)
  }

  /** A commit was applied. `exceptions`: events of it that were not accepted. */
  committed(progress: Progress, value: Uint8Array | null, exceptions: number): void {
    if (value !== null && letsOut(value)) this.#lastValue = progress.seq
    this.#publisher.add(progress.seq, value)
    if (value !== null && exceptions > 0) this.#waiters.note(value)
    this.#waiters.moved(progress.next)
  }

  /** Whether the store does not know yet that everything is out. */
  isUnstored(progress: Progress): boolean {
    return this.#lastValue > progress.published && this.#publisher.published >= this.#lastValue
  }

  /** Resolves when everything that was added is out. */
  idle(): Promise<void> {
    return this.#publisher.idle()
  }

  /** Resolves when nothing is under way; what waits stays in the store. */
  stop(): Promise<void> {
    return this.#publisher.stop()
  }
}
