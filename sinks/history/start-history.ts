/** Starts history: the process that keeps it, and the questions one may ask it. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SchemaPlace } from '../codecs.ts'
import {
  createHistoryClient,
  type HistoryAddress,
  type HistoryClient,
  historyAddress,
  rowsOf,
  sentenceOf,
} from './client.ts'
import { decisionFromRow, decisionQuery } from './decision-row.ts'
import { erasureReport } from './erasure-report.ts'
import { eventFromRow, eventQuery } from './event-row.ts'
import { type History, HistoryError, type HistoryState, type HistoryStatus } from './history.ts'
import type { LogPlace } from './log-place.ts'
import type { FromHistory } from './messages.ts'
import type { PackStart } from './pack-facts.ts'
import { runReadOnly } from './read-only-query.ts'
import { type Supervisor, supervise } from './supervisor.ts'

export type { History } from './history.ts'

export type HistoryOptions = {
  readonly dataDir: string
  /** Where the logs are, with what is needed to log in there. */
  readonly log: LogPlace
  /** What the ids in their records mean; those of this release when absent. */
  readonly schemas?: SchemaPlace
  readonly erasure: ErasureKeys
  /** URL of a ClickHouse server, with user, password and database; absent: the embedded one in `dataDir/history`. */
  readonly url?: string | undefined
  /** How long rows are kept, 1 to 3,650 days. */
  readonly retentionDays: number
  /** What the pack in force forbids, for the view `forbidden_decisions`; absent: decisions are not held against one. */
  readonly pack?: PackStart
  /** Most records of one log in a batch; 20,000 when absent. */
  readonly batchRows?: number
  /** A batch that is not full is written after this time; 1,000 ms when absent. */
  readonly flushEveryMs?: number
  /** Most bytes one statement of the embedded ClickHouse may take; 1 GB when absent. */
  readonly queryMemoryBytes?: number
  /**
   * How long after rows of an erased customer were deleted it is looked for them again before they count as gone; 180,000 ms when
   * absent, more than an insert can be under way that nobody waits for any more.
   */
  readonly settleMs?: number
}

/** Secrets that history derives nothing from and shows nobody. */
export type ErasureKeys = {
  /** Key of what is kept of an erased customer, the same on every node and for as long as history is kept. */
  readonly key: string
  /**
   * Secret of `createRecordSignature`, on a log that others write to: an erasure counts only when it was signed with it. null: every
   * record of the log is trusted.
   */
  readonly signingSecret: Uint8Array | null
}

/** How long a question waits for a history that is starting. */
const readyWithinMs = 10_000

/**
 * Starts history and returns at once: it becomes ready by itself, and where it cannot run it is `off` with a sentence.
 * @throws TypeError when `url` is not a URL
 */
export async function startHistory(options: HistoryOptions): Promise<History> {
  const embedded = options.url === undefined
  const key = randomBytes(24).toString('base64url')
  const target: HistoryAddress = embedded
    ? { url: '', username: '', password: key, database: 'proffer' }
    : historyAddress(options.url ?? '')
  const { signingSecret: secret } = options.erasure
  const heard = listen(embedded ? 'embedded' : 'server')
  const supervisor = supervise(
    {
      kind: 'start',
      dir: embedded ? join(options.dataDir, 'history') : null,
      address: target,
      log: options.log,
      schemas: options.schemas ?? { kind: 'own' },
      erasureKey: options.erasure.key,
      signingSecret: secret === null ? null : Buffer.from(secret).toString('base64'),
      retentionDays: options.retentionDays,
      pack: options.pack ?? null,
      batchRows: options.batchRows ?? 20_000,
      flushEveryMs: options.flushEveryMs ?? 1_000,
      queryMemoryBytes: options.queryMemoryBytes ?? 1_000_000_000,
      settleMs: options.settleMs ?? 180_000,
    },
    heard,
  )
  return historyOf(heard, supervisor, { database: target.database, erasureKey: options.erasure.key })
}

type Heard = ReturnType<typeof listen>

