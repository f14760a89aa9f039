import { setTimeout as sleep } from 'node:timers/promises'
import type { Appended, Bounds, Feed, Log, LogRecord, NewRecord } from '../log.ts'
import { FeedPartition } from './feed-partition.ts'
import type { FetchedBatch, KafkaConsumer } from './kafka-consumer.ts'
import type { KafkaProducer } from './kafka-producer.ts'
import { closedError } from './kafka-reader.ts'
import type { TopicBounds } from './topic-bounds.ts'

export type KafkaFeedOptions = {
  readonly bounds: TopicBounds
  readonly partitions: number
  readonly producer: KafkaProducer
  /** So much of a partition may wait to be read; one fetch more may come before fetching stops. */
  readonly bufferBytes: number
}

/** A position for which bounds were asked. */
type Asked = { readonly partition: number; readonly generation: number; readonly position: number }

const lookBackOffMs = { least: 200, most: 5_000 } as const

/**
 * The events as the engine follows them: those of the partitions that the group has given to this process, each from the
 * offset that is read first. A read never waits: it gives what has been fetched, and `onAppend` tells when there is more.
 */
export class KafkaFeed implements Log, Feed {
  readonly partitions: number
  readonly #options: KafkaFeedOptions
  readonly #of: readonly FeedPartition[]
  readonly #listeners = new Set<(partition: number) => void>()
  #consumer: KafkaConsumer | null = null
  /** Partitions whose position is to be compared with the bounds of the log. */
  readonly #due = new Set<number>()
  #looking = false
  #closed = false

  constructor(options: KafkaFeedOptions) {
    this.#options = options
    this.partitions = options.partitions
    const { topic } = options.bounds
    this.#of = Array.from({ length: options.partitions }, () => new FeedPartition(topic, options.bufferBytes))
  }

  /** Names the consumer whose partitions and batches come. */
  attach(consumer: KafkaConsumer): void {
    this.#consumer = consumer
  }

  append(partition: number, records: readonly NewRecord[]): Promise<Appended> {
    return this.#options.producer.append(partition, records)
  }

  /**
   * What has been fetched from `from` on. Empty: nothing until `onAppend` tells of the partition; also when it belongs to
   * another process. Reading below the last read or above what was fetched starts fetching anew there. Holes are passed over.
   * @throws LogError `log_gap` when the log does not have `from` (any more)
   */
  async read(
    partition: number,
    from: number,
    limit: { readonly maxBytes: number; readonly maxRecords: number },
  ): Promise<readonly LogRecord[]> {
    if (this.#closed) throw closedError()
    const of = this.#partition(partition)
    if (!of.assigned) return []
    const error = of.takeError(from)
    if (error !== null) throw error
    if (!of.covers(from)) {
      of.begin(from)
      this.#fetch(partition, of)
      this.#lookAt(partition)
      return []
    }
    const records = of.take(from, limit)
    if (of.makeRoom()) this.#fetch(partition, of)
    return records
  }

  hasCome(partition: number, below: number): boolean {
    const { state, position } = this.#partition(partition)
    return state !== 'idle' && position >= below
  }

  async bounds(partition: number): Promise<Bounds> {
    if (this.#closed) throw closedError()
    const bounds = (await this.#options.bounds.all())[partition]
    if (bounds === undefined) throw new RangeError('no such partition')
    return bounds
  }

  onAppend(listener: (partition: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async trim(): Promise<number> {
    return 0
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const of of this.#of) of.drop()
  }

  /** Bytes that wait to be read. */
  get waitingBytes(): number {
    return this.#of.reduce((sum, of) => sum + of.bytes, 0)
  }

  /**
   * The group has given this process these partitions. Those it keeps go on where they were; of new ones `onAppend` tells, for
   * whoever was told "nothing" while they were away.
   */
  assign(partitions: readonly number[]): void {
    const mine = new Set(partitions)
    const { topic } = this.#options.bounds
    this.#consumer?.pause(topic, partitions)
    for (const [partition, of] of this.#of.entries()) {
      if (!mine.has(partition)) {
        of.assigned = false
        of.drop()
      } else if (!of.assigned) {
        of.assigned = true
        of.drop()
        this.#tell(partition)
      } else if (of.state === 'fetching') {
        this.#fetch(partition, of)
        this.#lookAt(partition)
      }
    }
  }

  /** Takes what was fetched. */
  add(batch: FetchedBatch): void {
    const of = this.#partition(batch.partition)
    const state = of.add(batch)
    if (state !== 'fetching') this.#pause(batch.partition)
    if (state === 'checking') this.#lookAt(batch.partition)
    else this.#tell(batch.partition)
  }

  skipHoles(partition: number, first: number, next: number): void {
    this.#partition(partition).skipHoles(first, next)
    // There is nothing to take, but who waits for what was there may go on.
    this.#tell(partition)
  }

  /**
   * Compares positions with the log where nothing comes: kafkajs resets a position that the log does not have without a word,
   * and an empty log has no record by which to notice. To be called now and then.
   */
  lookAtQuiet(): void {
    for (const [partition, of] of this.#of.entries()) if (of.needsLook()) this.#lookAt(partition)
  }

  #lookAt(partition: number): void {
    this.#due.add(partition)
    if (this.#looking) return
    this.#looking = true
    void this.#lookAtDue()
  }

  async #lookAtDue(): Promise<void> {
    let pauseMs: number = lookBackOffMs.least
    while (this.#due.size > 0 && !this.#closed) {
      const asked = Array.from(this.#due, (partition) => askedOf(partition, this.#partition(partition)))
      try {
        const bounds = await this.#options.bounds.all()
        for (const one of asked) this.#compare(one, bounds[one.partition])
        pauseMs = lookBackOffMs.least
      } catch {
        // Not to be known now: what waits for it goes on waiting.
        await sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, lookBackOffMs.most)
      }
    }
    this.#looking = false
  }

  #compare({ partition, generation, position }: Asked, bounds: Bounds | undefined): void {
    const of = this.#partition(partition)
    const isMoved = of.generation !== generation || of.position !== position
    // Bounds say nothing about a position that was taken after they were asked for. One that fetching has reached is good.
    if (isMoved && (of.generation !== generation || of.state === 'checking')) return
    this.#due.delete(partition)
    const state = isMoved || bounds === undefined ? null : of.look(bounds)
    if (state === 'fetching') this.#fetch(partition, of)
    if (state !== 'gone') return
    this.#pause(partition)
    this.#tell(partition)
  }

  #fetch(partition: number, of: FeedPartition): void {
    this.#consumer?.resumeAt(this.#options.bounds.topic, partition, of.position)
  }

  #pause(partition: number): void {
    this.#consumer?.pause(this.#options.bounds.topic, [partition])
  }

  #tell(partition: number): void {
    for (const listener of this.#listeners) listener(partition)
  }

  #partition(partition: number): FeedPartition {
    const of = this.#of[partition]
    if (of === undefined) throw new RangeError('no such partition')
    return of
  }
}

function askedOf(partition: number, { generation, position }: FeedPartition): Asked {
  return { partition, generation, position }
}
