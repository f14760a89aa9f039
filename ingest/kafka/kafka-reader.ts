import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { type Bounds, LogError, type LogRecord } from '../log.ts'
import { ChunkCache, type KeptChunk } from './chunk-cache.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { KafkaConsumer } from './kafka-consumer.ts'
import { indexOfOffset, type MessageChunk, packMessages, unpackMessages } from './message-chunk.ts'
import type { TopicBounds } from './topic-bounds.ts'

export type KafkaReaderOptions = {
  readonly connection: KafkaConnection
  /** Start of the name of the group: it has one member, stores nothing, and goes with it. */
  readonly groupPrefix: string
  readonly topics: readonly TopicBounds[]
  readonly sessionTimeoutMs: number
  readonly maxBytesPerPartition: number
}

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

/**
 * Reads any partition of some topics from any offset, for tails, explanations and take-overs. kafkajs reads as a member of a
 * group only, so this is a group of its own in which everything is paused but what is being read.
 */
export class KafkaReader {
  readonly #topics: ReadonlyMap<string, TopicBounds>
  readonly #consumer: KafkaConsumer
  readonly #jobs = new Map<string, Job>()
  /** Last read of each partition: the next one waits for it. */
  readonly #lines = new Map<string, Promise<unknown>>()
  readonly #cache = new ChunkCache({ keepMs: KEEP_MS, bytesMax: KEPT_BYTES_MAX })
  #reads = 0
  #closed = false

  /** Joins its group at once, so that the first read does not wait for that. */
  constructor(options: KafkaReaderOptions) {
    this.#topics = new Map(options.topics.map((one) => [one.topic, one]))
    this.#consumer = new KafkaConsumer(
      {
        connection: options.connection,
        groupId: `${options.groupPrefix}reader-${randomUUID()}`,
        topics: [...this.#topics.keys()],
        sessionTimeoutMs: options.sessionTimeoutMs,
        rebalanceTimeoutMs: options.sessionTimeoutMs,
        heartbeatMs: Math.ceil(options.sessionTimeoutMs / 4),
        maxWaitMs: MAX_WAIT_MS,
        maxBytesPerPartition: options.maxBytesPerPartition,
        concurrency: 1,
      },
      {
        starting: () => {},
        joined: (assignment) => this.#onJoined(assignment),
        batch: ({ topic, partition, fetchedOffset, nextOffset, messages }) =>
          this.#onFound(topic, partition, fetchedOffset, nextOffset, (from) => packMessages(messages, from)),
        holes: (topic, partition, first, next) =>
          this.#onFound(topic, partition, first, next, (from) => packMessages([], from)),
        heard: () => {},
        lost: () => {},
        failed: () => {},
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
    this.#assertOpen()
    const key = keyOf(topic, partition)
    const kept = this.#cache.get(key, from)
    if (kept !== null) {
      const records = unpackFrom(kept, from, limit)
      if (records.length > 0) return records
    }
    if (this.#reads >= READS_MAX) throw unavailable('too many read the log at once')
    this.#reads++
    const before = this.#lines.get(key) ?? Promise.resolve()
    const mine = before.then(() => this.#readOn(topic, partition, from, limit))
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

  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#jobs.values()) job.reject(closedError())
    await this.#consumer.stop()
  }

  async #readOn(topic: string, partition: number, from: number, limit: Limit): Promise<readonly LogRecord[]> {
    const until = performance.now() + READ_MS
    let at = from
    for (;;) {
      const { start, end } = await this.bounds(topic, partition)
      if (at < start || at > end) throw gapError(topic, at, { start, end })
      if (at === end) return []
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
      if (records.length > 0) return records
      at = found.next
    }
  }

  #fetch(topic: string, partition: number, from: number, until: number): Promise<Found> {
    this.#assertOpen()
    const key = keyOf(topic, partition)
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

/** A position that the log does not have. */
export function gapError(topic: string, at: number, { start, end }: Bounds): LogError {
  const message = `offset ${at} of topic ${topic} is not one of the log, which goes from ${start} to ${end}`
  return new LogError('log_gap', message, { retryable: false })
}

export function closedError(): LogError {
  return new LogError('log_closed', 'the log is closed', { retryable: false })
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
