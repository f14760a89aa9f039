import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { PartitionAssigner } from 'kafkajs'
import { type Bounds, LogError, type LogRecord } from '../log.ts'
import { ChunkCache, type KeptChunk } from './chunk-cache.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { KafkaConsumer } from './kafka-consumer.ts'
import { indexOfOffset, type MessageChunk, packMessages, unpackMessages } from './message-chunk.ts'
import type { TopicBounds } from './topic-bounds.ts'

/** A group whose members share the partitions; what they hear of it. All are called synchronously and must not wait. */
export type ReaderGroup = {
  readonly id: string
  /** Absent: kafkajs's own, for a group of one. */
  readonly assigner?: PartitionAssigner
  starting(): void
  /** Only what is assigned may be read from then on. */
  joined(assignment: ReadonlyMap<string, readonly number[]>): void
  heard(): void
  lost(): void
  failed(error: LogError): void
}

export type KafkaReaderOptions = {
  readonly connection: KafkaConnection
  /** A string: start of the name of a group that has one member, stores nothing, and goes with it. */
  readonly group: string | ReaderGroup
  readonly topics: readonly TopicBounds[]
  readonly sessionTimeoutMs: number
  readonly maxBytesPerPartition: number
}

/** Records, and where to go on: behind the last of them, or behind the holes when nothing but holes was left. */
export type ReadOn = { readonly records: readonly LogRecord[]; readonly next: number }

type Limit = { readonly maxBytes: number; readonly maxRecords: number }
/** What a fetch found: records from `fetched` on, or only holes up to `next`. */
type Found = { readonly fetched: number; readonly chunk: MessageChunk; readonly next: number }
type Job = {
  readonly from: number
  readonly resolve: (found: Found) => void
  readonly reject: (error: LogError) => void
}

const READ_MS = 15_000
/** Reads under way or in line. */
const READS_MAX = 1_024
const KEEP_MS = 2_000
const KEPT_BYTES_MAX = 16 * 1024 * 1024
/** Nothing is fetched between reads, so this is only how late a new one is noticed. */
const MAX_WAIT_MS = 20
/** A member that shares holds the others up until it has heard of a rebalance. */
const heartbeatsASession = { alone: 4, sharing: 10 } as const

/**
 * Reads any partition of some topics from any offset, for tails, explanations, take-overs and history. kafkajs reads as a member of
 * a group only, so this is a group of its own, or one that shares the partitions, in which everything is paused but what is being
 * read.
 */
export class KafkaReader {
  readonly #topics: ReadonlyMap<string, TopicBounds>
  readonly #consumer: KafkaConsumer
  readonly #jobs = new Map<string, Job>()
  /** Last read of each partition: the next one waits for it. */
  readonly #lines = new Map<string, Promise<unknown>>()
  readonly #cache = new ChunkCache({ keepMs: KEEP_MS, bytesMax: KEPT_BYTES_MAX })
  /** What the group has given to this process, by key; null: not settled, what is asked for waits. */
  #mine: ReadonlySet<string> | null = null
  #reads = 0
  #closed = false

  /** Joins its group at once, so that the first read does not wait for that. */
  constructor(options: KafkaReaderOptions) {
    this.#topics = new Map(options.topics.map((one) => [one.topic, one]))
    const group = typeof options.group === 'string' ? soleGroup(options.group) : options.group
    const heartbeats = heartbeatsASession[group.assigner === undefined ? 'alone' : 'sharing']
    this.#consumer = new KafkaConsumer(
      {
        connection: options.connection,
        groupId: group.id,
        ...(group.assigner === undefined ? {} : { assigner: group.assigner }),
        topics: [...this.#topics.keys()],
        sessionTimeoutMs: options.sessionTimeoutMs,
        rebalanceTimeoutMs: options.sessionTimeoutMs,
        heartbeatMs: Math.ceil(options.sessionTimeoutMs / heartbeats),
        maxWaitMs: MAX_WAIT_MS,
        maxBytesPerPartition: options.maxBytesPerPartition,
        concurrency: 1,
      },
      {
        starting: () => {
          this.#mine = null
          group.starting()
        },
        joined: (assignment) => {
          this.#onJoined(assignment)
          group.joined(assignment)
        },
        batch: ({ topic, partition, fetchedOffset, nextOffset, messages }) =>
          this.#onFound(topic, partition, fetchedOffset, nextOffset, (from) => packMessages(messages, from)),
        holes: (topic, partition, first, next) =>
          this.#onFound(topic, partition, first, next, (from) => packMessages([], from)),
        heard: () => group.heard(),
        lost: () => group.lost(),
        failed: (error) => group.failed(error),
      },
    )
    this.#consumer.start()
  }

  /**
   * As `Log.read`. Empty when nothing but holes (transaction markers, aborted or compacted records) lies between `from` and
   * the end.
   * @throws LogError `log_gap`; `log_unavailable`, retryable, when the records do not come in time or too many read
   */
  async read(topic: string, partition: number, from: number, limit: Limit): Promise<readonly LogRecord[]> {
    return (await this.readOn(topic, partition, from, limit)).records
  }

