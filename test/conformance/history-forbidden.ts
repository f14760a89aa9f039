/**
 * What every history promises of `forbidden_decisions`, whichever ClickHouse keeps it: empty for whatever the engine lets out,
 * and every decision in it that left although the rules of its pack forbade it.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { packFactsOf } from '../../engine/pack-facts.ts'
import type { Event, FieldValue } from '../../ingest/event.ts'
import { createRecordSignature } from '../../ingest/record-signature.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { PackStart } from '../../sinks/history/pack-facts.ts'
import type { History, HistoryOptions } from '../../sinks/history/start-history.ts'
import { createBank, dayMs } from '../engine/step/bank.ts'
import { without } from '../engine/step/funnel/stage-variants.ts'
import { at, facts, leaksOf, live, retailBank } from '../engine/step/retail-customers.ts'
import { testErasure } from '../sinks/history/history-world.ts'
import { type HistoryTarget, worldOfEachTest } from './history-target.ts'

const pack: PackStart = { facts: packFactsOf(retailBank.model, retailBank.hash), since: 0 }
const minute = 60_000
const row = z.object({ decision_id: z.string(), offer: z.string(), why: z.string(), guardrail: z.string() })
type Row = z.infer<typeof row>

let serial = 0
const eventAt = (
  time: number,
  type: string,
  data: Readonly<Record<string, FieldValue>>,
  customerId = 'anna',
): Event => ({
  ...{ id: `planted-${++serial}`, source: 'crm', type, customerId, time },
  provenance: { via: 'http', consentId: null },
  data,
})
const life = (time: number, kind: string, resolved = false) =>
  eventAt(time, 'life_event.reported', { kind, resolved, occurredAt: null })

/** All that a decision recorded of somebody to whom everything may be offered. */
const fine: Readonly<Record<string, number>> = {
  'profile.employmentStatus': 0,
  'profile.studentStatus': 0,
  'profile.age': 38,
  'profile.riskGrade': 2,
  'profile.totalAssets': 150_000_00,
  'profile.pushConsent': 1,
  'source.lawful': 1,
  penalty_interest_90d: 0,
}
const unknown = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const

/** A decision written by hand: an answer to the app of somebody who is fine, unless said otherwise. */
function planted(
  offer: string,
  more: Partial<Decision> & { readonly known?: Readonly<Record<string, readonly [number, number]>> } = {},
): Decision {
  const { known = {}, ...fields } = more
  const now = fields.now ?? at
  const values = {
    ...Object.fromEntries(Object.entries(fine).map(([name, value]) => [name, [value, value] as const])),
    ...known,
  }
  const terms = { propensity: 1, context: 1, value: 1, lever: 1, score: 1, possibleAt: 0, learned: null }
  return {
    ...{
      id: (++serial).toString(16).padStart(32, '0'),
      customerId: 'anna',
      placement: 'app_offers',
      channel: 'in_app',
    },
    cause: { kind: 'request', id: `r-${serial}`, source: '', type: '' },
    ...{ packHash: retailBank.hash, eventTime: now, acceptedAt: now, now, notAfter: now + dayMs },
    ...{ outcome: 'offered', reason: 'offered', offers: [{ offer, score: 1 }] },
    fates: [{ ...terms, offer, trigger: null, stage: 'offered', reason: 'offered', rule: null }],
    features: Object.entries(values).map(([name, [lo, hi]]) => ({
      name,
      lo,
      hi,
      class: lo === hi ? 'exact' : 'unknown',
    })),
    contacts: [],
    ...{
      confirmBy: 0,
      held: [],
      nothing: 0,
      modelHash: '',
      holdouts: [],
      recalls: [],
      stock: [],
      origins: [],
      prices: [],
    },
    ...fields,
  }
}

