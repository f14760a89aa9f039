/**
 * What every history promises, whichever ClickHouse keeps it: all that was logged and only once, the answers of the
 * views, whole records back, bounded read-only questions, and never a delay for who writes the logs.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decision, recallDigits } from '../../sinks/decision.ts'
import { anyEvent } from '../ingest/event-arbitrary.ts'
import { anyDecision } from '../sinks/arbitrary-decision.ts'
import { eventually, numberOf, offering, purchase } from '../sinks/history/history-world.ts'
import { type HistoryTarget, worldOfEachTest } from './history-target.ts'

export function historyConformance(name: string, target: HistoryTarget): void {
  describe(`history in ${name}`, { timeout: 90_000 }, () => {
    const here = worldOfEachTest(target)
    const numbers = Array.from({ length: 200 }, (_, i) => i)

    test('repeats in the logs and repeated inserts are counted once in every view', async () => {
      const history = await here.world.started(here.options)
      await here.world.addEvents(numbers.map((number) => purchase(number)))
      await here.world.addDecisions(numbers.map(offering))
      expect(await history.flush(15_000)).toBe(true)
      await here.world.addEvents(numbers.map((number) => purchase(number)))
      await here.world.addDecisions(numbers.slice(0, 100).map(offering))
      expect(await history.flush(15_000)).toBe(true)
      expect(history.status().rows).toEqual({ events: 400, decisions: 300 })
      expect(await numberOf(history, 'SELECT count() FROM events')).toBe(200)
      expect(await numberOf(history, 'SELECT sum(amount_minor) FROM events')).toBe(200 * 1_000 + (199 * 200) / 2)
      expect(await numberOf(history, 'SELECT count() FROM decisions')).toBe(200)
      expect(await numberOf(history, 'SELECT count() FROM decision_candidates')).toBe(400)
      expect(await numberOf(history, "SELECT sum(decisions) FROM decisions_by_offer WHERE offer = 'bundle'")).toBe(200)
      expect(await numberOf(history, "SELECT sum(stops) FROM stops_by_guardrail WHERE rule = 'bereaved'")).toBe(200)
      const stage = "SELECT sum(stopped) FROM funnel_by_stage WHERE offer = 'loan' AND stage = 'guardrail'"
      expect(await numberOf(history, stage)).toBe(200)
      const beyond = "SELECT sum(reached) FROM funnel_by_stage WHERE offer = 'loan' AND stage = 'contact'"
      expect(await numberOf(history, beyond)).toBe(0)
    })

    test('a message that was taken back stands beside what took it back, and is no candidate again', async () => {
      const [message, other] = [offering(1), offering(2)]
      const digits = message.id.slice(0, recallDigits)
      const taken = { outcome: 'none', offers: [], contacts: [], notAfter: 0, recalls: [digits] } as const
      const recall: Decision = { ...message, ...taken, id: 'f'.repeat(32), reason: 'recalled', now: message.now + 9 }
      const late: Decision = { ...recall, id: 'e'.repeat(32), reason: 'sent_after_recall', fates: [] }
      await here.world.addDecisions([message, other, recall])
      const history = await here.world.started(here.options)
      expect(await history.flush(15_000)).toBe(true)
      expect(await numberOf(history, 'SELECT count() FROM decision_candidates')).toBe(4)
      const sql = 'SELECT decision_id, recall_id, offers, toYear(sent_at) AS sent FROM recalled_messages'
      const rowOf = async (): Promise<unknown> => {
        const found = await history.query(sql, 'json')
        return found.kind === 'ok' && JSON.parse(found.text)
      }
      const row = { decision_id: message.id, recall_id: recall.id, offers: message.fates.map(({ offer }) => offer) }
      expect(await rowOf()).toEqual({ ...row, sent: 1970 })
      await here.world.addDecisions([late])
      expect(await history.flush(15_000)).toBe(true)
      expect(await rowOf()).toEqual({ ...row, sent: new Date(message.now).getUTCFullYear() })
    })

    test('outcomes stand beside the decision they name', async () => {
      await here.world.addDecisions([offering(1), offering(2)])
      const common = { source: 'app', customerId: 'customer-1', time: 1_764_000_000_500 }
      const provenance = { via: 'http' as const, consentId: null }
      const accepted = { decisionId: offering(1).id, offerId: 'bundle', placement: 'push_message', channel: null }
      const sent = { decisionId: offering(1).id, channel: 'push', reason: null }
      const stray = { decisionId: 'unheard-of', channel: 'push', reason: null }
      await here.world.addEvents([
        { ...common, id: 'o1', type: 'offer.accepted', provenance, data: accepted },
        { ...common, id: 'o2', type: 'message.sent', provenance, data: sent },
        { ...common, id: 'o3', type: 'message.sent', provenance, data: stray },
      ])
      const history = await here.world.started(here.options)
      expect(await history.flush(15_000)).toBe(true)
      const known = "SELECT count() FROM outcomes WHERE decision_known AND offer = 'bundle' AND channel = 'push'"
      expect(await numberOf(history, known)).toBe(2)
      expect(await numberOf(history, 'SELECT count() FROM outcomes WHERE NOT decision_known')).toBe(1)
      const funnel = await history.query("SELECT * FROM offer_funnel WHERE offer = 'bundle'", 'json')
      expect(funnel.kind === 'ok' && JSON.parse(funnel.text)).toMatchObject({
        offered: 2,
        sent: 1,
        accepted: 1,
        clicked: 0,
      })
    })

    test('any decision and any event come back as they were', async () => {
      const decisions = fc
        .sample(anyDecision, { numRuns: 60, seed: 11 })
        .map((decision, i): Decision => ({ ...decision, id: i.toString(16).padStart(32, '0') }))
      const events = fc
        .sample(anyEvent, { numRuns: 60, seed: 12 })
        // An erasure takes its customer's rows with it, its own too.
        .filter(({ type }) => type !== 'customer.erased')
        .map((event, i) => ({ ...event, id: `${i}-${event.id}`.slice(0, 128) }))
      await here.world.addDecisions(decisions)
      await here.world.addEvents(events)
      const history = await here.world.started(here.options)
      expect(await history.flush(15_000)).toBe(true)
      expect(history.status().undecodable).toBe(0)
      for (const decision of decisions) expect(await history.decision(decision.id)).toEqual(decision)
      for (const event of events) expect(await history.eventOf(event.customerId, event.id)).toEqual(event)
      expect(await history.decision('f'.repeat(32))).toBeNull()
      expect(await history.eventOf('nobody', 'nothing')).toBeNull()
    })

    test('a history process killed in the middle loses nothing and repeats nothing', { timeout: 90_000 }, async () => {
      const history = await here.world.started({ ...here.options, batchRows: 50 })
      await eventually('the process runs', () => history.status().state === 'running')
      for (let round = 0; round < 8; round++) {
        const own = Array.from({ length: 250 }, (_, i) => round * 250 + i)
        await here.world.addEvents(own.map((number) => purchase(number)))
        await here.world.addDecisions(own.map(offering))
        const { pid } = history.status()
        if (round === 3 && pid !== null) process.kill(pid, 'SIGKILL')
      }
      await eventually(
        'it was started again',
        () => history.status().restarts > 0 && history.status().state === 'running',
      )
      // It yields the processor to others, and is a while at 120 small batches.
      expect(await history.flush(60_000)).toBe(true)
      expect(await numberOf(history, 'SELECT count() FROM events')).toBe(2_000)
      expect(await numberOf(history, 'SELECT count() FROM decisions')).toBe(2_000)
    })

    test('a history process that stands still delays no append', async () => {
      const history = await here.world.started(here.options)
      await eventually('the process runs', () => history.status().state === 'running')
      const pid = history.status().pid ?? 0
      process.kill(pid, 'SIGSTOP')
      try {
        const pending = history.query('SELECT 1')
        const done = Promise.all(numbers.map((number) => here.world.addEvents([purchase(number)])))
        const first = await Promise.race([done.then(() => 'appends'), pending.then(() => 'query')])
        if (here.options.url === undefined) expect(first).toBe('appends')
        await done
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      expect(await history.flush(15_000)).toBe(true)
      expect(await numberOf(history, 'SELECT count() FROM events')).toBe(200)
    })

    test('questions can read, within limits, and nothing else', async () => {
      const history = await here.world.started(here.options)
      const refused = async (sql: string) => (await history.query(sql)).kind
      expect(await refused("INSERT INTO events_raw (id) VALUES ('x')")).toBe('refused')
      expect(await refused('DROP TABLE events_raw')).toBe('refused')
      expect(await refused('SELECT * FROM numbers(20000)')).toBe('refused')
      expect(await refused('SELECT * FROM numbers(20000) SETTINGS max_result_rows = 0')).toBe('refused')
      expect(await refused('SET readonly = 0; DROP TABLE events_raw')).toBe('refused')
      expect(await refused('SELECT nonsense')).toBe('refused')
      expect(await refused('BACKUP TABLE events_raw TO Null')).toBe('refused')
      expect(await refused('/* look */ BACKUP TABLE events_raw TO Null')).toBe('refused')
      expect(await refused('SELECT 1; BACKUP TABLE events_raw TO Null')).toBe('refused')
      expect(await refused('KILL QUERY WHERE 1')).toBe('refused')
      expect(await refused('SELECT 1 PARALLEL WITH BACKUP TABLE events_raw TO Null')).toBe('refused')
      expect((await history.query('  (SELECT 1) ;  ')).kind).toBe('ok')
      const answer = await history.query('SELECT {name:String} AS name, {n:UInt8} + 1 AS n', 'json', {
        name: "a'b\t\\",
        n: 7,
      })
      expect(answer).toEqual({ kind: 'ok', text: '{"name":"a\'b\\t\\\\","n":8}\n' })
      expect(await history.query('SELECT 1 AS a FORMAT CSV', 'table')).toEqual({ kind: 'ok', text: '1\n' })
    })
  })
}
