/**
 * What every history promises of an erasure, whichever ClickHouse keeps it: nothing is left or comes back, nor comes in while the
 * engine would refuse it, what belongs to others stays, and only a trusted one counts.
 */
import { describe, expect, test } from 'vitest'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import { erasedForMs } from '../../ingest/erasure.ts'
import type { Event } from '../../ingest/event.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { createRecordSignature } from '../../ingest/record-signature.ts'
import type { Batch } from '../../sinks/batch.ts'
import { encodeBatch } from '../../sinks/batch-codec.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { ErasureReport } from '../../sinks/history/history.ts'
import type { History, HistoryOptions } from '../../sinks/history/start-history.ts'
import { erasureOf, eventually, numberOf, offering, purchase } from '../sinks/history/history-world.ts'
import { type HistoryTarget, worldOfEachTest } from './history-target.ts'

const at = Date.UTC(2026, 5, 1)
const eventBy = (customerId: string, number: number): Event => ({ ...purchase(number), customerId })
const decisionFor = (customerId: string, number: number, acceptedAt: number): Decision => ({
  ...offering(number),
  customerId,
  acceptedAt,
})
const requested = (decision: Decision): Decision => ({
  ...decision,
  cause: { ...decision.cause, kind: 'request', type: '' },
})
/** An erasure so long ago that what is accepted one millisecond after `at` is a new relation. */
const longAgo = at - erasedForMs

/** A batch in which each of them asked for something, and something of one more was due. */
function askedBy(customers: readonly string[], due: string): Batch {
  const requests = customers.map((customerId) => ({
    customerId,
    requestId: `request of ${customerId}`,
    placement: 'app_home_banner',
    count: 1,
    personalised: true,
  }))
  const form = { pack: 'pack', learned: '', quarantined: [], revoked: [] }
  return {
    partition: 0,
    seq: 1,
    prev: 0,
    kind: 'step',
    clock: 'wall',
    now: at,
    from: 0,
    next: 0,
    events: 0,
    steps: [{ now: at, turn: 0, form, series: { since: [], renamed: [] }, requests, stock: null }],
    due: [due],
    poisoned: [],
    decisions: 0,
    fallbacks: [],
    adopted: [],
    filled: null,
  }
}

