/**
 * The final gate alone must hold: each earlier stage, and all of them together, is replaced by one that lets everything
 * pass, and still nothing forbidden leaves. What is forbidden is told by an oracle that knows the customers.
 */
import { expect, test } from 'vitest'
import type { Filters } from '../../../../engine/step/funnel/run.ts'
import { productionFilters } from '../../../../engine/step/step-context.ts'
import type { Decision } from '../../../../sinks/decision.ts'
import { type Bank, createBank, day0, dayMs, settle } from '../bank.ts'
import { loadBank } from '../bank-pack.ts'

const pack = await loadBank()
const at = day0 + 10 * dayMs
const passAll = () => {}
const scoring: Filters = {
  ...productionFilters,
  eligibility: passAll,
  suitability: passAll,
  guardrail: passAll,
  contact: passAll,
  fatigue: passAll,
  holdout: passAll,
}

const variants: readonly (readonly [string, Filters])[] = [
  ['eligibility', { ...productionFilters, eligibility: passAll }],
  ['suitability', { ...productionFilters, suitability: passAll }],
  ['guardrail', { ...productionFilters, guardrail: passAll }],
  ['contact', { ...productionFilters, contact: passAll }],
  ['fatigue', { ...productionFilters, fatigue: passAll }],
  ['holdout', { ...productionFilters, holdout: passAll }],
  ['arbitration', { ...productionFilters, arbitration: passAll }],
  ['every stage but scoring', scoring],
  ['every stage', { ...scoring, arbitration: passAll }],
]

const credit = ['consumer_credit', 'beauty_credit', 'gaming_credit']
/** Customers and the categories that nothing may ever offer them. */
const people: Readonly<Record<string, readonly string[]>> = {
  unemployed: credit,
  bereaved: pack.model.categories.filter((category) => category !== 'news' && category !== 'help'),
  student: [...credit, 'travel_credit'],
  stranger: [...credit, 'travel_credit', 'investment'],
}

function fill(bank: Bank): void {
  for (const name of ['unemployed', 'bereaved', 'student']) settle(bank, name, at - 2)
  bank.send('unemployed', 'life_event.reported', { kind: 'unemployment' }, { at: at - 1 })
  bank.send('bereaved', 'life_event.reported', { kind: 'bereavement' }, { at: at - 1 })
  bank.send('student', 'profile.updated', { studentStatus: true }, { at: at - 1 })
}

function decisionsOf(bank: Bank, name: string): readonly Decision[] {
  const asked = Array.from({ length: 20 }, (_, i) => {
    const placement = i % 2 === 0 ? 'home-banner' : 'inbox'
    return bank.ask(name, placement, { at: at + i, count: 1 + (i % 3) }).decision
  })
  const data = { kind: 'unemployment' }
  const sent = bank.send(name, 'life_event.reported', data, { at: at + 100 }).decisions
  const unlawful = bank.send(name, 'life_event.reported', data, { at: at + 101, source: 'crawler' }).decisions
  for (const decision of unlawful) expect(decision.offers).toEqual([])
  return [...asked, ...sent]
}

test.each(variants)('without %s nothing forbidden is offered', (_, filters) => {
  const bank = createBank(pack, filters)
  fill(bank)
  for (const [name, forbidden] of Object.entries(people)) {
    for (const decision of decisionsOf(bank, name)) {
      for (const { offer } of decision.offers) {
        const category = pack.model.offers.find((candidate) => candidate.id === offer)?.category ?? ''
        expect([name, offer, forbidden.includes(category)]).toEqual([name, offer, false])
      }
      expect(decision.fates.filter((fate) => fate.stage === 'offered').length).toBe(
        decision.outcome === 'offered' ? decision.offers.length : 0,
      )
    }
  }
})

test('what the gate stops is an alarm in the record that names the rule', () => {
  const bank = createBank(pack, { ...productionFilters, guardrail: passAll })
  fill(bank)
  const { decision } = bank.ask('student', 'home-banner', { at })
  expect(decision.fates.find((fate) => fate.stage === 'final_gate')).toMatchObject({
    offer: 'beauty-loan',
    reason: 'final_gate',
    rule: 'no-lifestyle-credit-for-students',
  })
  expect(decision).toMatchObject({ outcome: 'fallback', offers: [{ offer: 'welcome-banner' }] })
})

test('with every stage in place the gate never has to act', () => {
  const bank = createBank(pack)
  fill(bank)
  for (const name of Object.keys(people))
    for (const decision of decisionsOf(bank, name))
      expect(decision.fates.filter((fate) => fate.stage === 'final_gate')).toEqual([])
})

test('no contact is taken for an offer that the gate stopped', () => {
  const bank = createBank(pack, scoring)
  fill(bank)
  const { decision, reserves } = bank.ask('student', 'inbox', { at })
  expect([decision.outcome, reserves]).toEqual(['fallback', false])
  expect(bank.states.contactCount(bank.slot('student'))).toBe(0)
})
