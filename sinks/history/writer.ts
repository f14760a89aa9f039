/**
 * Copies the events and decisions logs into ClickHouse: in order within a partition, at least once, in batches. What it
 * holds in memory is one batch; a server that is slow or away makes it wait, and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import { decodeDecision } from '../decision-codec.ts'
import { backoffMs } from './backoff.ts'
import { codeOf, type HistoryClient, sentenceOf } from './client.ts'
import { decisionColumns, decisionRow } from './decision-row.ts'
import { eventColumns, eventRow, type Place } from './event-row.ts'
import { createLogCursor, type LogCursor, type LogSource, type Taken } from './log-cursor.ts'
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
  const { client, now } = options
  const counts = { events: 0, decisions: 0, undecodable: 0 }
  const waiting = new Set<(cursors: readonly LogCursor[]) => void>()
  let cursors: readonly LogCursor[] = []
  let lagRecords = 0
  let behindSince: number | null = null
  let lastError: string | null = null
  let lastBatchAt = 0
  let stopping = false
  let wake = new AbortController()

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: wake.signal }).catch(() => undefined)
    if (wake.signal.aborted && !stopping) wake = new AbortController()
  }

  async function open(): Promise<readonly LogCursor[]> {
    const positions = await loadPositions(client, options.bootedAt)
    const startOf = (log: string) => positions.get(log) ?? new Map<number, number>()
    return [
      createLogCursor({ name: 'events', source: options.events, start: startOf('events'), toRow: rowOfEvent }),
      createLogCursor({
        name: 'decisions',
        source: options.decisions,
        start: startOf('decisions'),
        toRow: rowOfDecision,
      }),
    ]
  }

  async function copy(): Promise<void> {
    lastBatchAt = now()
    const limit = { rowsMax: options.batchRows, bytesMax: options.batchBytes }
    const moved = new Map<string, ReadonlyMap<number, number>>()
    const done: (() => void)[] = []
    for (const cursor of cursors) {
      const taken: Taken = await cursor.take(limit)
      if (taken.next.size === 0) continue
      await insert(client, cursor.name, taken.rows)
      moved.set(cursor.name, taken.next)
      done.push(() => {
        cursor.advance(taken)
        counts[cursor.name === 'events' ? 'events' : 'decisions'] += taken.rows.length
        counts.undecodable += taken.undecodable
      })
    }
    await storePositions(client, moved, now())
    for (const keep of done) keep()
  }

  async function turn(): Promise<'again' | 'rest'> {
    if (cursors.length === 0) cursors = await open()
    lagRecords = 0
    for (const cursor of cursors) lagRecords += await cursor.lag()
    behindSince = lagRecords === 0 ? null : (behindSince ?? now())
    for (const wakeWaiter of waiting) wakeWaiter(cursors)
    if (lagRecords === 0) return 'rest'
    const due = lagRecords >= options.batchRows || waiting.size > 0 || now() - lastBatchAt >= options.flushEveryMs
    if (!due) return 'rest'
    await copy()
    return 'again'
  }

  return {
    async run() {
      let attempt = 0
      while (!stopping) {
        try {
          const then = await turn()
          attempt = 0
          lastError = null
          if (then === 'rest') await pause(pollMs)
        } catch (error) {
          attempt++
          lastError = sentenceOf(error)
          await pause(backoffMs(attempt, retry))
        }
      }
    },
    status: () => ({
      ...counts,
      lagRecords,
      behindSince,
      skipped: cursors.reduce((sum, cursor) => sum + cursor.skipped(), 0),
      lastError,
    }),
    async flush(deadlineMs) {
      let targets: readonly (readonly number[])[] | null = null
      const until = now() + deadlineMs
      const caughtUp = new Promise<boolean>((resolve) => {
        const check = async (current: readonly LogCursor[]) => {
          targets ??= await Promise.all(current.map((cursor) => cursor.ends()))
          if (current.every((cursor, i) => cursor.reached(targets?.[i] ?? []))) settle(true)
        }
        const onTurn = (current: readonly LogCursor[]) => void check(current).catch(() => undefined)
        const timer = setTimeout(() => settle(false), Math.max(0, until - now()))
        const settle = (complete: boolean) => {
          clearTimeout(timer)
          waiting.delete(onTurn)
          resolve(complete)
        }
        waiting.add(onTurn)
      })
      wake.abort()
      return caughtUp
    },
    stop() {
      stopping = true
      wake.abort()
    },
  }
}

async function insert(client: HistoryClient, log: string, rows: readonly (readonly unknown[])[]): Promise<void> {
  if (rows.length === 0) return
  const [table, columns] = log === 'events' ? ['events_raw', eventColumns] : ['decisions_raw', decisionColumns]
  await client.insert({ table, values: rows, format: 'JSONCompactEachRow', columns: [...columns] })
}

function rowOfEvent(value: Uint8Array, place: Place): readonly unknown[] | null {
  const decoded = decodeEvent(value)
  return decoded.kind === 'ok' ? eventRow(decoded.event, place) : null
}

function rowOfDecision(value: Uint8Array, place: Place): readonly unknown[] | null {
  try {
    return decisionRow(decodeDecision(value), place)
  } catch (error) {
    if (codeOf(error) === 'decision_undecodable') return null
    throw error
  }
}
