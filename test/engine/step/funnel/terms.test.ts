/** The score is a product of bounded terms, each in the record; a scoring system's word holds as long as it says. */
import { describe, expect, test } from 'vitest'
import { explainDecision } from '../../../../engine/explain/explain-decision.ts'
import type { Decision } from '../../../../sinks/decision.ts'
import { type Bank, createBank, day0, dayMs, settle } from '../bank.ts'
import { loadBank, bank as pieces } from '../bank-pack.ts'

const at = day0 + 10 * dayMs
const hour = 3_600_000

type Terms = { readonly [name in 'propensity' | 'context' | 'value' | 'lever']?: unknown }

/** The bank with the terms of the study loan replaced. */
async function bankWith(terms: Terms, bounds?: unknown): Promise<Bank> {
  const offers = pieces.offers.map((offer) => (offer.id === 'study-loan' ? { ...offer, ...terms } : offer))
  const scored = {
    id: 'score',
    type: 'double',
    validFor: '30d',
    setBy: [
      { event: 'score.updated', where: 'event.model == "study"', field: 'value', until: 'validUntil' },
      { event: 'score.updated', where: 'event.model == "study-endless"', field: 'value' },
    ],
  }
  const arbitration = bounds === undefined ? pieces.arbitration : { ...pieces.arbitration, bounds }
  return createBank(await loadBank({ offers, arbitration, attributes: [...pieces.attributes, scored] }))
}

function score(bank: Bank, value: number, sent: { at: number; until: number; model?: string }): void {
  const data = { model: sent.model ?? 'study', modelVersion: null, offerId: null, value, validUntil: sent.until }
  expect(bank.send('c', 'score.updated', data, { at: sent.at }).status).toBe('accepted')
}

function fate(decision: Decision) {
  const found = decision.fates.find((one) => one.offer === 'study-loan')
  return [found?.propensity, found?.context, found?.value, found?.lever, found?.score]
}

const asked = (bank: Bank, now: number) => bank.ask('c', 'home-banner', { at: now, count: 3 }).decision

describe('terms', () => {
  test('are 1 where the pack says nothing, and all of them are in the record', async () => {
    expect(fate(asked(await bankWith({ value: 1 }), at))).toEqual([1, 1, 1, 1, 1])
    const all = { propensity: 0.5, context: 3, value: 4, lever: 2 }
    expect(fate(asked(await bankWith(all), at))).toEqual([0.5, 3, 4, 2, 12])
  })

  test('that an expression drives beyond the bounds of the pack stop there', async () => {
    const bounds = { context: [0.5, 2], value: [1, 60], lever: [0.25, 4] }
    const high = { context: 'maternity_30d >= 0 ? 50.0 : 0.0', value: 'double(maternity_30d) + 99.0', lever: '9.0' }
    const bank = await bankWith({ ...high, propensity: '7.0' }, bounds)
    expect(fate(asked(bank, at))).toEqual([1, 2, 60, 4, 480])
    const low = { context: '-5.0', value: 'double(maternity_30d)', lever: 'maternity_growth', propensity: '-1.0' }
    expect(fate(asked(await bankWith(low, bounds), at))).toEqual([0, 0.5, 1, 0.25, 0])
  })

  test('that are not known count as the lowest there is, unless the pack says what holds then', async () => {
    const unknown = 'profile.score'
    const bounds = { value: [0.5, 60] }
    expect(fate(asked(await bankWith({ value: unknown, propensity: unknown }, bounds), at))).toEqual([0, 1, 0.5, 1, 0])
    const told = { from: unknown, whenUnknown: 0.7 }
    expect(fate(asked(await bankWith({ value: told, propensity: told }, bounds), at))).toEqual([
      0.7,
      1,
      0.7,
      1,
      0.7 * 0.7,
    ])
  })
})

describe('a score from outside', () => {
  const told = { propensity: { from: 'profile.score', whenUnknown: 0.3 }, value: 2 }
  const propensity = (bank: Bank, now: number) => fate(asked(bank, now))[0]

  test('holds until the instant it names, and not a millisecond longer', async () => {
    const bank = await bankWith(told)
    expect(propensity(bank, at)).toBe(0.3)
    score(bank, 0.9, { at, until: at + hour })
    expect(propensity(bank, at + hour)).toBe(0.9)
    expect(propensity(bank, at + hour + 1)).toBe(0.3)
    score(bank, 0.6, { at: at + 2 * hour, until: at + 3 * hour })
    expect(propensity(bank, at + 2 * hour)).toBe(0.6)
  })

  test('also ends when the pack says so, however long it wants to hold', async () => {
    const bank = await bankWith(told)
    score(bank, 0.9, { at, until: at + 365 * dayMs })
    expect(propensity(bank, at + 30 * dayMs)).toBe(0.9)
    expect(propensity(bank, at + 30 * dayMs + 1)).toBe(0.3)
  })

  test('that came later but is older neither counts nor ends the newer one', async () => {
    const bank = await bankWith(told)
    score(bank, 0.9, { at: at + 2 * hour, until: at + 20 * hour })
    score(bank, 0.2, { at: at + hour, until: at + 3 * hour })
    expect(propensity(bank, at + 4 * hour)).toBe(0.9)
  })

  test('is not ended by the instant of one before it', async () => {
    const bank = await bankWith(told)
    score(bank, 0.9, { at, until: at + hour })
    score(bank, 0.8, { at: at + 1, until: 0, model: 'study-endless' })
    expect(propensity(bank, at + 2 * hour)).toBe(0.8)
  })

  test('is among the values of the record, known or not', async () => {
    const bank = await bankWith(told)
    score(bank, 0.9, { at, until: at + hour })
    const used = (now: number) => asked(bank, now).features.find(({ name }) => name === 'profile.score')
    expect(used(at)).toEqual({ name: 'profile.score', lo: 0.9, hi: 0.9, class: 'exact' })
    expect(used(at + 2 * hour)).toMatchObject({ lo: Number.NEGATIVE_INFINITY, class: 'unknown' })
  })

  test('of a source that the bank may not use is not heard', async () => {
    const bank = await bankWith(told)
    const data = { model: 'study', modelVersion: null, offerId: null, value: 1, validUntil: at + hour }
    bank.send('c', 'score.updated', data, { at, source: 'crawler' })
    expect(propensity(bank, at)).toBe(0.3)
  })
})

test('doing nothing is a candidate with a value, in the record and in words', async () => {
  const arbitration = { ...pieces.arbitration, nothing: 4 }
  const pack = await loadBank({ arbitration })
  const bank = createBank(pack)
  settle(bank, 'c', day0)
  const { decision } = bank.ask('c', 'home-banner', { at })
  expect(decision.nothing).toBe(4)
  expect(decision.fates.find(({ offer }) => offer === 'study-loan')).toMatchObject({
    reason: 'below_nothing',
    score: 2,
  })
  expect(explainDecision(decision, pack, 'en').join('\n')).toContain('Doing nothing was worth 4.')
  expect(explainDecision(decision, pack, 'zh').join('\n')).toContain('不打扰的得分为4。')
  // The pack may be gone: the record says it all the same.
  expect(explainDecision(decision, null, 'en').join('\n')).toContain('its score 2 is below 4')
})
