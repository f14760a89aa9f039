/** Random decisions over the whole range of the record, for round trips. */
import * as fc from 'fast-check'
import { type Decision, originKinds, priceKinds, stages, trialGroups } from '../../sinks/decision.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 80 }).filter((value) => value.isWellFormed())
const instant = fc.integer({ min: 0, max: 4_102_444_800_000 })
const number = fc.double({ noNaN: true })
const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 })

export const anyDecision: fc.Arbitrary<Decision> = fc.record({
  id: hex,
  customerId: text,
  cause: fc.record({ kind: fc.constantFrom('event', 'request'), id: text, source: text, type: text }),
  placement: text,
  channel: text,
  packHash: text,
  eventTime: instant,
  acceptedAt: instant,
  now: instant,
  notAfter: instant,
  outcome: fc.constantFrom('offered', 'fallback', 'none'),
  reason: text,
  offers: fc.array(fc.record({ offer: text, score: number }), { maxLength: 5 }),
  fates: fc.array(
    fc.record({
      offer: text,
      trigger: fc.option(text),
      stage: fc.constantFrom(...stages),
      reason: text,
      rule: fc.option(text),
      propensity: number,
      context: number,
      value: number,
      lever: number,
      score: number,
      possibleAt: instant,
      learned: fc.option(text),
    }),
    { maxLength: 12 },
  ),
  features: fc.array(
    fc.record({ name: text, lo: number, hi: number, class: fc.constantFrom('exact', 'bounded', 'unknown') }),
    { maxLength: 8 },
  ),
  contacts: fc.array(
    fc.record({ offer: text, category: text, class: fc.constantFrom('regulatory', 'service', 'marketing') }),
    { maxLength: 4 },
  ),
  confirmBy: instant,
  held: fc.array(fc.record({ trigger: text, at: instant, expiresAt: instant }), { maxLength: 3 }),
  nothing: number,
  modelHash: text,
  holdouts: fc.array(fc.record({ holdout: text, offer: text, group: fc.constantFrom(...trialGroups) }), {
    maxLength: 4,
  }),
  recalls: fc.array(text, { maxLength: 3 }),
  stock: fc.array(
    fc.record({
      offer: text,
      resource: text,
      amount: fc.integer({ min: 1, max: 10 ** 12 }),
      left: fc.option(fc.integer({ min: 0, max: 10 ** 12 }), { nil: null }),
      claim: fc.option(hex, { nil: null }),
      until: instant,
    }),
    { maxLength: 3 },
  ),
  origins: fc.array(
    fc.record({
      kind: fc.constantFrom(...originKinds),
      id: text,
      basis: text,
      features: fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 4 }),
    }),
    { maxLength: 4 },
  ),
  prices: fc.array(
    fc.record({ offer: text, price: text, kind: fc.constantFrom(...priceKinds), value: number, known: fc.boolean() }),
    { maxLength: 4 },
  ),
})
