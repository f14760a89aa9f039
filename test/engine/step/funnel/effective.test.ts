/** Guardrails, allows and offers with a window, in the funnel as it runs, on the final gate alone, and in the proof. */
import { expect, test } from 'vitest'
import { proofLimits, proveGate } from '../../../../engine/proof/prove-gate.ts'
import { productionFilters } from '../../../../engine/step/step-context.ts'
import { compilePack } from '../../../../rules/compile-pack.ts'
import { tamperedGate } from '../../proof/tampered.ts'
import { type Bank, createBank, day0, dayMs, settle } from '../bank.ts'
import { loadBank, bank as pieces } from '../bank-pack.ts'

/** Midnight, UTC, of 11 January. */
const edge = day0 + 10 * dayMs
const until = { until: '2026-01-11T00:00Z', otherwise: 'open' }
const text = { en: 'A rule of the test.', zh: '测试规则。' }
const scope = { categories: ['study_credit'] }
const role = { role: 'compliance', atMost: '30d' }
const offers = pieces.offers.map((offer) => (offer.id === 'study-loan' ? { ...offer, priority: 10 } : offer))
const guardrail = (more: object) => ({
  ...{ id: 'exam-time', reason: 'bank_policy', text, closes: scope, when: 'profile.employment != "employed"' },
  ...more,
})
const packWith = (more: object, allows: readonly object[] = []) =>
  loadBank({ guardrails: [...pieces.guardrails, guardrail(more)], allows, offers })
const allow = { id: 'open-day', text, opens: scope, effective: { from: '2026-01-11T00:00Z' } }

function retired(bank: Bank): Bank {
  settle(bank, 'c', day0)
  bank.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at: edge - dayMs })
  return bank
}

function studyLoan(bank: Bank, at: number) {
  const { decision } = bank.ask('c', 'home-banner', { at, count: 3 })
  const fate = decision.fates.find((one) => one.offer === 'study-loan')
  return { reason: fate?.reason, rule: fate?.rule, possibleAt: fate?.possibleAt, notAfter: decision.notAfter }
}

test('a guardrail closes in its window, to the millisecond, and says when it opens', async () => {
  const pack = await packWith({ effective: until })
  const whole = retired(createBank(pack))
  expect(studyLoan(whole, edge - 1)).toMatchObject({ reason: 'bank_policy', rule: 'exam-time', possibleAt: edge })
  expect(studyLoan(whole, edge)).toMatchObject({ reason: 'offered' })
  const gateOnly = retired(createBank(pack, { ...productionFilters, guardrail: () => {} }))
  expect(studyLoan(gateOnly, edge - 1)).toMatchObject({ reason: 'final_gate', rule: 'exam-time' })
  expect(studyLoan(gateOnly, edge)).toMatchObject({ reason: 'offered' })
})

test('an allow opens in its window only, at the stage and at the gate', async () => {
  const pack = await packWith({ override: role }, [allow])
  for (const filters of [productionFilters, { ...productionFilters, guardrail: () => {} }]) {
    const bank = retired(createBank(pack, filters))
    expect(studyLoan(bank, edge - 1).reason).toMatch(/^(bank_policy|final_gate)$/)
    expect(studyLoan(bank, edge)).toMatchObject({ reason: 'offered_by_allow', rule: 'exam-time' })
  }
})

test('what is offered holds no longer than the window of the offer', async () => {
  const effective = { until: '2026-01-11T00:00Z' }
  const pack = await loadBank({ offers: offers.map((one) => (one.id === 'study-loan' ? { ...one, effective } : one)) })
  const bank = createBank(pack)
  settle(bank, 'c', day0)
  expect(studyLoan(bank, edge - 1_000)).toMatchObject({ reason: 'offered', notAfter: edge })
  expect(studyLoan(bank, edge)).toMatchObject({ reason: 'not_in_effect', possibleAt: 0 })
})

test('the proof holds at any instant: windows are open or closed by cases, whatever the clock says', async () => {
  const pack = compilePack(await packWith({ override: role, effective: until }, [allow]))
  const without = compilePack(await packWith({ override: role }))
  const proof = proveGate(pack)
  expect([proof.verdict, proof.counterexamples]).toEqual(['proven', []])
  expect(proof.cases).toBeGreaterThan(proveGate(without).cases)

  const index = pack.guardrails.findIndex(({ id }) => id === 'exam-time')
  const forgetful = tamperedGate(pack, (rules) => ({
    ...rules,
    guardrails: rules.guardrails.filter((i) => i !== index),
  }))
  expect(proveGate(pack, proofLimits, forgetful).verdict).toBe('refuted')
  // An allow that opens at any time, and a guardrail that is never there, though their author wrote a window.
  const always = { ...pack, allows: pack.allows.map((one) => ({ ...one, window: null })) }
  expect(proveGate(always).verdict).toBe('refuted')
  const [never] = compilePack(await packWith({ effective: { ...until, from: '2026-01-10T00:00Z' } })).guardrails.slice(
    -1,
  )
  const gone = {
    ...pack,
    guardrails: pack.guardrails.map((one, i) => (i === index ? { ...one, window: never?.window ?? null } : one)),
  }
  const refuted = proveGate(gone)
  expect(refuted.verdict).toBe('refuted')
})
