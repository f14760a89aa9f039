import { expect, test } from 'vitest'
import { createTally } from '../../../bench/demo/tally.ts'
import type { Decision, Fate } from '../../../sinks/decision.ts'

const fate: Fate = {
  offer: 'loan',
  trigger: null,
  stage: 'guardrail',
  reason: 'unemployment',
  rule: 'no-credit-after-job-loss',
  learned: null,
  propensity: 0,
  context: 0,
  value: 0,
  lever: 0,
  score: 0,
  possibleAt: 0,
}

function decision(id: string, offers: readonly string[], fates: readonly Fate[] = []): Decision {
  return {
    id,
    customerId: 'C-tao',
    cause: { kind: 'request', id: 'r-1', source: '', type: '' },
    placement: 'app_offers',
    channel: 'in_app',
    packHash: 'p',
    eventTime: 0,
    acceptedAt: 0,
    now: 0,
    notAfter: 0,
    outcome: offers.length > 0 ? 'offered' : 'none',
    reason: 'offered',
    offers: offers.map((offer) => ({ offer, score: 1 })),
    fates,
    features: [],
    contacts: [],
    confirmBy: 0,
    held: [],
    nothing: 0,
    modelHash: '',
    holdouts: [],
    recalls: [],
    stock: [],
  }
}

test('a decision that is published twice counts once', () => {
  const tally = createTally()
  const one = decision('a', ['help', 'wallet'], [fate, { ...fate, stage: 'contact', rule: 'cap' }])
  tally.add(one)
  tally.add(one)
  const view = tally.view()
  expect(view.decisions).toBe(1)
  expect(view.byOutcome).toEqual({ offered: 1, fallback: 0, none: 0 })
  expect(view.byOffer).toEqual([
    ['help', 1],
    ['wallet', 1],
  ])
  expect(view.byGuardrail).toEqual([['no-credit-after-job-loss', 1]])
  expect(view.byCap).toEqual([['cap', 1]])
})

test('a candidate that a guardrail did not stop is no stop', () => {
  const tally = createTally()
  tally.add(
    decision(
      'a',
      ['help'],
      [
        { ...fate, stage: 'eligibility', rule: null },
        { ...fate, stage: 'final_gate' },
      ],
    ),
  )
  expect(tally.view().byGuardrail).toEqual([['no-credit-after-job-loss', 1]])
})

test('the hash follows what each decision answered, not the ids nor the order of publication', () => {
  const hashOf = (decisions: readonly Decision[]): string => {
    const tally = createTally()
    for (const one of decisions) tally.add(one)
    return tally.hash()
  }
  const [a, b] = [decision('a', ['help']), decision('b', [])]
  expect(hashOf([a, b])).toBe(hashOf([b, a]))
  expect(hashOf([a, b])).not.toBe(hashOf([a, decision('b', ['wallet'])]))
  expect(hashOf([a, b])).toBe(hashOf([a, decision('c', [])]))
  expect(hashOf([a, b])).not.toBe(hashOf([a, { ...b, customerId: 'C-lin' }]))
  expect(hashOf([a, b])).not.toBe(hashOf([a, { ...b, cause: { ...b.cause, id: 'r-2' } }]))
})