/** What the history process has told, across its restarts. */
function listen(engine: HistoryStatus['engine']) {
  let state: HistoryState = 'starting'
  let sentence: string | null = null
  let client: HistoryClient | null = null
  let address: HistoryAddress | null = null
  let memoryBytes = 0
  let pid: number | null = null
  let current: Extract<FromHistory, { kind: 'status' }>['writer'] = null
  const before = { events: 0, decisions: 0, skipped: 0, undecodable: 0, erased: 0 }
  const flushes = new Map<number, (complete: boolean) => void>()

  function setClient(next: HistoryClient | null): void {
    client?.close().catch(() => undefined)
    client = next
  }
  return {
    flushes,
    client: () => client,
    address: () => (client === null ? null : address),
    state: () => state,
    onMessage(message: FromHistory): void {
      if (message.kind === 'serving') {
        setClient(createHistoryClient(message.address))
        address = message.address
        state = 'running'
        sentence = null
      } else if (message.kind === 'status') {
        current = message.writer ?? current
        memoryBytes = message.memoryBytes
        pid = message.pid
        sentence = message.error ?? message.writer?.lastError ?? null
        if (state === 'running' || state === 'failing')
          state = sentence === null && client !== null ? 'running' : 'failing'
        else if (sentence !== null) state = 'failing'
      } else if (message.kind === 'flushed') {
        flushes.get(message.id)?.(message.complete)
      }
    },
    onExit({ final, sentence: why }: { final: boolean; sentence: string }): void {
      for (const count of ['events', 'decisions', 'skipped', 'undecodable', 'erased'] as const)
        before[count] += current?.[count] ?? 0
      current = null
      memoryBytes = 0
      pid = null
      state = final ? 'off' : 'failing'
      sentence = why
      setClient(null)
      for (const give of flushes.values()) give(false)
    },
    stop(): void {
      state = 'stopped'
      pid = null
      setClient(null)
      for (const give of flushes.values()) give(false)
    },
    status: (restarts: number): HistoryStatus => ({
      state,
      engine,
      sentence,
      rows: {
        events: before.events + (current?.events ?? 0),
        decisions: before.decisions + (current?.decisions ?? 0),
      },
      lagRecords: current?.lagRecords ?? 0,
      lagMs: current?.behindSince == null ? 0 : Math.max(0, Date.now() - current.behindSince),
      skipped: before.skipped + (current?.skipped ?? 0),
      undecodable: before.undecodable + (current?.undecodable ?? 0),
      erased: before.erased + (current?.erased ?? 0),
      erasing: current?.erasing ?? 0,
      restarts,
      pid,
      memoryBytes,
    }),
  }
}

function historyOf(
  heard: Heard,
  supervisor: Supervisor,
  about: { readonly database: string; readonly erasureKey: string },
): History {
  let flushIds = 0

  async function ready(withinMs = readyWithinMs): Promise<HistoryClient | null> {
    const until = Date.now() + withinMs
    while (heard.client() === null && !['off', 'stopped'].includes(heard.state()) && Date.now() < until) await sleep(20)
    return heard.client()
  }
  const away = () => heard.status(0).sentence ?? 'history is not ready'

  async function ask<Answer>(question: (client: HistoryClient) => Promise<Answer>): Promise<Answer> {
    const client = await ready()
    if (client === null) throw new HistoryError(away())
    try {
      return await question(client)
    } catch (cause) {
      throw new HistoryError(sentenceOf(cause), { cause })
    }
  }
  async function first<Row>(...[row, query, params]: FirstOf<Row>): Promise<Row | null> {
    return ask(async (client) => (await rowsOf(client, row, query, params))[0] ?? null)
  }
  return {
    status: () => heard.status(supervisor.restarts()),
    address: () => heard.address(),
    async query(sql, format = 'table', params = {}) {
      const client = await ready()
      return client === null ? { kind: 'unavailable', message: away() } : runReadOnly(client, sql, format, params)
    },
    decision: (id) => first(decisionFromRow, decisionQuery, { id }),
    eventOf: (customer, id) => first(eventFromRow, eventQuery, { customer, id }),
    erasure: (customerId) => ask((client) => erasureReport(client, { ...about, customerId })),
    tellPack: (pack) => supervisor.tellPack(pack),
    async flush(deadlineMs) {
      const until = Date.now() + deadlineMs
      if ((await ready(deadlineMs)) === null) return false
      const id = ++flushIds
      const complete = new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), Math.max(0, until - Date.now()))
        heard.flushes.set(id, (done) => {
          clearTimeout(timer)
          resolve(done)
        })
      })
      const sent = supervisor.send({ kind: 'flush', id, deadlineMs: Math.max(1, until - Date.now()) })
      if (!sent) heard.flushes.get(id)?.(false)
      return complete.finally(() => heard.flushes.delete(id))
    },
    async stop(deadlineMs) {
      heard.stop()
      await supervisor.stop(deadlineMs)
    },
  }
}

type FirstOf<Row> = [Parameters<typeof rowsOf<Row>>[1], string, Record<string, unknown>]
