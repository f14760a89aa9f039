/**
 * Copies the events, decisions and batches logs into ClickHouse: in order within a partition, at least once, in batches. What it
 * holds in memory is one batch; a server that is slow or away makes it wait, and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../../ingest/backoff.ts'
import { LogError, type LogRecord } from '../../ingest/log.ts'
import type { Codecs } from '../codecs.ts'
import { type HistoryClient, sentenceOf } from './client.ts'
import { ErasedCustomers } from './erased-customers.ts'
import { createEraser, type Eraser, pendingMax } from './eraser.ts'
import { customerHash } from './erasure-scope.ts'
import { type Copied, createFeed, type Feed } from './feed.ts'
import { batchKind, decisionKind, eventKind } from './feed-kinds.ts'
import { type FlushTarget, isCopied, targetsOf } from './flush.ts'
import type { CopySource } from './log-source.ts'
import { loadPositions, type Position, storePositions } from './positions.ts'

export type WriterOptions = {
  readonly client: HistoryClient
  readonly database: string
  readonly source: CopySource
  readonly codecs: Codecs
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
  /** When what keeps the rows was started, Unix milliseconds: what it had not synced before may be lost. Asked for each batch. */
  readonly bootedAt: () => Promise<number>
  /** Most records of one log in a batch, and most bytes of them. */
  readonly batchRows: number
  readonly batchBytes: number
  /** A batch that is not full leaves after this time. */
  readonly flushEveryMs: number
  /** Key of what is kept of an erased customer. */
  readonly erasureKey: string
  /** Whether a record came through our own door, on a log that others write to. */
  readonly trusts: (record: LogRecord) => boolean
  /** How long after an erasure is carried out it is looked for rows again. */
  readonly settleMs: number
}

