import { performance } from 'node:perf_hooks'
import { type Bounds, LogError } from '../log.ts'
import { createKafkaAdmin, type KafkaAdmin } from './kafka-admin.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { KafkaReader, type ReadOn } from './kafka-reader.ts'
import { createAssigner } from './partition-assigner.ts'
import { createTopicBounds, type TopicBounds } from './topic-bounds.ts'

export type SharedReaderOptions = {
  readonly connection: KafkaConnection
  /** The processes that share the partitions. */
  readonly groupId: string
  /** Stable name of this process in the group: of processes with one name the latest counts. */
  readonly node: string
  /** Topics with the same partitions; whoever has a partition has that of each of them. */
  readonly topics: readonly string[]
  readonly partitions: number
  /** Unix milliseconds. */
  readonly now: () => number
  readonly sessionTimeoutMs: number
  /** Largest batch of records of these topics: their `max.message.bytes`. */
  readonly maxBytesPerPartition: number
}

type ReadLimit = { readonly maxBytes: number; readonly maxRecords: number }

const COMMIT_EVERY_MS = 2_000

/**
 * Reads topics at any offset, as one of a group of processes that share their partitions. Positions are the caller's; those in
 * the group are for lag tools, written and never read.
 *
 * Who was silent may have lost its partitions without knowing. `isCertain` tells whether the group was heard so lately that nobody
 * else can have been given them.
 */
export class SharedReader {
  readonly #options: SharedReaderOptions
  readonly #admin: KafkaAdmin
  readonly #bounds: ReadonlyMap<string, TopicBounds>
  readonly #reader: KafkaReader
  /** Positions that are not stored in the group yet, by topic. */
  readonly #next = new Map<string, Map<number, number>>()
  readonly #timer: NodeJS.Timeout
  #assigned: readonly number[] = []
  #failure: LogError | null = null
  #since = 0
  #heardAt = Number.NEGATIVE_INFINITY

  /** Joins at once, and goes on trying. */
  constructor(options: SharedReaderOptions) {
    const { connection, topics, partitions } = options
    this.#options = options
    this.#admin = createKafkaAdmin(connection)
    this.#bounds = new Map(topics.map((topic) => [topic, createTopicBounds(this.#admin, topic, partitions)]))
    this.#reader = new KafkaReader({
      connection,
      group: {
        id: options.groupId,
        assigner: createAssigner(topics, partitions, () => ({
          node: options.node,
          addr: '',
          since: this.#since,
          held: [...this.#assigned],
        })),
        starting: () => {
          this.#since = Math.max(options.now(), this.#since + 1)
        },
        joined: (assignment) => this.#assign(assignment.get(topics[0] ?? '') ?? []),
        heard: () => this.#sign(),
        lost: () => this.#lose(),
        failed: (error) => {
          this.#failure = error
        },
      },
      topics: [...this.#bounds.values()],
      sessionTimeoutMs: options.sessionTimeoutMs,
      maxBytesPerPartition: options.maxBytesPerPartition,
    })
    this.#timer = setInterval(() => void this.#storePositions(), COMMIT_EVERY_MS)
  }

  /** Partitions of this process, rising; another array whenever the group has settled them. Empty: none, or not yet. */
  assigned(): readonly number[] {
    return this.#assigned
  }

  /** Whether the group was heard within half a session: what is done within the other half is done by who has the partitions. */
  isCertain(): boolean {
    return performance.now() - this.#heardAt < this.#options.sessionTimeoutMs / 2
  }

  /** Why this process is not in the group; null when it is, or has not failed to join yet. */
  failure(): LogError | null {
    return this.#failure
  }

  /**
   * Records of a partition of this process, and where to go on: behind holes when only holes were left.
   * @throws LogError `log_gap`; `log_unavailable`, retryable, also when the partition went to another process meanwhile
   */
  readOn(topic: string, partition: number, from: number, limit: ReadLimit): Promise<ReadOn> {
    return this.#reader.readOn(topic, partition, from, limit)
  }

  /** Of all partitions, also those of others. @throws LogError */
  async bounds(topic: string): Promise<readonly Bounds[]> {
    const bounds = this.#bounds.get(topic)
    if (bounds === undefined) throw new RangeError('no such topic')
    return bounds.all()
  }

  /** Tells how far a partition is done with; stored in the group after a while. */
  done(topic: string, partition: number, next: number): void {
    const of = this.#next.get(topic) ?? new Map<number, number>()
    of.set(partition, next)
    this.#next.set(topic, of)
  }

  /** Leaves the group, so that others need not wait for the session to end. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#storePositions()
    this.#assigned = []
    await this.#reader.close()
    await this.#admin.close()
  }

  #assign(partitions: readonly number[]): void {
    this.#assigned = [...partitions].sort((a, b) => a - b)
    this.#failure = null
    this.#sign()
  }

  #sign(): void {
    this.#heardAt = performance.now()
  }

  #lose(): void {
    this.#assigned = []
    this.#failure = new LogError('log_unavailable', 'the group does not answer', { retryable: true })
  }

  async #storePositions(): Promise<void> {
    for (const [topic, next] of this.#next) {
      for (const partition of next.keys()) if (!this.#assigned.includes(partition)) next.delete(partition)
      this.#next.delete(topic)
      // For lag tools only: what is not stored now is overtaken by the next ones.
      if (next.size > 0) await this.#reader.commit(topic, next).catch(() => undefined)
    }
  }
}