export function historyForbidden(name: string, target: HistoryTarget): void {
  describe(`forbidden decisions in ${name}`, { timeout: 90_000 }, () => {
    const here = worldOfEachTest(target)

    async function listed(history: History): Promise<readonly Row[]> {
      expect(await history.flush(15_000)).toBe(true)
      const answer = await history.query(
        'SELECT * FROM forbidden_decisions ORDER BY decided_at, offer, why, guardrail',
        'json',
      )
      if (answer.kind !== 'ok') throw new Error(answer.message)
      return answer.text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => row.parse(JSON.parse(line)))
    }
    /** What is listed of these events, accepted at their times, and decisions. */
    async function judged(
      events: readonly Event[],
      decisions: readonly Decision[],
      options: Partial<HistoryOptions> = {},
    ) {
      for (const event of [...events].sort((a, b) => a.time - b.time))
        await here.world.place([event], { at: event.time })
      await here.world.addDecisions(decisions)
      const history = await here.world.started({ ...here.options, pack, ...options })
      const rows = await listed(history)
      return decisions.map(({ id }) =>
        rows.filter(({ decision_id }) => decision_id === id).map(({ why, guardrail }) => `${why} ${guardrail}`.trim()),
      )
    }
    const jobLoss = 'suppression no-credit-after-job-loss'

    test('credit after the loss of a job is listed, from when it must have been heard of until it is over', async () => {
      const caused = (now: number): Partial<Decision> => ({
        cause: { kind: 'event', id: 'a view', source: 'mobile-app', type: 'page.viewed' },
        ...{ placement: 'push_message', channel: 'push', now, acceptedAt: now, eventTime: now },
      })
      const found = await judged(
        [
          life(at, 'unemployment'),
          life(at + 10 * minute, 'unemployment', true),
          life(at + 20 * minute, 'unemployment'),
        ],
        [
          planted('consumer_loan', { now: at - 1, acceptedAt: at - 1 }),
          planted('consumer_loan', { now: at + minute - 1 }),
          planted('consumer_loan', { now: at + minute }),
          planted('consumer_loan', caused(at)),
          planted('consumer_loan', caused(at + 1)),
          planted('consumer_loan', { now: at + 11 * minute }),
          planted('consumer_loan', { now: at + 21 * minute }),
          planted('consumer_loan', { now: at + 20 * minute + 180 * dayMs - 1 }),
          planted('consumer_loan', { now: at + 20 * minute + 180 * dayMs }),
          planted('hardship_help', { now: at + 5 * minute }),
          planted('fx_wallet', { now: at + 5 * minute }),
          planted('consumer_loan', { now: at + 5 * minute, customerId: 'ben' }),
        ],
      )
      expect(found).toEqual([[], [], [jobLoss], [], [jobLoss], [], [jobLoss], [jobLoss], [], [], [], []])
    })

    test('beside them stands by which channels the offers of a category reach customers', async () => {
      const push = { channel: 'push', placement: 'push_message' }
      await here.world.addDecisions([
        planted('fx_wallet', push),
        planted('fx_wallet', { ...push, customerId: 'ben' }),
        planted('fx_wallet', push),
        planted('fx_wallet'),
        planted('fx_wallet', { outcome: 'fallback' }),
        planted('fx_wallet', { ...push, now: at + dayMs }),
        planted('hardship_help', push),
      ])
      const history = await here.world.started({ ...here.options, pack })
      expect(await history.flush(15_000)).toBe(true)
      const sql =
        "SELECT channel, offers, customers, share FROM channel_mix WHERE category = 'foreign_exchange' ORDER BY day, channel"
      const answer = await history.query(sql, 'json')
      const rows = answer.kind === 'ok' ? answer.text.split('\n').filter((line) => line !== '') : []
      expect(rows.map((line) => JSON.parse(line))).toEqual([
        { channel: 'in_app', offers: 1, customers: 1, share: 0.25 },
        { channel: 'push', offers: 3, customers: 2, share: 0.75 },
        { channel: 'push', offers: 1, customers: 1, share: 1 },
      ])
    })

    test('an event that forbids its own offer is held against the decision it caused', async () => {
      const lost = life(at, 'unemployment')
      const cause = { kind: 'event', id: lost.id, source: lost.source, type: lost.type } as const
      expect(await judged([lost], [planted('consumer_loan', { cause })])).toEqual([[jobLoss]])
    })

    test('an offer against what the decision itself recorded is listed, unknown included', async () => {
      const found = await judged(
        [],
        [
          planted('consumer_loan'),
          planted('consumer_loan', { known: { 'profile.studentStatus': unknown } }),
          planted('consumer_loan', { known: { 'profile.employmentStatus': [4, 4] } }),
          planted('consumer_loan', { known: { 'profile.age': [17, 17] } }),
          planted('consumer_loan', { known: { 'profile.age': [126, 126] } }),
          planted('consumer_loan', { known: { penalty_interest_90d: [0, 3] } }),
          planted('fx_wallet', { known: { 'profile.studentStatus': unknown } }),
          planted('fx_wallet', {
            channel: 'push',
            placement: 'push_message',
            known: { 'profile.pushConsent': unknown },
          }),
          planted('fx_wallet', { known: { 'source.lawful': [0, 0] } }),
          planted('wealth_r4_equity'),
          planted('wealth_r1_deposit', { known: { 'profile.riskGrade': unknown } }),
          planted('wealth_r2_bonds', { known: { 'profile.riskGrade': unknown } }),
        ],
      )
      expect(found).toEqual([
        [],
        ['condition no-consumer-credit-for-students'],
        ['condition no-consumer-credit-for-students'],
        ['condition nothing-binding-for-minors'],
        ['condition nothing-binding-for-minors'],
        ['condition no-credit-while-overdrawn'],
        [],
        ['condition no-push-marketing-without-consent'],
        ['condition no-offer-from-unlawful-data'],
        ['suitability'],
        [],
        ['suitability'],
      ])
    })

    test('an offer that left although its own record dropped it is listed', async () => {
      const dropped = planted('fx_wallet')
      const fates = dropped.fates.map((fate) => ({ ...fate, stage: 'guardrail' as const, reason: 'bereavement' }))
      expect(await judged([], [{ ...dropped, fates }])).toEqual([['dropped']])
    })

    test('what a role has opened is not listed, for as long as it has', async () => {
      const given = (time: number, more: Readonly<Record<string, FieldValue>> = {}) =>
        eventAt(time, 'guardrail.overridden', {
          ...{ guardrail: 'no-credit-during-illness', role: 'compliance', by: 'colleague-7', reason: 'asked' },
          ...{ until: at + 2 * dayMs, revoked: false, ...more },
        })
      const offered = (now: number) => planted('consumer_loan', { now })
      const ill = ['suppression no-credit-during-illness']
      const found = await judged(
        [
          life(at, 'illness'),
          given(at + dayMs),
          given(at + 3 * dayMs, { role: 'adviser', until: at + 9 * dayMs }),
          given(at + 4 * dayMs, { until: at + 99 * dayMs }),
        ],
        [
          offered(at + 3_600_000),
          offered(at + dayMs + minute),
          offered(at + 2 * dayMs),
          offered(at + 3 * dayMs + minute),
          offered(at + 5 * dayMs),
        ],
      )
      expect(found).toEqual([ill, [], ill, ill, ill])
    })

    test('an override ends with what takes it back, and with another illness', async () => {
      const given = (time: number, revoked = false) =>
        eventAt(time, 'guardrail.overridden', {
          ...{ guardrail: 'no-credit-during-illness', role: 'compliance', by: 'colleague-7', reason: 'asked' },
          ...{ until: at + 9 * dayMs, revoked },
        })
      const offered = (now: number) => planted('consumer_loan', { now })
      const ill = ['suppression no-credit-during-illness']
      const found = await judged(
        [
          life(at, 'illness'),
          given(at + 1_000),
          given(at + dayMs, true),
          given(at + 2 * dayMs),
          life(at + 3 * dayMs, 'illness'),
        ],
        [
          offered(at + 2 * minute),
          offered(at + dayMs + 2 * minute),
          offered(at + 2 * dayMs + minute),
          offered(at + 3 * dayMs + 2 * minute),
        ],
      )
      expect(found).toEqual([[], ill, [], ill])
    })

    test('what an allow of the pack opens is not listed, when it must have held', async () => {
      const dispute = eventAt(at, 'complaint.updated', { kind: 'dispute', resolved: false, openCases: 1, caseId: null })
      const now = at + 2 * minute
      const poor = { 'profile.totalAssets': [9_999_999, 9_999_999] } as const
      const found = await judged(
        [dispute],
        [
          planted('wealth_r1_deposit', { now }),
          planted('wealth_r1_deposit', { now, known: poor }),
          planted('wealth_r1_deposit', { now, known: { 'profile.totalAssets': unknown } }),
          planted('fx_wallet', { now }),
        ],
      )
      const open = ['suppression no-marketing-while-a-dispute-is-open']
      expect(found).toEqual([[], open, open, open])
    })

    test('what did not come through our own door is held against nothing, where only it may say so', async () => {
      const objection = eventAt(at, 'consent.updated', { channel: 'all', granted: false, purpose: 'marketing' })
      const signature = createRecordSignature(Buffer.alloc(32, 7))
      const erasure = { ...testErasure, signingSecret: Buffer.alloc(32, 7) }
      await here.world.place([objection], { at })
      await here.world.place([{ ...objection, customerId: 'ben', id: 'signed' }], { at, sign: signature.sign })
      const now = at + 2 * minute
      const decisions = [planted('fx_wallet', { now }), planted('fx_wallet', { now, customerId: 'ben' })]
      const found = await judged([], decisions, { erasure })
      expect(found).toEqual([[], ['suppression no-marketing-for-who-does-not-want-it']])
    })

    test('what happened under a pack without the rule is held against nothing; a rule that stays keeps its past', async () => {
      const older: PackStart = {
        since: 0,
        facts: {
          ...pack.facts,
          packHash: 'older',
          suppressions: pack.facts.suppressions.filter(({ guardrail }) => guardrail !== 'no-credit-during-illness'),
        },
      }
      const before = await here.world.started({ ...here.options, pack: older })
      expect(await before.flush(15_000)).toBe(true)
      await before.stop(3_000)
      const found = await judged(
        [life(at, 'illness'), life(at, 'divorce')],
        [planted('consumer_loan', { now: at + dayMs })],
        { pack: { ...pack, since: at + 3_600_000 } },
      )
      expect(found).toEqual([['suppression no-credit-after-divorce']])
    })

    /** Days before the end of a trouble are not told to the oracle, so here nothing ends early. */
    const lives = fc
      .sample(facts, { numRuns: 160, seed: 21 })
      .filter(({ trouble }) => Object.values(trouble).every((ago) => ago === null || ago > 0))

    async function live160(stages: Parameters<typeof without>[0], gate: 'asks' | 'none') {
      const events: Event[] = []
      const bank = createBank(retailBank, without(stages), { gate, onEvent: (event) => events.push(event) })
      const leaks = new Set<string>()
      const decisions: Decision[] = []
      for (const [i, who] of lives.entries()) {
        const made = live(bank, who, `customer-${i}`)
        decisions.push(...made)
        for (const { decision, offer } of leaksOf(made, who)) leaks.add(`${decision} ${offer}`)
      }
      for (const event of events.sort((a, b) => a.time - b.time)) await here.world.place([event], { at: event.time })
      await here.world.addDecisions(decisions)
      const rows = await listed(await here.world.started({ ...here.options, pack }))
      const found = new Set(rows.map(({ decision_id, offer }) => `${decision_id} ${offer}`))
      return { leaks: [...leaks].sort(), rows: [...found].sort() }
    }

    test('of what the engine let out to many customers nothing is listed', { timeout: 120_000 }, async () => {
      const { leaks, rows } = await live160([], 'asks')
      expect([leaks, rows]).toEqual([[], []])
    })

    test('of what leaked through an engine without guardrails and gate everything is listed, and nothing else', {
      timeout: 120_000,
    }, async () => {
      const { leaks, rows } = await live160(['guardrail', 'suitability'], 'none')
      expect(leaks.length).toBeGreaterThan(50)
      expect(rows).toEqual(leaks)
    })
  })
}
