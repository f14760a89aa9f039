/** What every history promises of how offers are spread, whichever ClickHouse keeps it: answers worked out by hand. */
import { describe, expect, test } from 'vitest'
import type { Decision } from '../../sinks/decision.ts'
import type { History } from '../../sinks/history/start-history.ts'
import { offering } from '../sinks/history/history-world.ts'
import { type HistoryTarget, worldOfEachTest } from './history-target.ts'

const dayMs = 86_400_000
const newest = Date.UTC(2026, 2, 31)

export function historyDistribution(name: string, target: HistoryTarget): void {
  describe(`distribution in ${name}`, { timeout: 90_000 }, () => {
    const here = worldOfEachTest(target)

    const rows = async (history: History, sql: string): Promise<readonly unknown[]> => {
      const answer = await history.query(sql, 'csv')
      if (answer.kind !== 'ok') throw new Error(answer.message)
      return answer.text
        .split('\n')
        .filter((line) => line !== '')
        .slice(1)
    }

    test('offers by category, customers without any, and the Gini coefficient over groups', {
      timeout: 60_000,
    }, async () => {
      let number = 0
      const decided = (
        customerId: string,
        offers: readonly string[],
        tier: number | null,
        more: Partial<Decision> = {},
      ): Decision => {
        const one = offering(number++)
        const [score] = one.offers
        const [lo, hi] = tier === null ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : [tier, tier]
        return {
          ...one,
          ...{ customerId, now: newest - dayMs, outcome: offers.length > 0 ? 'offered' : 'fallback' },
          cause: { kind: 'request', id: `r${number}`, source: '', type: '' },
          offers: offers.map((offer) => ({ offer, score: score?.score ?? 0 })),
          features: [{ name: 'profile.tier', lo, hi, class: 'exact' }],
          ...{ reason: offers.length > 0 ? 'offered' : 'all_dropped' },
          ...more,
        }
      }
      // Of tier 0: two customers, four offers, so 2 each. Of tier 1: two customers, none. Of those unknown: one, with one.
      await here.world.addDecisions([
        decided('a', ['loan', 'fund'], 0),
        decided('a', ['loan'], 0),
        decided('b', ['loan'], 1, { now: newest - 2 * dayMs }),
        decided('b', [], 0, { now: newest }),
        decided('c', [], 1),
        decided('d', [], 1),
        decided('d', [], 1, { reason: 'cold_start' }),
        decided('d', [], 1, { reason: 'cold_start' }),
        decided('e', ['fund'], null),
        // Before the days that are asked about.
        decided('f', ['loan'], 0, { now: newest - 8 * dayMs }),
      ])
      const history = await here.world.started(here.options)
      expect(await history.flush(60_000)).toBe(true)
      expect(await rows(history, 'SELECT offer, made, customers FROM offers_made(days = 7)')).toEqual([
        '"fund",2,2',
        '"loan",3,2',
      ])
      expect(await rows(history, 'SELECT * FROM customers_without_offers(days = 7)')).toEqual([
        '"c",1,"all_dropped"',
        '"d",3,"cold_start"',
      ])
      const groups = "offers_by_group(days = 7, attribute = 'profile.tier')"
      expect(await rows(history, `SELECT value, customers, offers, per_customer FROM ${groups}`)).toEqual([
        '"0",2,4,2',
        '"1",2,0,0',
        '"unknown",1,1,1',
      ])
      // 2 * (2*2*2 + 2*1*1 + 2*1*1) = 24 over 2 * 5 customers * 5 offers.
      const gini = "offers_gini(days = 7, attribute = 'profile.tier')"
      expect(await rows(history, `SELECT groups, customers, offers, round(gini, 6) FROM ${gini}`)).toEqual([
        '3,5,5,0.48',
      ])
      expect(await rows(history, "SELECT * FROM offers_gini(days = 7, attribute = 'profile.age')")).toEqual([])
    })
  })
}
