/**
 * A member of a consumer group that does not give up: kafkajs ends its consumer after some failures, in silence for whoever
 * waits for records; this one starts another. What is fetched is for its user to say: by pausing, seeking and resuming.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, KafkaMessage, PartitionAssigner } from 'kafkajs'
import { within } from '../bounded-wait.ts'
import { LogError } from '../log.ts'
import { createKafkaClient, type KafkaConnection } from './kafka-connection.ts'
import { translateKafkaError } from './kafka-errors.ts'

export type ConsumerOptions = {
  readonly connection: KafkaConnection
  readonly groupId: string
  readonly topics: readonly string[]
  /** Absent: kafkajs's own, for a group of one. */
  readonly assigner?: PartitionAssigner
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
  /** How long a broker holds an empty fetch back; as long may a seek, a pause or a resume take to be noticed. */
  readonly maxWaitMs: number
  /**
   * Of one partition in one fetch. At least `max.message.bytes`: a broker leaves a larger batch out of an answer that has something of
   * another partition, so a busy partition would starve one with a large batch.
   */
  readonly maxBytesPerPartition: number
  readonly concurrency: number
}

/** What one fetch brought for one partition. */
export type FetchedBatch = {
  readonly topic: string
  readonly partition: number
  /** What was asked of the broker; not what was sought when kafkajs has reset its position. */
  readonly fetchedOffset: number
  /** From where it fetches on. */
  readonly nextOffset: number
  readonly messages: readonly KafkaMessage[]
}

/** All are called synchronously by kafkajs and must not wait: while one waits the group cannot rebalance. */
export type ConsumerHandlers = {
  /** A consumer is about to join, the first one or another after one that ended. */
  starting(): void
  /** Partitions by topic, each time they are settled. kafkajs has forgotten all positions then, and after a restart all pauses. */
  joined(assignment: ReadonlyMap<string, readonly number[]>): void
  batch(batch: FetchedBatch): void
  /** A fetch brought nothing but transaction markers, aborted or compacted records, from `first` up to `next`. */
  holes(topic: string, partition: number, first: number, next: number): void
  /** The group answered a heartbeat: this process is still a member. */
  heard(): void
  /** No sign of the group for twice the session timeout: everything may belong to others now. Told once, until `joined`. */
  lost(): void
  /** The consumer ended and is started again after a pause. */
  failed(error: LogError): void
}

const backOffMs = { least: 200, most: 5_000 } as const
/** Of the orderly end: the fetch under way, and telling the group. */
const LEAVE_MS = 3_000
const COMMIT_MS = 3_000

export class KafkaConsumer {
  readonly #options: ConsumerOptions
  readonly #handlers: ConsumerHandlers
  readonly #stopping = new AbortController()
  /** Set while positions and pauses reach kafkajs. */
  #live: Consumer | null = null
  #end: ((reason: unknown) => void) | null = null
  #running: Promise<void> | null = null
  #lastSign = performance.now()
  #sessionStart = performance.now()
  #lostTold = false

  constructor(options: ConsumerOptions, handlers: ConsumerHandlers) {
    this.#options = options
    this.#handlers = handlers
  }

  /** Joins, and goes on joining until `stop`. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Leaves the group; after some seconds without telling it. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#end?.(null)
    await this.#running
  }

  pause(topic: string, partitions: readonly number[]): void {
    if (partitions.length > 0) this.#live?.pause([{ topic, partitions: [...partitions] }])
  }

  /** Fetches a partition from an offset on. Without effect between two consumers: `joined` has to do it again. */
  resumeAt(topic: string, partition: number, offset: number): void {
    this.#live?.seek({ topic, partition, offset: String(offset) })
    this.#live?.resume([{ topic, partitions: [partition] }])
  }

  /** Stores offsets in the group, for lag tools. @throws LogError, also while there is no consumer */
  async commit(topic: string, next: ReadonlyMap<number, number>): Promise<void> {
    const what = 'the offsets of the group cannot be stored'
    if (this.#live === null) throw new LogError('log_unavailable', `${what} now`, { retryable: true })
    const offsets = Array.from(next, ([partition, offset]) => ({ topic, partition, offset: String(offset) }))
    await within(COMMIT_MS, what, this.#live.commitOffsets(offsets)).catch((cause) => {
      throw translateKafkaError(cause, what)
    })
  }

