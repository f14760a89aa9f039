/** Appends to one topic: what arrives during a request goes with the next one. */
import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import { CompressionTypes, type Message, Partitioners, type Producer } from 'kafkajs'
import { within } from '../bounded-wait.ts'
import { createGroupCommit, type Outcome } from '../group-commit.ts'
import { type Appended, LogError, type NewRecord } from '../log.ts'
import { createKafkaClient, type KafkaClient, type KafkaConnection } from './kafka-connection.ts'
import { translateKafkaError } from './kafka-errors.ts'

export type KafkaProducerOptions = {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly compression: 'none' | 'gzip'
  /**
   * After this a request has been answered, or never reaches a broker any more (ms). It has to be below the session timeout of
   * the group: a process that was cut off from its group loses its partitions after that time, and the new owner reads
   * the decisions log back once. A record of the old owner that landed behind that reading would be seen by nobody
   * until the next take-over.
   */
  readonly lifetimeMs: number
}

export type KafkaProducer = {
  /**
   * Appends in order; resolved when all in-sync replicas have them. Records of one call are consecutive and all or none as long as
   * they are below 900 KB; more goes as several requests, and others' records may come between.
   * @throws LogError: whether anything was written is not known then, a repeated call may write it twice
   */
  append(partition: number, records: readonly NewRecord[]): Promise<Appended>
  /** Resolves when what was appended before is answered. */
  close(): Promise<void>
}

/** Of one request, and so of one batch of a partition: stays below `max.message.bytes` with all overhead. */
const REQUEST_BYTES = 900_000
/** kafkajs copies a request's records once for each of them: above some 1,500 records that shows. */
const RECORD_WEIGHT_LEAST = 600
/** Of a record beside its key, value and headers, at most. */
const RECORD_OVERHEAD = 64
const RECORD_BYTES_MAX = 1_040_000
const WAITING_BYTES = 64 * 1024 * 1024
/** A request may be answered this late, and be sent this often: together below the life time. */
const ATTEMPTS = 3
const BACK_OFF_MS = 100
const CLOSE_MS = 1_000

type Part = { readonly partition: number; readonly messages: readonly Message[] }
type Live = { readonly client: KafkaClient; readonly producer: Producer; readonly connected: Promise<void> }

/** Connects with the first append. */
export function createKafkaProducer(options: KafkaProducerOptions): KafkaProducer {
  const { topic, lifetimeMs } = options
  const what = `topic ${topic} cannot be written`
  const compression = options.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  const requestTimeoutMs = Math.floor((lifetimeMs - ATTEMPTS * 2 * BACK_OFF_MS) / ATTEMPTS)
  assert(requestTimeoutMs >= 100, 'the life time of a request is too short')
  let live: Live | null = null
  let closed = false

  function connect(): Live {
    if (live !== null) return live
    const client = createKafkaClient(options.connection, requestTimeoutMs)
    const producer = client.kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      // kafkajs numbers requests when it sends them, so a second one under way could overtake a repeated first one.
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: ATTEMPTS - 1, initialRetryTime: BACK_OFF_MS, maxRetryTime: 2 * BACK_OFF_MS },
    })
    live = { client, producer, connected: producer.connect() }
    return live
  }

  async function send(parts: readonly Part[]): Promise<readonly Outcome<number>[]> {
    const { client, producer, connected } = connect()
    try {
      await within(lifetimeMs, what, connected)
      const messages = parts.flatMap((part) => part.messages)
      const request = producer.send({ topic, acks: -1, timeout: requestTimeoutMs, compression, messages })
      const written = await within(lifetimeMs, what, request)
      return firstOffsets(parts, new Map(written.map((one) => [one.partition, Number(one.baseOffset)])))
    } catch (cause) {
      // kafkajs gives the numbers of a failed request to the next one. Had the failed one been written after all, the broker would
      // take the next one for a repetition and drop it. So every failure ends the producer and its connections.
      live = null
      client.cut()
      throw translateKafkaError(cause, what)
    }
  }

  const group = createGroupCommit<Part, number>({
    groupBytes: REQUEST_BYTES,
    waitingBytes: WAITING_BYTES,
    commit: send,
    overloaded: () => new LogError('log_unavailable', `too much waits for topic ${topic}`, { retryable: true }),
  })

  return {
    async append(partition, records) {
      if (closed) throw new LogError('log_closed', 'the log is closed', { retryable: false })
      assert(records.length > 0, 'an append has records')
      const parts = splitRecords(partition, records)
      const offsets: number[] = []
      // One after the other: what follows a part that failed must not stand before it when it is repeated.
      for (const { part, bytes } of parts) offsets.push(await group.add(part, bytes))
      const last = parts.at(-1)?.part.messages.length ?? 0
      return { firstOffset: offsets[0] ?? 0, lastOffset: (offsets.at(-1) ?? 0) + last - 1 }
    },
    async close() {
      closed = true
      await group.idle()
      if (live === null) return
      await within(CLOSE_MS, what, live.producer.disconnect()).catch(() => null)
      live.client.cut()
    },
  }
}

/** The records as requests of at most `REQUEST_BYTES`, mostly one. */
function splitRecords(
  partition: number,
  records: readonly NewRecord[],
): readonly { readonly part: Part; readonly bytes: number }[] {
  const parts: { part: Part; bytes: number }[] = []
  let messages: Message[] = []
  let bytes = 0
  for (const record of records) {
    const size = bytesOf(record)
    assert(size <= RECORD_BYTES_MAX, 'a record fits a request')
    const weight = Math.max(size, RECORD_WEIGHT_LEAST)
    if (messages.length > 0 && bytes + weight > REQUEST_BYTES) {
      parts.push({ part: { partition, messages }, bytes })
      messages = []
      bytes = 0
    }
    messages.push(messageOf(partition, record))
    bytes += weight
  }
  parts.push({ part: { partition, messages }, bytes })
  return parts
}

function messageOf(partition: number, { key, value, headers, appendTime }: NewRecord): Message {
  // The broker's clock stamps the records; one of our own (`--clock=event`) is refused where it is set.
  assert(appendTime === undefined, 'a broker stamps append times itself')
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  return headers === undefined
    ? { key, value: bytes, partition }
    : { key, value: bytes, partition, headers: { ...headers } }
}

function bytesOf({ key, value, headers = {} }: NewRecord): number {
  let bytes = key.length * 3 + value.length + RECORD_OVERHEAD
  for (const name in headers) bytes += name.length * 3 + (headers[name]?.length ?? 0) * 3 + 8
  return bytes
}

/** The first offset of each part: those of a partition lie one after the other behind its base offset. */
function firstOffsets(parts: readonly Part[], next: Map<number, number>): readonly Outcome<number>[] {
  return parts.map(({ partition, messages }) => {
    const offset = next.get(partition)
    if (offset === undefined || Number.isNaN(offset)) {
      return {
        kind: 'failed',
        error: new LogError('log_unavailable', 'a partition was not answered', { retryable: true }),
      }
    }
    next.set(partition, offset + messages.length)
    return { kind: 'done', result: offset }
  })
}
