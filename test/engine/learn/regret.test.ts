/**
 * The loop as it runs: live requests through the step draw propensities, outcomes come late, a new table is learned from those
 * whose window is over, the next requests draw from it. Simulated arms have rates that we know, so that regret can be counted:
 * for each request the best rate there is less the rate of what was offered.
 */
import { describe, expect, test } from 'vitest'
import { type LearnedCell, learnedOf } from '../../../rules/learned-table.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { createBank, day0 } from '../step/bank.ts'
import { loadBank, bank as pieces } from '../step/bank-pack.ts'
import { seeded } from './seeded.ts'

const rates: Readonly<Record<string, number>> = { arm0: 0.05, arm1: 0.1, arm2: 0.15, arm3: 0.2, arm4: 0.4 }
const arms = Object.keys(rates)
const best = 0.4
const rounds = 6_000
/** Requests between two tables, and until an outcome is known. */
const refreshEvery = 200
const delay = 400

async function bandit(names: readonly string[]): Promise<LoadedPack> {
  const [template] = pieces.offers
  const offers = names.map((id) => ({
    ...template,
    id,
    category: 'news',
    value: 1,
    propensity: { learned: { model: 'banners', prior: [1, 1], floor: 0.01 } },
  }))
  const fallbacks = pieces.offers.filter(({ id }) => ['welcome-banner', 'inbox-hello'].includes(id))
  return loadBank({
    offers: [...offers, ...fallbacks],
    triggers: [],
    models: [{ id: 'banners', outcome: 'offer.clicked', window: '1h' }],
    arbitration: { ...pieces.arbitration, nothing: 0 },
    guardrails: pieces.guardrails.filter(({ id }) => id === 'lawful-data-only' || id === 'sms-needs-consent'),
    pack: { ...pieces.pack, categories: pieces.pack.categories.map(({ id }) => ({ id, guardedBy: [] })) },
  })
}

type Run = { readonly regret: readonly number[]; readonly shown: readonly string[] }

/** @param joins how many rounds have passed when an arm comes in that was not there before */
async function play(joins: Readonly<Record<string, number>> = {}): Promise<Run> {
  const outcome = seeded(7)
  const waiting: { readonly arm: string; readonly won: boolean; readonly knownAt: number }[] = []
  const counts = new Map<string, { successes: number; failures: number }>()
  const regret: number[] = []
  const shown: string[] = []
  let bank = createBank(await bandit(arms.filter((arm) => (joins[arm] ?? 0) === 0)))
  for (let round = 0; round < rounds; round++) {
    while ((waiting[0]?.knownAt ?? rounds) <= round) {
      const { arm, won } = waiting.shift() ?? { arm: '', won: false }
      const count = counts.get(arm) ?? { successes: 0, failures: 0 }
      counts.set(arm, { successes: count.successes + (won ? 1 : 0), failures: count.failures + (won ? 0 : 1) })
    }
    if (round > 0 && round % refreshEvery === 0) {
      const cells: LearnedCell[] = [...counts].map(([offer, count]) => ({
        model: 'banners',
        offer,
        segment: 'all',
        ...count,
      }))
      const table = learnedOf({ format: 'proffer-learned-1', asOf: round, packHash: '', cells, fatigue: [] })
      bank = createBank(await bandit(arms.filter((arm) => (joins[arm] ?? 0) <= round)), undefined, {}, table)
    }
    const { decision } = bank.ask('c', 'home-banner', { at: day0 + round, requestId: `r${round}` })
    const arm = decision.offers[0]?.offer ?? ''
    const rate = rates[arm] ?? 0
    shown.push(arm)
    regret.push(best - rate)
    waiting.push({ arm, won: outcome() < rate, knownAt: round + delay })
  }
  return { regret, shown }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe('five arms', async () => {
  const { regret, shown } = await play()

  test('the regret stays below the root of arms x rounds x log rounds', () => {
    // The order that Agrawal and Goyal 2013 (Further optimal regret bounds for Thompson sampling, theorem 2) prove, with constant 1.
    const bound = Math.sqrt(arms.length * rounds * Math.log(rounds))
    expect(sum(regret)).toBeLessThan(bound)
    // Choosing without learning would break it.
    const uniform = rounds * (best - sum(Object.values(rates)) / arms.length)
    expect(uniform).toBeGreaterThan(2 * bound)
  })

  test('the best arm is what is shown in the end, and the others are still tried at first', () => {
    const share = (list: readonly string[], arm: string) => list.filter((one) => one === arm).length / list.length
    expect(share(shown.slice(-1_000), 'arm4')).toBeGreaterThan(0.97)
    for (const arm of arms) expect(share(shown.slice(0, delay), arm)).toBeGreaterThan(0.1)
    expect(sum(regret.slice(-1_000))).toBeLessThan(sum(regret.slice(0, 1_000)) / 5)
  })
})

test('an arm that comes in later, and is better, is found', async () => {
  const { shown } = await play({ arm4: 3_000 })
  expect(shown.slice(0, 3_000)).not.toContain('arm4')
  expect(shown.slice(2_500, 3_000).filter((arm) => arm === 'arm3').length).toBeGreaterThan(250)
  expect(shown.slice(-1_000).filter((arm) => arm === 'arm4').length).toBeGreaterThan(900)
})