  async #run(): Promise<void> {
    const { sessionTimeoutMs } = this.#options
    const watch = setInterval(() => this.#watch(), Math.ceil(sessionTimeoutMs / 8))
    let pauseMs: number = backOffMs.least
    while (!this.#stopping.signal.aborted) {
      this.#sessionStart = performance.now()
      this.#handlers.starting()
      const reason = await this.#consume()
      if (this.#stopping.signal.aborted) break
      this.#handlers.failed(translateKafkaError(reason, 'the group cannot be joined'))
      if (this.#lastSign > this.#sessionStart) pauseMs = backOffMs.least
      await sleep(pauseMs, null, { signal: this.#stopping.signal }).catch(() => null)
      pauseMs = Math.min(pauseMs * 2, backOffMs.most)
    }
    clearInterval(watch)
  }

  /** One consumer from its beginning to its end; resolves with why it ended. */
  async #consume(): Promise<unknown> {
    const { connection, sessionTimeoutMs } = this.#options
    const client = createKafkaClient(connection, Math.max(1_000, Math.ceil(sessionTimeoutMs / 3)))
    const consumer = client.kafka.consumer(this.#configOf())
    const ended = Promise.withResolvers<unknown>()
    this.#end = ended.resolve
    this.#listen(consumer, ended.resolve)
    try {
      return await Promise.race([ended.promise, this.#runConsumer(consumer).then(() => ended.promise)])
    } catch (cause) {
      return cause
    } finally {
      this.#end = null
      await within(LEAVE_MS, 'the group cannot be left', consumer.disconnect()).catch(() => null)
      this.#live = null
      client.cut()
    }
  }

  async #runConsumer(consumer: Consumer): Promise<void> {
    await consumer.connect()
    await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: this.#options.concurrency,
      eachBatch: async (payload) => this.#onBatch(payload),
    })
  }

  #listen(consumer: Consumer, end: (reason: unknown) => void): void {
    const { GROUP_JOIN, HEARTBEAT, START_BATCH_PROCESS, STOP, CRASH } = consumer.events
    let over = false
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (over || this.#stopping.signal.aborted) return
      this.#live = consumer
      this.#sign()
      this.#lostTold = false
      this.#handlers.joined(new Map(Object.entries(payload.memberAssignment)))
    })
    consumer.on(HEARTBEAT, () => {
      this.#sign()
      this.#handlers.heard()
    })
    consumer.on(START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return
      const { topic, partition, firstOffset, lastOffset } = payload
      // Without a first offset everything was compacted away, and the last one is the one that was asked for.
      this.#handlers.holes(topic, partition, Number(firstOffset ?? lastOffset), Number(lastOffset) + 1)
    })
    consumer.on(STOP, () => {
      over = true
      this.#live = null
    })
    consumer.on(CRASH, ({ payload }) => {
      over = true
      end(payload.error)
    })
  }

  #onBatch({ batch, isStale }: EachBatchPayload): void {
    // Sought elsewhere while this was on its way.
    if (isStale()) return
    const { topic, partition, messages } = batch
    // Not in the types of kafkajs. Without it the first record tells, and what lies before it looks skipped.
    const asked = 'fetchedOffset' in batch ? batch.fetchedOffset : batch.firstOffset()
    const nextOffset = Number(batch.lastOffset()) + 1
    this.#handlers.batch({ topic, partition, fetchedOffset: Number(asked), nextOffset, messages })
  }

  #sign(): void {
    this.#lastSign = performance.now()
  }

  #watch(): void {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const now = performance.now()
    if (!this.#lostTold && now - this.#lastSign > 2 * sessionTimeoutMs) {
      this.#lostTold = true
      this.#handlers.lost()
    }
    // A consumer that neither joins nor crashes hangs in a request.
    const silentMs = now - Math.max(this.#lastSign, this.#sessionStart)
    if (silentMs > 2 * sessionTimeoutMs + rebalanceTimeoutMs) {
      this.#end?.(new LogError('log_unavailable', 'the group does not answer', { retryable: true }))
    }
  }

  #configOf() {
    const { groupId, assigner, sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs, maxWaitMs } = this.#options
    return {
      groupId,
      ...(assigner === undefined ? {} : { partitionAssigners: [assigner] }),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: maxWaitMs,
      maxBytesPerPartition: this.#options.maxBytesPerPartition,
      // Decoding an answer of 10 MB, the default, holds up everything else for a tenth of a second and more. Room for two, so that a
      // large batch fits beside what a busy partition always has.
      maxBytes: 2 * this.#options.maxBytesPerPartition,
      allowAutoTopicCreation: false,
      // kafkajs must not start itself again: its own restart can leave a rejection that nobody can catch.
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false },
    }
  }
}