export function historyErasure(name: string, target: HistoryTarget): void {
  describe(`erasure in ${name}`, { timeout: 90_000 }, () => {
    const here = worldOfEachTest(target)
    const start = (options: Partial<HistoryOptions> = {}) =>
      here.world.started({ ...here.options, settleMs: 300, ...options })

    test('nothing of an erased customer is left, and everything of the others', async () => {
      await here.world.place([eventBy('anna', 1), eventBy('ben', 2), eventBy('anna', 3)], { at: at - 1_000 })
      await here.world.addDecisions([decisionFor('anna', 1, at - 1_000), decisionFor('ben', 2, at - 1_000)])
      const value = encodeBatch(askedBy(['anna', 'ben'], 'anna'))
      await here.world.batches.append(0, [{ key: '0', value, appendTime: at - 1_000 }])
      const history = await start()
      expect(await history.flush(15_000)).toBe(true)
      const before = await history.erasure('anna')
      expect(before.state).toEqual({ kind: 'none' })
      expect(before.tables.map(({ rows }) => rows)).toEqual([2, 2, 1, 2, 0])
      await here.world.place([erasureOf('anna')], { at })
      const after = await untilGone(history, 'anna')
      expect(after.tables.map(({ table, rows }) => [table, rows])).toEqual([
        ['events_raw', 0],
        ['event_records_raw', 0],
        ['decisions_raw', 0],
        ['inputs_raw', 0],
        ['shadow_decisions_raw', 0],
      ])
      for (const { sql } of after.tables) {
        expect(sql).toContain("customer_id = 'anna'")
        expect(await numberOf(history, sql)).toBe(0)
      }
      for (const table of ['events_raw', 'event_records_raw', 'decisions_raw', 'inputs_raw']) {
        expect(await numberOf(history, `SELECT count() FROM ${table} WHERE customer_id = 'anna'`)).toBe(0)
        expect(await numberOf(history, `SELECT count() FROM ${table} WHERE customer_id = 'ben'`)).toBe(1)
      }
      // What the batch was made from stays, without whom it was about.
      const batches = "SELECT count() FROM batches_raw WHERE requests = 2 AND due = 1 AND position(record, 'anna') = 0"
      expect(await numberOf(history, batches)).toBe(1)
      await eventually('the status has heard of it', () => history.status().erasing === 0)
      expect(history.status()).toMatchObject({ erased: 1, undecodable: 0 })
      expect(await history.erasure('ben')).toMatchObject({ state: { kind: 'none' } })
    })

    test('the id of an erased customer is in no table and in no statement that is kept', async () => {
      await here.world.place([eventBy('anna-to-forget', 1)], { at: at - 1 })
      const history = await start()
      await here.world.place([erasureOf('anna-to-forget')], { at })
      await untilGone(history, 'anna-to-forget')
      const answer = await history.query('SELECT * FROM erased_raw', 'json')
      expect(answer).toMatchObject({ kind: 'ok' })
      expect(JSON.stringify(answer)).toContain('customer_hash')
      expect(JSON.stringify(answer)).not.toContain('anna-to-forget')
      expect(await numberOf(history, 'SELECT count() FROM system.mutations')).toBeGreaterThan(0)
      const named = "SELECT count() FROM system.mutations WHERE position(command, 'anna-to-forget') > 0"
      expect(await numberOf(history, named)).toBe(0)
      expect(await numberOf(history, 'SELECT count() FROM erasing')).toBe(0)
    })

    test('every table that names customers is gone through', async () => {
      const history = await start()
      const tables = `SELECT table FROM system.columns WHERE database = currentDatabase() AND name LIKE '%customer%'
          AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
          AND name != 'customer_hash' ORDER BY table`
      await eventually('the tables are there', async () => (await columnOf(history, tables)).length > 0)
      const { tables: reported } = await history.erasure('anna')
      expect(reported.map(({ table }) => table).sort()).toEqual(await columnOf(history, tables))
    })

    test('while the engine refuses a customer nothing of theirs is copied, what comes later is a new relation', async () => {
      const history = await start()
      await here.world.place([eventBy('anna', 1)], { at: longAgo - 1 })
      await here.world.place([erasureOf('anna')], { at: longAgo })
      await untilGone(history, 'anna')
      await here.world.place([eventBy('anna', 2)], { at: longAgo + 1 })
      await here.world.place([eventBy('anna', 3), eventBy('ben', 4)], { at })
      await here.world.place([eventBy('anna', 5)], { at: at + 1 })
      await here.world.addDecisions([
        decisionFor('anna', 1, longAgo - 1),
        decisionFor('anna', 2, longAgo + 1),
        requested(decisionFor('anna', 3, at)),
        decisionFor('ben', 4, at),
        requested(decisionFor('anna', 5, at + 1)),
      ])
      expect(await history.flush(15_000)).toBe(true)
      expect(await idsOf(history, 'events')).toEqual(['purchase-4', 'purchase-5'])
      expect(await idsOf(history, 'decisions')).toEqual([4, 5].map((number) => offering(number).id))
      await eventually('it is counted', () => history.status().erased >= 5)
      expect((await history.erasure('anna')).state).toMatchObject({ kind: 'gone', refusedUntil: at })
    })

    test('what was copied before the erasure came goes with it, and nothing of a new relation', async () => {
      await here.world.addDecisions([
        decisionFor('anna', 1, longAgo),
        requested(decisionFor('anna', 2, longAgo + 60_000)),
        decisionFor('anna', 3, at),
        decisionFor('anna', 4, at + 1),
      ])
      const history = await start()
      expect(await history.flush(15_000)).toBe(true)
      expect(await numberOf(history, 'SELECT count() FROM decisions')).toBe(4)
      await here.world.place([erasureOf('anna')], { at: longAgo })
      await untilGone(history, 'anna')
      expect(await idsOf(history, 'decisions')).toEqual([offering(4).id])
    })

    test('whoever starts anew still knows who was erased', async () => {
      const first = await start()
      await here.world.place([erasureOf('anna')], { at })
      await untilGone(first, 'anna')
      // The next process does not come by the erasure again.
      await eventually('its position is behind the erasure', async () => {
        const next =
          "SELECT sum(next) FROM (SELECT argMax(next, stored_at) AS next FROM positions_raw WHERE log = 'events' GROUP BY log_partition)"
        return (await numberOf(first, next)) === 1
      })
      process.kill(first.status().pid ?? 0, 'SIGKILL')
      await first.stop(3_000)
      await here.world.place([eventBy('anna', 1), eventBy('ben', 2)], { at: at + 1 })
      await here.world.addDecisions([decisionFor('anna', 1, at + 1), decisionFor('ben', 2, at + 1)])
      const next = await start()
      expect(await next.flush(15_000)).toBe(true)
      expect(await idsOf(next, 'events')).toEqual(['purchase-2'])
      expect(await idsOf(next, 'decisions')).toEqual([offering(2).id])
    })

    test('an erasure that is not done is gone on with by the next process, from before it on the log', async () => {
      await here.world.place([eventBy('anna', 1)], { at: at - 1 })
      const slow = await start({ settleMs: 3_600_000 })
      expect(await slow.flush(15_000)).toBe(true)
      await here.world.place([erasureOf('anna')], { at })
      await here.world.place([eventBy(neighbourOf('anna', here.world.events.partitions), 2)], { at: at + 1 })
      expect(await slow.flush(15_000)).toBe(true)
      await eventually('the rows are deleted', async () => (await slow.erasure('anna')).tables[0]?.rows === 0)
      expect((await slow.erasure('anna')).state).toMatchObject({ kind: 'pending', erasedAt: at })
      const held = 'SELECT countIf(next = 1 AND copied = 3) FROM positions_raw FINAL'
      expect(await numberOf(slow, held)).toBe(1)
      process.kill(slow.status().pid ?? 0, 'SIGKILL')
      await slow.stop(3_000)
      const next = await start()
      await untilGone(next, 'anna')
      expect(await idsOf(next, 'events')).toEqual(['purchase-2'])
      await eventually(
        'nothing is held back any more',
        async () =>
          (await numberOf(next, "SELECT argMax(next, stored_at) FROM positions_raw WHERE log = 'events'")) === 3,
      )
    })

    test('a copy of an erasure takes nothing of a new relation, another erasure does', async () => {
      const history = await start()
      await here.world.place([eventBy('anna', 1)], { at: longAgo - 1 })
      await here.world.place([erasureOf('anna')], { at: longAgo })
      await here.world.place([eventBy('anna', 2)], { at: at + 10 })
      await untilGone(history, 'anna')
      await here.world.place([erasureOf('anna')], { at: at + 20 })
      expect(await history.flush(15_000)).toBe(true)
      expect(await idsOf(history, 'events')).toEqual(['purchase-2'])
      expect(await history.erasure('anna')).toMatchObject({ state: { kind: 'gone', erasedAt: longAgo } })
      await here.world.place([erasureOf('anna', 'another erasure')], { at: at + 30 })
      await eventually('the second erasure is done', async () => {
        const { state } = await history.erasure('anna')
        return state.kind === 'gone' && state.erasedAt === at + 30
      })
      expect(await idsOf(history, 'events')).toEqual([])
    })

    test('a second erasure while the first is in force deletes again and prolongs nothing', async () => {
      const history = await start()
      await here.world.place([erasureOf('anna')], { at: longAgo })
      await untilGone(history, 'anna')
      await here.world.place([erasureOf('anna', 'another erasure')], { at: at - 1_000 })
      await eventually('both are done', async () => {
        const done = 'SELECT count() = 2 AND countIf(gone_at IS NULL) = 0 FROM erased_customers'
        return (await numberOf(history, done)) === 1
      })
      await here.world.place([eventBy('anna', 1)], { at: at + 1 })
      expect(await history.flush(15_000)).toBe(true)
      expect(await idsOf(history, 'events')).toEqual(['purchase-1'])
      expect((await history.erasure('anna')).state).toMatchObject({ kind: 'gone', erasedAt: longAgo })
    })

    test('on a log that others write to only a signed erasure counts, and only in its customer’s partition', async () => {
      const secret = new Uint8Array(32).fill(7)
      const { sign } = createRecordSignature(secret)
      const forged = createRecordSignature(new Uint8Array(32).fill(8)).sign
      await here.world.place([eventBy('anna', 1), eventBy('ben', 2)], { at: at - 1 })
      const erasure = { key: 'a key for tests only', signingSecret: secret }
      const history = await start({ erasure })
      await here.world.place([erasureOf('anna', 'unsigned')], { at })
      await here.world.place([erasureOf('anna', 'forged')], { at, sign: forged })
      const elsewhere = sign({ key: 'anna', value: encodeEvent(erasureOf('anna', 'elsewhere')) })
      const wrong = (partitionOf('anna', here.world.events.partitions) + 1) % here.world.events.partitions
      await here.world.events.append(wrong, [elsewhere])
      expect(await history.flush(15_000)).toBe(true)
      expect(await history.erasure('anna')).toMatchObject({ state: { kind: 'none' } })
      expect(await idsOf(history, 'events')).toEqual(['elsewhere', 'forged', 'purchase-1', 'purchase-2', 'unsigned'])
      await here.world.place([erasureOf('anna', 'signed')], { at: Date.now(), sign })
      await untilGone(history, 'anna')
      expect(await numberOf(history, "SELECT count() FROM events_raw WHERE customer_id = 'anna'")).toBe(0)
      expect(await idsOf(history, 'events')).toEqual(['purchase-2'])
    })
  })
}

async function untilGone(history: History, customerId: string): Promise<ErasureReport> {
  await eventually('the erasure is done', async () => (await history.erasure(customerId)).state.kind === 'gone')
  return history.erasure(customerId)
}

async function idsOf(history: History, view: 'events' | 'decisions'): Promise<readonly string[]> {
  return columnOf(history, `SELECT id FROM ${view} ORDER BY id`)
}

async function columnOf(history: History, sql: string): Promise<readonly string[]> {
  const answer = await history.query(sql, 'csv')
  if (answer.kind !== 'ok') throw new Error(answer.message)
  return answer.text
    .split('\n')
    .slice(1, -1)
    .map((line) => line.replaceAll('"', ''))
}

/** Another customer of the same partition. */
function neighbourOf(customerId: string, partitions: number): string {
  const partition = partitionOf(customerId, partitions)
  for (let i = 0; ; i++) if (partitionOf(`neighbour-${i}`, partitions) === partition) return `neighbour-${i}`
}
