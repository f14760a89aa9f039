/** JSON carries the whole decision; only an absent bound changes its spelling. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decisionFromJson, decisionJson } from '../../sinks/decision-json.ts'
import { anyDecision } from './arbitrary-decision.ts'

test('a decision survives JSON when its bounds point outwards', () => {
  fc.assert(
    fc.property(anyDecision, (sample) => {
      const finite = (value: number) => (Number.isFinite(value) ? value + 0 : 1)
      const decision = {
        ...sample,
        nothing: finite(sample.nothing),
        offers: sample.offers.map((item) => ({ ...item, score: finite(item.score) })),
        prices: sample.prices.map((price) => ({ ...price, value: finite(price.value) })),
        fates: sample.fates.map((fate) => ({
          ...fate,
          propensity: finite(fate.propensity),
          context: finite(fate.context),
          value: finite(fate.value),
          lever: finite(fate.lever),
          score: finite(fate.score),
        })),
        features: sample.features.map((feature, i) => ({
          ...feature,
          lo: i % 2 === 0 ? Number.NEGATIVE_INFINITY : finite(feature.lo),
          hi: i % 3 === 0 ? Number.POSITIVE_INFINITY : finite(feature.hi),
        })),
      }
      const text = JSON.stringify(decisionJson(decision))
      expect(decisionFromJson(JSON.parse(text))).toEqual(decision)
    }),
    { numRuns: 300 },
  )
})

test('an unbounded feature has null bounds in JSON', () => {
  const [sample] = fc.sample(anyDecision, { numRuns: 1, seed: 1 })
  if (sample === undefined) throw new Error('no sample')
  const lo = Number.NEGATIVE_INFINITY
  const decision = { ...sample, features: [{ name: 'spend30d', lo, hi: 5, class: 'bounded' as const }] }
  expect(decisionJson(decision).features).toEqual([{ name: 'spend30d', lo: null, hi: 5, class: 'bounded' }])
})