  /** As `read`, and tells where to go on. */
  async readOn(topic: string, partition: number, from: number, limit: Limit): Promise<ReadOn> {
    this.#assertOpen()
    const key = keyOf(topic, partition)
    const kept = this.#cache.get(key, from)
    if (kept !== null) {
      const records = unpackFrom(kept, from, limit)
      if (records.length > 0) return { records, next: behind(records, from) }
    }
    if (this.#reads >= READS_MAX) throw unavailable('too many read the log at once')
    this.#reads++
    const before = this.#lines.get(key) ?? Promise.resolve()
    const mine = before.then(() => this.#seekRecords(topic, partition, from, limit))
    const done = mine.then(noop, noop)
    this.#lines.set(key, done)
    try {
      return await mine
    } finally {
      this.#reads--
      if (this.#lines.get(key) === done) this.#lines.delete(key)
    }
  }

  async bounds(topic: string, partition: number): Promise<Bounds> {
    this.#assertOpen()
    const bounds = (await this.#topics.get(topic)?.all())?.[partition]
    if (bounds === undefined) throw new RangeError('no such partition')
    return bounds
  }

  /** Stores offsets in the shared group, for lag tools. @throws LogError */
  async commit(topic: string, next: ReadonlyMap<number, number>): Promise<void> {
    await this.#consumer.commit(topic, next)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#jobs.values()) job.reject(closedError())
    await this.#consumer.stop()
  }

  async #seekRecords(topic: string, partition: number, from: number, limit: Limit): Promise<ReadOn> {
    const until = performance.now() + READ_MS
    let at = from
    for (;;) {
      const { start, end } = await this.bounds(topic, partition)
      if (at < start || at > end) throw gapError(topic, at, { start, end })
      if (at === end) return { records: [], next: at }
      const key = keyOf(topic, partition)
      const found = this.#cache.get(key, at) ?? (await this.#fetch(topic, partition, at, until))
      // Records between `at` and what was fetched are holes, unless the log was cut there meanwhile.
      if ('fetched' in found && found.fetched > at) {
        const again = await this.bounds(topic, partition)
        if (at < again.start) throw gapError(topic, at, again)
      }
      const kept = { chunk: found.chunk, from: at, next: found.next }
      this.#cache.set(key, kept)
      const records = unpackFrom(kept, at, limit)
      if (records.length > 0) return { records, next: behind(records, at) }
      at = found.next
    }
  }

  #fetch(topic: string, partition: number, from: number, until: number): Promise<Found> {
    this.#assertOpen()
    const key = keyOf(topic, partition)
    // Nothing would come of it: kafkajs passes over a position of what it was not given.
    if (this.#mine?.has(key) === false) return Promise.reject(elsewhere())
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#jobs.delete(key)
        this.#consumer.pause(topic, [partition])
      }
      const job: Job = {
        from,
        resolve: (found) => {
          end()
          resolve(found)
        },
        reject: (error) => {
          end()
          reject(error)
        },
      }
      const late = unavailable(`topic ${topic} gave nothing within ${READ_MS} ms`)
      const timer = setTimeout(() => job.reject(late), Math.max(0, until - performance.now()))
      this.#jobs.set(key, job)
      this.#consumer.resumeAt(topic, partition, from)
    })
  }

  #onJoined(assignment: ReadonlyMap<string, readonly number[]>): void {
    const mine = new Set(
      Array.from(assignment).flatMap(([topic, partitions]) => partitions.map((one) => keyOf(topic, one))),
    )
    this.#mine = mine
    for (const [key, job] of this.#jobs) if (!mine.has(key)) job.reject(elsewhere())
    for (const [topic, partitions] of assignment) {
      this.#consumer.pause(topic, partitions)
      for (const partition of partitions) {
        const job = this.#jobs.get(keyOf(topic, partition))
        if (job !== undefined) this.#consumer.resumeAt(topic, partition, job.from)
      }
    }
  }

  #onFound(
    topic: string,
    partition: number,
    fetched: number,
    next: number,
    pack: (from: number) => MessageChunk,
  ): void {
    const job = this.#jobs.get(keyOf(topic, partition))
    if (job === undefined) return
    if (fetched < job.from) job.reject(unavailable(`the position in topic ${topic} was lost`))
    else job.resolve({ fetched, next, chunk: pack(job.from) })
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError()
  }
}

function soleGroup(prefix: string): ReaderGroup {
  return {
    id: `${prefix}reader-${randomUUID()}`,
    starting: noop,
    joined: noop,
    heard: noop,
    lost: noop,
    failed: noop,
  }
}

function behind(records: readonly LogRecord[], from: number): number {
  return (records.at(-1)?.offset ?? from - 1) + 1
}

/** A position that the log does not have. */
export function gapError(topic: string, at: number, { start, end }: Bounds): LogError {
  const message = `offset ${at} of topic ${topic} is not one of the log, which goes from ${start} to ${end}`
  return new LogError('log_gap', message, { retryable: false })
}

export function closedError(): LogError {
  return new LogError('log_closed', 'the log is closed', { retryable: false })
}

function elsewhere(): LogError {
  return unavailable('the partition belongs to another process now')
}

function unavailable(message: string): LogError {
  return new LogError('log_unavailable', message, { retryable: true })
}

function unpackFrom({ chunk }: KeptChunk, from: number, limit: Limit): readonly LogRecord[] {
  const records: LogRecord[] = []
  unpackMessages(chunk, indexOfOffset(chunk, from), limit, records)
  return records
}

function keyOf(topic: string, partition: number): string {
  return `${topic}:${partition}`
}

function noop(): void {}
