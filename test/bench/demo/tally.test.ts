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
    origins: [],
    prices: [],
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

test('a message that is taken back counts once, by what forbids it, and stops no candidate', () => {
  const tally = createTally()
  const recall = { ...decision('a', [], [fate, fate]), reason: 'recalled', recalls: ['0123456789abc'] }
  tally.add(recall)
  tally.add(recall)
  expect(tally.view()).toMatchObject({ byRecall: [['no-credit-after-job-loss', 1]], byGuardrail: [] })
})

test('what quiet hours held counts apart from what caps stopped, and so does what became of it', () => {
  const tally = createTally()
  const night = { ...fate, stage: 'contact', rule: 'quiet-night' } as const
  const waits = { trigger: 'wedding', at: 1, expiresAt: 2 }
  const cause = { kind: 'event', id: 'a', source: 'proffer', type: 'hold.released' } as const
  tally.add({ ...decision('a', [], [{ ...night, reason: 'held' }]), held: [waits, { ...waits, trigger: 'other' }] })
  tally.add(decision('b', ['letter'], [{ ...night, reason: 'switched' }]))
  tally.add(decision('c', [], [{ ...night, reason: 'quiet_hours' }]))
  tally.add({ ...decision('d', ['loan']), cause })
  tally.add({ ...decision('e', [], [fate]), cause })
  // Held again: it waits as it did.
  tally.add({ ...decision('f', [], [{ ...night, reason: 'held' }]), cause, held: [waits] })
  expect(tally.view().quiet).toEqual({ held: 2, sent: 1, notSent: 1, switched: 1, dropped: 1 })
  expect(tally.view().byCap).toEqual([])
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
