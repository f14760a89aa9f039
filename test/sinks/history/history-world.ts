/** A data directory with real logs, events and decisions to put into them, and a history over it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import { openLogEnvironment } from '../../../ingest/lmdb-log.ts'
import type { Log, NewRecord } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { encodeDecision } from '../../../sinks/decision-codec.ts'
import { type History, type HistoryOptions, startHistory } from '../../../sinks/history/start-history.ts'
import { copyMigratedHistory, migratedRetentionDays } from '../../parts/migrated-history.ts'

/** Secrets of the tests' installation; everything on its log is trusted. */
export const testErasure = { key: 'a key for tests only', signingSecret: null } as const

export type PlaceOptions = {
  /** Append time to stamp, Unix milliseconds. */
  readonly at?: number
  readonly sign?: (record: NewRecord) => NewRecord
}

export type World = {
  readonly dir: string
  readonly events: Log
  readonly decisions: Log
  readonly batches: Log
  /** Appends to the partition of their number, four partitions. */
  addEvents(events: readonly Event[]): Promise<void>
  addDecisions(decisions: readonly Decision[]): Promise<void>
  /** Appends to the partition of their customer, as the engine's door does. */
  place(events: readonly Event[], options?: PlaceOptions): Promise<void>
  start(options?: Partial<HistoryOptions>): Promise<History>
  /** Started and running: making a fresh database has a minute, apart from the time that copying is given. */
  started(options?: Partial<HistoryOptions>): Promise<History>
  dispose(): Promise<void>
}

export async function createWorld(): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-history-'))
  const environment = openLogEnvironment(join(dir, 'log'))
  const settings = { partitions: 4, now: Date.now, retentionMs: 3_600_000, maxBytes: 1_000_000_000 }
  const events = await environment.openLog({ name: 'events', ...settings })
  const decisions = await environment.openLog({ name: 'decisions', ...settings })
  const batches = await environment.openLog({ name: 'batches', ...settings })
  const started: History[] = []

  async function add(log: Log, records: readonly { key: string; value: Uint8Array }[]): Promise<void> {
    for (let partition = 0; partition < log.partitions; partition++) {
      const own = records.filter((_, i) => i % log.partitions === partition)
      if (own.length > 0) await log.append(partition, own)
    }
  }
  async function start(options: Partial<HistoryOptions> = {}): Promise<History> {
    if (options.url === undefined) await copyMigratedHistory(dir)
    const history = await startHistory({
      dataDir: dir,
      log: { kind: 'lmdb', dir: join(dir, 'log') },
      erasure: testErasure,
      retentionDays: migratedRetentionDays,
      flushEveryMs: 200,
      ...options,
    })
    started.push(history)
    return history
  }
  return {
    dir,
    events,
    decisions,
    batches,
    addEvents: (list) =>
      add(
        events,
        list.map((event) => ({ key: event.customerId, value: encodeEvent(event) })),
      ),
    addDecisions: (list) =>
      add(
        decisions,
        list.map((decision) => ({ key: decision.customerId, value: encodeDecision(decision) })),
      ),
    async place(list, { at, sign = (record: NewRecord) => record } = {}) {
      for (const event of list) {
        const record = { key: event.customerId, value: encodeEvent(event) }
        const placed = sign(at === undefined ? record : { ...record, appendTime: at })
        await events.append(partitionOf(event.customerId, events.partitions), [placed])
      }
    },
    start,
    async started(options) {
      const history = await start(options)
      const until = Date.now() + 60_000
      while (history.status().state !== 'running') {
        if (Date.now() > until) throw new Error('history did not start in time')
        await sleep(50)
      }
      return history
    },
    async dispose() {
      await Promise.all(started.map((history) => history.stop(3_000)))
      await environment.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export function purchase(number: number, amount = 1_000 + number): Event {
  return {
    id: `purchase-${number}`,
    source: 'core-banking',
    type: 'card.purchase',
    customerId: `customer-${number % 50}`,
    time: 1_764_000_000_000 + number,
    provenance: { via: 'http', consentId: null },
    data: { amount, currency: 'EUR', merchantCategory: 'grocery', merchantId: null, channel: 'pos', country: 'DE' },
  }
}

/** The event that erases a customer. */
export function erasureOf(customerId: string, id = `erase-${customerId}`): Event {
  return {
    id,
    source: 'privacy-desk',
    type: 'customer.erased',
    customerId,
    time: 1_764_000_000_000,
    provenance: { via: 'http', consentId: null },
    data: { ground: 'request' },
  }
}

const terms = { propensity: 0.5, context: 1, value: 2, lever: 1, score: 1 }
const fate = { trigger: 'baby_goods', rule: null, ...terms, possibleAt: 0, learned: null }

/** A decision that offers `bundle` and had `loan` stopped by the bereavement guardrail. */
export function offering(number: number): Decision {
  return {
    id: number.toString(16).padStart(32, '0'),
    customerId: `customer-${number % 50}`,
    cause: { kind: 'event', id: `purchase-${number}`, source: 'core-banking', type: 'card.purchase' },
    placement: 'push_message',
    channel: 'push',
    packHash: 'pack',
    eventTime: 1_764_000_000_000 + number,
    acceptedAt: 1_764_000_000_010 + number,
    now: 1_764_000_000_020 + number,
    notAfter: 1_764_000_600_000 + number,
    outcome: 'offered',
    reason: 'offered',
    offers: [{ offer: 'bundle', score: 1 }],
    fates: [
      { ...fate, offer: 'bundle', stage: 'offered', reason: 'offered' },
      { ...fate, offer: 'loan', trigger: null, stage: 'guardrail', reason: 'bereavement', rule: 'bereaved', score: 0 },
    ],
    features: [{ name: 'purchases_30d', lo: number, hi: number, class: 'exact' }],
    contacts: [{ offer: 'bundle', category: 'insurance', class: 'marketing' }],
    confirmBy: 1_764_000_900_000 + number,
    held: [{ trigger: 'baby_goods', at: 1_764_000_100_000 + number, expiresAt: 1_764_000_600_000 + number }],
    nothing: 0.05,
    modelHash: '',
    holdouts: [],
    recalls: [],
    stock: [],
    origins: [],
    prices: [{ offer: 'bundle', price: 'fee', kind: 'fee', value: 500 + number, known: number % 2 === 0 }],
  }
}

/** Waits until a condition holds, at most 45 s. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + 45_000
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`not in time: ${what}`)
    await sleep(20)
  }
}

/** The one number a query answers. */
export async function numberOf(history: History, sql: string): Promise<number> {
  const answer = await history.query(sql, 'csv')
  if (answer.kind !== 'ok') throw new Error(answer.message)
  return Number(answer.text.split('\n')[1])
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