export type WriterStatus = {
  /** Rows inserted since the writer started. */
  readonly events: number
  readonly decisions: number
  readonly batches: number
  /** Records in the partitions of this process that are not copied yet. */
  readonly lagRecords: number
  /** Since when it has been behind, Unix milliseconds; null when it has caught up. */
  readonly behindSince: number | null
  /** Records that retention removed before they were copied. */
  readonly skipped: number
  readonly undecodable: number
  /** Rows left out because their customer was erased. */
  readonly erased: number
  /** Erasures whose rows are not known to be gone. */
  readonly erasing: number
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

const retry = { firstMs: 200, mostMs: 30_000, salt: 'history-writer' }
/** Starts of a server that are no further apart are one: it tells whole seconds. */
const sameStartMs = 5_000

/** A writer; it reads its positions from ClickHouse when it runs. */
export function createWriter(options: WriterOptions): Writer {
  return new LogWriter(options)
}

class LogWriter implements Writer {
  readonly #options: WriterOptions
  readonly #erased: ErasedCustomers
  readonly #eraser: Eraser
  readonly #feeds: readonly Feed[]
  readonly #counts = { events: 0, decisions: 0, batches: 0, undecodable: 0, erased: 0 }
  /** Told after each look at the logs. */
  readonly #waiting = new Set<() => void>()
  /** The partitions that the feeds cover; null: to be settled. */
  #assigned: readonly number[] | null = null
  /** Partitions whose stored position an erasure holds back, and where. */
  readonly #held = new Map<number, number>()
  #bootedAt = 0
  #lagRecords = 0
  #behindSince: number | null = null
  #lastError: string | null = null
  #lastBatchAt = 0
  #stopping = false
  #wake = new AbortController()

  constructor(options: WriterOptions) {
    const { client, source, codecs, database, erasureKey, now, trusts, settleMs } = options
    const erased = new ErasedCustomers({ client, key: erasureKey, log: source.events.name, now })
    const { partitions } = source.events
    this.#options = options
    this.#erased = erased
    const markGone: ErasedCustomers['markGone'] = (erasures) => erased.markGone(erasures)
    this.#eraser = createEraser({ client, database, now, markGone, settleMs })
    this.#feeds = [
      createFeed(eventKind({ codecs, partitions, trusts, erased }), { client, source: source.events, erased }),
      createFeed(decisionKind(codecs), { client, source: source.decisions, erased }),
      createFeed(batchKind(), { client, source: source.batches, erased }),
    ]
  }

  async run(): Promise<void> {
    await Promise.all([this.#copyOn(), this.#eraser.run()])
  }

  status(): WriterStatus {
    return {
      ...this.#counts,
      lagRecords: this.#lagRecords,
      behindSince: this.#behindSince,
      skipped: this.#feeds.reduce((sum, { cursor }) => sum + cursor.skipped(), 0),
      erasing: this.#eraser.pending(),
      lastError: this.#lastError ?? this.#eraser.lastError(),
    }
  }

  async flush(deadlineMs: number): Promise<boolean> {
    let targets: readonly FlushTarget[] | null = null
    let isLooking = false
    const caughtUp = new Promise<boolean>((resolve) => {
      const check = async () => {
        targets ??= await targetsOf(this.#feeds)
        if (await isCopied(this.#options.client, targets)) settle(true)
      }
      const onTurn = () => {
        if (isLooking) return
        isLooking = true
        check()
          // A failure of the log or of ClickHouse is the business of the next turn.
          .catch(() => undefined)
          .finally(() => {
            isLooking = false
          })
      }
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
    this.#eraser.stop()
    this.#wake.abort()
  }

  async #copyOn(): Promise<void> {
    let attempt = 0
    while (!this.#stopping) {
      try {
        const copied = await this.#turn()
        attempt = 0
        this.#lastError = null
        if (!copied) await this.#pause(this.#options.source.pollMs)
      } catch (error) {
        attempt++
        this.#lastError = sentenceOf(error)
        await this.#pause(backoffMs(attempt, retry))
      }
    }
  }

  /** Looks how far behind it is and copies a batch when one is due. */
  async #turn(): Promise<boolean> {
    const { now, batchRows, flushEveryMs, source } = this.#options
    const failure = source.failure()
    if (failure !== null) throw failure
    const startedAt = performance.now()
    // Not known whether the partitions are still ours: the next heartbeat says so.
    if (!source.isCertain()) return false
    if (source.assigned() !== this.#assigned) await this.#settle(source.assigned())
    let lag = 0
    for (const { cursor } of this.#feeds) lag += await cursor.lag()
    this.#lagRecords = lag
    this.#behindSince = lag === 0 ? null : (this.#behindSince ?? now())
    for (const tell of this.#waiting) tell()
    await this.#release()
    if (lag === 0) return false
    if (lag < batchRows && this.#waiting.size === 0 && now() - this.#lastBatchAt < flushEveryMs) return false
    if (this.#eraser.pending() > pendingMax) throw erasuresWait()
    await this.#copy(startedAt)
    return true
  }

  /** Takes over partitions from where ClickHouse says they are copied. */
  async #settle(assigned: readonly number[]): Promise<void> {
    const { client, bootedAt } = this.#options
    if (this.#assigned === null) for (const { cursor } of this.#feeds) cursor.drop()
    this.#assigned = null
    this.#bootedAt = await bootedAt()
    const positions = await loadPositions(client, this.#bootedAt)
    for (const { cursor, source } of this.#feeds) cursor.own(assigned, positions.get(source.name) ?? new Map())
    this.#eraser.keep(assigned)
    this.#assigned = assigned
  }

  async #copy(startedAt: number): Promise<void> {
    const { now, batchRows, batchBytes } = this.#options
    this.#lastBatchAt = now()
    await this.#erased.refresh()
    const done: [Feed, Copied][] = []
    for (const feed of this.#feeds) {
      const copied = await feed.copy({ rowsMax: batchRows, bytesMax: batchBytes })
      if (copied !== null) done.push([feed, copied])
    }
    for (const [, { erasures }] of done) this.#eraser.add(erasures.filter(({ isGone }) => !isGone))
    if (this.#isDoubtful(startedAt)) await this.#findLate(done.map(([, copied]) => copied))
    if (await this.#wasRestarted()) {
      this.#assigned = null
      return
    }
    await this.#store(done)
    for (const [feed, copied] of done) {
      copied.keep()
      for (const [partition, next] of copied.next) feed.source.done(partition, next)
      this.#counts[feed.name] += copied.rows
      this.#counts.undecodable += copied.undecodable
      this.#counts.erased += copied.erased
    }
  }

  /** Whether somebody else may have had the partitions before the rows were in. */
  #isDoubtful(startedAt: number): boolean {
    const { source } = this.#options
    return source.assigned() !== this.#assigned || performance.now() - startedAt > source.certainMs
  }

  /** Rows of customers whom others erased meanwhile came in behind the deletion: they go now. */
  async #findLate(batches: readonly Copied[]): Promise<void> {
    await this.#erased.refresh()
    const key = this.#options.erasureKey
    for (const { late } of batches) {
      this.#eraser.addLate(late().map((one) => ({ ...one, customerHash: customerHash(key, one.customerId) })))
    }
  }

  /** Whether ClickHouse started anew since the positions were read: it may have lost what it had not synced. */
  async #wasRestarted(): Promise<boolean> {
    return Math.abs((await this.#options.bootedAt()) - this.#bootedAt) > sameStartMs
  }

  async #store(done: readonly [Feed, Copied][]): Promise<void> {
    const positions = done.flatMap(([feed, { next }]) =>
      Array.from(next, ([partition, copied]) => this.#positionOf(feed, partition, copied)),
    )
    await storePositions(this.#options.client, positions)
  }

  /** Stores the positions that nothing holds back any more where it did. */
  async #release(): Promise<void> {
    const [events] = this.#feeds
    const moved = [...this.#held].filter(([partition, at]) => this.#eraser.heldAt(partition) !== at)
    if (events === undefined || moved.length === 0) return
    const positions = moved.flatMap(([partition]) => {
      const copied = events.cursor.positions().get(partition)
      return copied === undefined ? [] : [this.#positionOf(events, partition, copied)]
    })
    await storePositions(this.#options.client, positions)
    for (const [partition] of moved) if (this.#eraser.heldAt(partition) === null) this.#held.delete(partition)
  }

  #positionOf(feed: Feed, partition: number, copied: number): Position {
    const log = feed.source.name
    const heldAt = feed.name === 'events' ? this.#eraser.heldAt(partition) : null
    if (heldAt === null || heldAt >= copied) return { log, partition, next: copied, copied }
    this.#held.set(partition, heldAt)
    return { log, partition, next: heldAt, copied }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#wake.signal }).catch(() => undefined)
    if (!this.#stopping) this.#wake = new AbortController()
  }
}

function erasuresWait(): LogError {
  const message = 'copying waits until the rows of erased customers are deleted'
  return new LogError('log_unavailable', message, { retryable: true })
}
