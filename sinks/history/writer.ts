/**
 * Copies the events and decisions logs into ClickHouse: in order within a partition, at least once, in batches. What it
 * holds in memory is one batch; a server that is slow or away makes it wait, and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../../ingest/backoff.ts'
import { type HistoryClient, sentenceOf } from './client.ts'
import { type Copied, decisionsFeed, eventsFeed, type Feed } from './feed.ts'
import type { LogSource } from './log-cursor.ts'
import { loadPositions, storePositions } from './positions.ts'

export type WriterOptions = {
  readonly client: HistoryClient
  readonly events: LogSource
  readonly decisions: LogSource
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
  /** When the machine started, Unix milliseconds. */
  readonly bootedAt: number
  /** Most records of one log in a batch, and most bytes of them. */
  readonly batchRows: number
  readonly batchBytes: number
  /** A batch that is not full leaves after this time. */
  readonly flushEveryMs: number
}

export type WriterStatus = {
  /** Rows inserted since the writer started. */
  readonly events: number
  readonly decisions: number
  /** Records in the logs that are not copied yet. */
  readonly lagRecords: number
  /** Since when it has been behind, Unix milliseconds; null when it has caught up. */
  readonly behindSince: number | null
  /** Records that retention removed before they were copied. */
  readonly skipped: number
  readonly undecodable: number
  /** Why the last attempt failed; null when it did not. */
  readonly lastError: string | null
}

export type Writer = {
  /** Copies until stopped. Resolves when the batch in hand is done. */
  run(): Promise<void>
  status(): WriterStatus
  /** Copies everything appended so far at once; false when `deadlineMs` passed first. */
  flush(deadlineMs: number): Promise<boolean>
  stop(): void
}

const pollMs = 100
const retry = { firstMs: 200, mostMs: 30_000, salt: 'history-writer' }

/** A writer; it reads its positions from ClickHouse when it runs. */
export function createWriter(options: WriterOptions): Writer {
  return new LogWriter(options)
}

class LogWriter implements Writer {
  readonly #options: WriterOptions
  readonly #counts = { events: 0, decisions: 0, undecodable: 0 }
  /** Told after each look at the logs. */
  readonly #waiting = new Set<(feeds: readonly Feed[]) => void>()
  #feeds: readonly Feed[] = []
  #lagRecords = 0
  #behindSince: number | null = null
  #lastError: string | null = null
  #lastBatchAt = 0
  #stopping = false
  #wake = new AbortController()

  constructor(options: WriterOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    let attempt = 0
    while (!this.#stopping) {
      try {
        const copied = await this.#turn()
        attempt = 0
        this.#lastError = null
        if (!copied) await this.#pause(pollMs)
      } catch (error) {
        attempt++
        this.#lastError = sentenceOf(error)
        await this.#pause(backoffMs(attempt, retry))
      }
    }
  }

  status(): WriterStatus {
    return {
      ...this.#counts,
      lagRecords: this.#lagRecords,
      behindSince: this.#behindSince,
      skipped: this.#feeds.reduce((sum, feed) => sum + feed.skipped(), 0),
      lastError: this.#lastError,
    }
  }

  async flush(deadlineMs: number): Promise<boolean> {
    let targets: readonly (readonly number[])[] | null = null
    const caughtUp = new Promise<boolean>((resolve) => {
      const check = async (feeds: readonly Feed[]) => {
        targets ??= await Promise.all(feeds.map((feed) => feed.ends()))
        if (feeds.every((feed, i) => feed.reached(targets?.[i] ?? []))) settle(true)
      }
      // A failure of the log is the business of the next turn.
      const onTurn = (feeds: readonly Feed[]) => void check(feeds).catch(() => undefined)
      const settle = (complete: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(onTurn)
        resolve(complete)
      }
      const timer = setTimeout(() => settle(false), Math.max(0, deadlineMs))
      this.#waiting.add(onTurn)
    })
    this.#wake.abort()
    return caughtUp
  }

  stop(): void {
    this.#stopping = true
    this.#wake.abort()
  }

  /** Looks how far behind it is and copies a batch when one is due. */
  async #turn(): Promise<boolean> {
    if (this.#feeds.length === 0) this.#feeds = await this.#open()
    const { now, batchRows, flushEveryMs } = this.#options
    let lag = 0
    for (const feed of this.#feeds) lag += await feed.lag()
    this.#lagRecords = lag
    this.#behindSince = lag === 0 ? null : (this.#behindSince ?? now())
    for (const tell of this.#waiting) tell(this.#feeds)
    if (lag === 0) return false
    if (lag < batchRows && this.#waiting.size === 0 && now() - this.#lastBatchAt < flushEveryMs) return false
    await this.#copy()
    return true
  }

  async #open(): Promise<readonly Feed[]> {
    const { client, events, decisions, bootedAt } = this.#options
    const positions = await loadPositions(client, bootedAt)
    const start = (log: string) => positions.get(log) ?? new Map<number, number>()
    return [
      eventsFeed({ client, source: events, start: start('events') }),
      decisionsFeed({ client, source: decisions, start: start('decisions') }),
    ]
  }

  async #copy(): Promise<void> {
    const { client, now, batchRows, batchBytes } = this.#options
    this.#lastBatchAt = now()
    const done: [Feed, Copied][] = []
    for (const feed of this.#feeds) {
      const copied = await feed.copy({ rowsMax: batchRows, bytesMax: batchBytes })
      if (copied !== null) done.push([feed, copied])
    }
    await storePositions(client, new Map(done.map(([feed, { next }]) => [feed.name, next])), now())
    for (const [feed, copied] of done) {
      copied.keep()
      this.#counts[feed.name] += copied.rows
      this.#counts.undecodable += copied.undecodable
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#wake.signal }).catch(() => undefined)
    if (!this.#stopping) this.#wake = new AbortController()
  }
}
