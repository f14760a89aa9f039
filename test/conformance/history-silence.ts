/**
 * What every history promises of silence, whichever ClickHouse keeps it: each hit of a trigger is an occasion, counted once, made or
 * withheld for one reason, as the engine itself counts them; and outcomes know whether they came too late.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { occasionsOf } from '../../engine/shard/occasions.ts'
import type { Decision, Fate } from '../../sinks/decision.ts'
import type { History } from '../../sinks/history/start-history.ts'
import { createBank } from '../engine/step/bank.ts'
import { facts, live, quietBank } from '../engine/step/retail-customers.ts'
import { numberOf, offering } from '../sinks/history/history-world.ts'
import { type HistoryTarget, worldOfEachTest } from './history-target.ts'

const occasion = z.object({
  ...{ decision_id: z.string(), trigger: z.string(), offer: z.string(), stage: z.string(), reason: z.string() },
  ...{ made: z.coerce.boolean(), released: z.coerce.boolean() },
})
const silence = z.object({
  ...{ day: z.string(), placement: z.string(), channel: z.string(), reason: z.string() },
  ...{ withheld: z.coerce.number(), customers: z.coerce.number() },
})

const fate = (trigger: string | null, stage: Fate['stage'], reason: string, score = 0): Fate => ({
  ...{ offer: `${reason}-${score}`, trigger, stage, reason, rule: null, score, learned: null },
  ...{ propensity: 0, context: 0, value: 0, lever: 0, possibleAt: 0 },
})

export function historySilence(name: string, target: HistoryTarget): void {
  describe(`silence in ${name}`, { timeout: 90_000 }, () => {
    const here = worldOfEachTest(target)

    async function rows<T>(history: History, sql: string, row: z.ZodType<T>): Promise<readonly T[]> {
      const answer = await history.query(sql, 'json')
      if (answer.kind !== 'ok') throw new Error(answer.message)
      const lines = answer.text.split('\n').filter((line) => line !== '')
      return lines.map((line) => row.parse(JSON.parse(line)))
    }
    async function historyOf(decisions: readonly Decision[]): Promise<History> {
      await here.world.addDecisions(decisions)
      const history = await here.world.started(here.options)
      expect(await history.flush(60_000)).toBe(true)
      return history
    }
    const silenceIn = (history: History) =>
      rows(history, 'SELECT * FROM silence_by_reason ORDER BY day, placement, channel, reason', silence)

    test('the reason is that of the candidate that came furthest, and requests and repeats count nothing', async () => {
      const at = Date.UTC(2026, 2, 1, 23, 59, 59, 999)
      const decisions = [
        // Furthest wins, then the score, then the first of the record.
        [fate('a', 'guardrail', 'bereavement', 5), fate('a', 'contact', 'cap_reached')],
        [fate('a', 'arbitration', 'lost_arbitration', 1), fate('a', 'arbitration', 'below_nothing', 2)],
        [fate('a', 'contact', 'paused', 1), fate('a', 'contact', 'gap_not_over', 1)],
        // What does not fit a placement never entered the funnel.
        [fate('a', 'placement', 'channel_mismatch'), fate('a', 'eligibility', 'not_eligible')],
        // Another trigger's offer left.
        [fate('a', 'offered', 'offered', 3), fate('b', 'arbitration', 'lost_arbitration', 2)],
        // An app asked: nobody would have been written to.
        [fate(null, 'guardrail', 'illness')],
      ].map((fates, i): Decision => ({ ...offering(i), customerId: `c${i % 2}`, now: at, fates }))
      const history = await historyOf([...decisions, ...decisions])
      const withheld = await silenceIn(history)
      expect(withheld.map(({ reason, withheld: count }) => [reason, count])).toEqual([
        ['below_nothing', 1],
        ['cap_reached', 1],
        ['lost_arbitration', 1],
        ['not_eligible', 1],
        ['paused', 1],
      ])
      for (const { day, placement, channel } of withheld)
        expect([day, placement, channel]).toEqual(['2026-03-01', offering(0).placement, offering(0).channel])
      expect(await numberOf(history, 'SELECT count() FROM contact_occasions WHERE made')).toBe(1)
    })

    test('contacts are counted, and customers once', async () => {
      const fates = [fate('a', 'contact', 'cap_reached'), fate('b', 'contact', 'cap_reached')]
      const decisions = [0, 1, 2].map((i): Decision => ({ ...offering(i), customerId: `c${i % 2}`, fates }))
      const [row] = await silenceIn(await historyOf(decisions))
      expect(row).toMatchObject({ reason: 'cap_reached', withheld: 6, customers: 2 })
    })

    test('of many customers the views say what the engine counted: made and withheld are all occasions', {
      timeout: 120_000,
    }, async () => {
      const decisions: Decision[] = []
      for (const [i, who] of fc.sample(facts, { numRuns: 60, seed: 8 }).entries()) {
        const bank = createBank(quietBank)
        const send: typeof bank.send = (...asked) => {
          const outcome = bank.send(...asked)
          decisions.push(...outcome.decisions.map((one) => ({ ...one, id: `${i}-${one.id}`.slice(0, 32) })))
          return outcome
        }
        live({ ...bank, send }, who, `C${i}`)
        const due = bank.states.nextDue(bank.slot(`C${i}`))
        if (Number.isFinite(due) && due > 0) decisions.push(...bank.wake(`C${i}`, due))
      }
      const expected = decisions.flatMap((one) =>
        occasionsOf(one).map(({ trigger, best }) => ({
          ...{ decision_id: one.id, trigger, offer: best.offer, stage: best.stage, reason: best.reason },
          ...{ made: best.stage === 'offered', released: one.cause.type === 'hold.released' },
        })),
      )
      const history = await historyOf(decisions)
      const columns = 'decision_id, `trigger`, offer, stage, reason, made, released'
      const found = await rows(history, `SELECT ${columns} FROM contact_occasions`, occasion)
      const sorted = (list: readonly object[]) => list.map((one) => JSON.stringify(one)).sort()
      expect(sorted(found)).toEqual(sorted(expected))
      expect(expected.filter(({ released }) => released).length).toBeGreaterThan(0)
      const counts = await silenceIn(history)
      expect(counts.reduce((sum, { withheld }) => sum + withheld, 0)).toBe(expected.filter(({ made }) => !made).length)
      expect(new Set(counts.map(({ reason }) => reason)).size).toBeGreaterThan(3)
    })

    test('an acceptance behind the end of its offer is told apart from one in time', async () => {
      const decision = { ...offering(1), notAfter: 1_764_000_100_000 }
      const acceptance = (id: string, time: number) => ({
        ...{ id, source: 'app', type: 'offer.accepted', customerId: decision.customerId, time },
        provenance: { via: 'http' as const, consentId: null },
        data: { decisionId: decision.id, offerId: 'bundle', placement: 'push_message', channel: null },
      })
      const { notAfter } = decision
      // A device whose clock is a day ahead says so in time.
      await here.world.place([acceptance('ahead', notAfter + 86_400_000)], { at: notAfter - 1 })
      await here.world.place([acceptance('in time', notAfter), acceptance('late', notAfter + 1)], { at: notAfter + 9 })
      const history = await historyOf([decision])
      const late = (after: boolean) =>
        numberOf(history, `SELECT count() FROM outcomes WHERE decision_known AND after_expiry = ${after}`)
      expect([await late(false), await late(true)]).toEqual([2, 1])
    })
  })
}
