import { readFile, rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { DeadLetters } from '../dead-letters.ts'
import { type Log, LogError, type LogRecord, type NewRecord } from '../log.ts'
import { partitionOf } from '../partition.ts'
import { decodeNews } from './dead-letter-record.ts'

/** Next offset by partition, in a file beside the letters. */
const positionsSchema = z.record(z.string(), z.number().int().min(0))
const STEP = { maxBytes: 4 * 1024 * 1024, maxRecords: 500 } as const
/** How late letters of other nodes are seen. */
const LOOK_EVERY_MS = 1_000
const backOffMs = { least: 200, most: 5_000 } as const
/** Whoever looks waits so long for what this node has sent. */
const OWN_MS = 2_000

/** Follows the topic of the dead letters into a store of this node, and remembers how far it came. */
export class DeadLetterFollower {
  readonly #topic: Log
  readonly #store: DeadLetters
  readonly #file: string
  readonly #next: number[]
  /** What this node has sent ends here, by partition. */
  readonly #own: number[]
  readonly #stopping = new AbortController()
  #news = Promise.withResolvers<void>()
  #came = Promise.withResolvers<void>()
  #running: Promise<unknown> = Promise.resolve()

  private constructor(topic: Log, store: DeadLetters, file: string, next: readonly number[]) {
    this.#topic = topic
    this.#store = store
    this.#file = file
    this.#next = [...next]
    this.#own = next.map(() => 0)
  }

  /** @param file where positions are kept; when it is missing the topic is followed from its beginning */
  static async start(topic: Log, store: DeadLetters, file: string): Promise<DeadLetterFollower> {
    const kept = await readPositions(file)
    const next = Array.from({ length: topic.partitions }, (_, partition) => kept[partition] ?? 0)
    const follower = new DeadLetterFollower(topic, store, file, next)
    follower.#running = Promise.all(next.map((_, partition) => follower.#follow(partition)))
    return follower
  }

  /** Sends a record; resolved when the brokers have it. @throws LogError */
  async send(record: NewRecord): Promise<void> {
    const partition = partitionOf(record.key, this.#topic.partitions)
    const { lastOffset } = await this.#topic.append(partition, [record])
    this.#own[partition] = Math.max(this.#own[partition] ?? 0, lastOffset + 1)
    this.#news.resolve()
  }

  /** Resolves when everything this node has sent is in the store, or after some seconds. */
  async own(): Promise<void> {
    const until = performance.now() + OWN_MS
    const wanted = [...this.#own]
    const isThere = () => wanted.every((end, partition) => (this.#next[partition] ?? 0) >= end)
    while (!isThere() && !this.#stopping.signal.aborted) {
      const leftMs = until - performance.now()
      if (leftMs <= 0) return
      await Promise.race([this.#came.promise, sleep(leftMs, null, { ref: false })])
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#news.resolve()
    this.#came.resolve()
    await this.#running
  }

  async #follow(partition: number): Promise<void> {
    let pauseMs: number = backOffMs.least
    while (!this.#stopping.signal.aborted) {
      const news = this.#news
      try {
        const records = await this.#topic.read(partition, this.#next[partition] ?? 0, STEP)
        await this.#take(partition, records)
        pauseMs = backOffMs.least
        if (records.length > 0) continue
        await Promise.race([news.promise, this.#rest(LOOK_EVERY_MS)])
        if (this.#news === news) this.#news = Promise.withResolvers()
      } catch (error) {
        if (error instanceof LogError && error.code === 'log_gap') await this.#startOver(partition)
        else await this.#rest(pauseMs)
        pauseMs = Math.min(pauseMs * 2, backOffMs.most)
      }
    }
  }

  async #take(partition: number, records: readonly LogRecord[]): Promise<void> {
    let putting: Promise<void>[] = []
    for (const record of records) {
      const news = decodeNews(record)
      if (news === null) continue
      if (news.kind === 'letter') {
        putting.push(this.#store.put(news.letter))
        continue
      }
      // A mark stands behind its letter.
      await Promise.all(putting)
      putting = []
      if (news.kind === 'removed') await this.#store.remove([news.id])
      else await this.#store.markRedriven(news.id, news.at)
    }
    await Promise.all(putting)
    const last = records.at(-1)
    if (last === undefined) return
    this.#next[partition] = last.offset + 1
    await this.#keepPositions()
    this.#came.resolve()
    this.#came = Promise.withResolvers()
  }

  /** Old letters go by the topic's retention, read or not; a topic made anew is read from its beginning. */
  async #startOver(partition: number): Promise<void> {
    try {
      this.#next[partition] = (await this.#topic.bounds(partition)).start
    } catch {
      await this.#rest(backOffMs.least)
    }
  }

  #rest(ms: number): Promise<unknown> {
    return sleep(ms, null, { signal: this.#stopping.signal }).catch(() => null)
  }

  async #keepPositions(): Promise<void> {
    const temporary = `${this.#file}.new`
    await writeFile(temporary, JSON.stringify({ ...this.#next }))
    await rename(temporary, this.#file)
  }
}

/** What is lost or torn is followed again: letters are known by their id. */
async function readPositions(file: string): Promise<Readonly<Record<string, number>>> {
  const text = await readFile(file, 'utf8').catch(() => '')
  try {
    return positionsSchema.parse(JSON.parse(text))
  } catch {
    return {}
  }
}
