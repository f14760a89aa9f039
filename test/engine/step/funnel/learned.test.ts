/** A learned propensity is drawn from the counts of its table, by segment, hashed from the decision; the record says from which. */
import { describe, expect, test } from 'vitest'
import { explainDecision } from '../../../../engine/explain/explain-decision.ts'
import { type LearnedCell, learnedOf } from '../../../../rules/learned-table.ts'
import type { Decision } from '../../../../sinks/decision.ts'
import { type Bank, createBank, day0, settle } from '../bank.ts'
import { loadBank, bank as pieces } from '../bank-pack.ts'

const at = day0 + 1
const models = [{ id: 'banners', outcome: 'offer.accepted', window: '7d' }]

function packWith(learned: object) {
  const offers = pieces.offers.map((offer) =>
    offer.id === 'study-loan' ? { ...offer, propensity: { learned: { model: 'banners', ...learned } } } : offer,
  )
  return loadBank({ offers, models })
}

function tableOf(...cells: readonly LearnedCell[]) {
  return learnedOf({ format: 'proffer-learned-1', asOf: 0, packHash: '', cells, fatigue: [] })
}

const cell = (segment: string, successes: number, failures: number): LearnedCell => ({
  model: 'banners',
  offer: 'study-loan',
  segment,
  successes,
  failures,
})

function fateIn(decision: Decision) {
  const fate = decision.fates.find(({ offer }) => offer === 'study-loan')
  if (fate === undefined) throw new Error('the study loan is a candidate')
  return fate
}

function propensities(bank: Bank, customer: string, count = 400): readonly number[] {
  return Array.from({ length: count }, (_, i) => {
    const { decision } = bank.ask(customer, 'home-banner', { at, requestId: `r${i}` })
    return fateIn(decision).propensity
  })
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('without a table', async () => {
  const pack = await packWith({ prior: [2, 8] })

  test('a propensity is drawn from the prior of the pack', () => {
    const drawn = propensities(createBank(pack), 'c')
    expect(new Set(drawn).size).toBe(drawn.length)
    expect(mean(drawn)).toBeCloseTo(0.2, 1)
    expect(Math.max(...drawn)).toBeGreaterThan(0.35)
  })

  test('the record says for what it was drawn, and that there was no table', () => {
    const { decision } = createBank(pack).ask('c', 'home-banner', { at })
    expect(fateIn(decision).learned).toBe('banners/all')
    expect(decision.modelHash).toBe('')
    expect(decision.fates.filter(({ offer }) => offer !== 'study-loan').every(({ learned }) => learned === null)).toBe(
      true,
    )
  })

  test('a decision that is made again draws the same, on every node', () => {
    expect(propensities(createBank(pack), 'c')).toEqual(propensities(createBank(pack), 'c'))
    expect(propensities(createBank(pack), 'c')).not.toEqual(propensities(createBank(pack), 'd'))
  })
})

describe('with a table', async () => {
  const segmented = await packWith({ prior: [1, 1], segment: 'profile.riskGrade' })
  const table = tableOf(cell('balanced', 3_000, 1_000), cell('unknown', 100, 9_900))

  test('each segment is drawn from its own counts', () => {
    const bank = createBank(segmented, undefined, {}, table)
    settle(bank, 'settled', day0)
    const { decision } = bank.ask('settled', 'home-banner', { at })
    expect(fateIn(decision).learned).toBe('banners/balanced')
    expect(mean(propensities(bank, 'settled'))).toBeCloseTo(0.75, 2)
    expect(fateIn(bank.ask('stranger', 'home-banner', { at }).decision).learned).toBe('banners/unknown')
    expect(mean(propensities(bank, 'stranger'))).toBeCloseTo(0.01, 2)
  })

  test('a decision carries its hash, and the explanation says what was drawn for', () => {
    const bank = createBank(segmented, undefined, {}, table)
    settle(bank, 'c', day0)
    const { decision } = bank.ask('c', 'home-banner', { at, count: 3 })
    expect(decision.modelHash).toBe(table.hash)
    expect(decision.modelHash).toMatch(/^[0-9a-f]{64}$/)
    const only = { ...decision, offers: [{ offer: 'study-loan', score: 1 }] }
    const fates = [{ ...fateIn(decision), stage: 'offered' as const, reason: 'offered' }]
    const words = explainDecision({ ...only, fates }, segmented, 'en').join('\n')
    expect(words).toContain('drawn from what is learned for banners/balanced')
  })

  test('a condition makes the segments true, false and unknown', async () => {
    const pack = await packWith({ segment: 'profile.student' })
    const bank = createBank(pack)
    settle(bank, 'no', day0)
    settle(bank, 'yes', day0)
    bank.send('yes', 'profile.updated', { studentStatus: true }, { at: day0 + 1 })
    const segments = ['yes', 'no', 'stranger'].map(
      (who) => fateIn(bank.ask(who, 'home-banner', { at }).decision).learned,
    )
    expect(segments).toEqual(['banners/true', 'banners/false', 'banners/unknown'])
  })
})

test('no draw is below the floor, so that what looks hopeless still has its chance', async () => {
  const pack = await packWith({ floor: 0.05 })
  const bank = createBank(pack, undefined, {}, tableOf(cell('all', 0, 100_000)))
  expect(new Set(propensities(bank, 'c', 50))).toEqual(new Set([0.05]))
})

test('cells of another model, offer or segment count for nothing', async () => {
  const pack = await packWith({ prior: [1, 99], floor: 0 })
  const cells = [
    { ...cell('all', 9_000, 0), model: 'other' },
    { ...cell('all', 9_000, 0), offer: 'beauty-loan' },
    cell('balanced', 9_000, 0),
  ]
  expect(mean(propensities(createBank(pack, undefined, {}, tableOf(...cells)), 'c'))).toBeLessThan(0.02)
})
