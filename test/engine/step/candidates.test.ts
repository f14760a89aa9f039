/** Several triggers, several placements, offers that do not belong: what becomes of each candidate. */
import { expect, test } from 'vitest'
import { type Bank, createBank, day0, dayMs, fateOf, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const at = day0 + 10 * dayMs
const minute = 60_000
const pay = (bank: Bank, when: number, now = when) =>
  bank.send('c', 'repayment.made', { amount: 500_000 }, { at: when, now }).decisions

const again = {
  ...{ id: 'any-repayment', on: 'repayment.made', when: 'event.amount > money("0.00")', offers: ['repayment-thanks'] },
  placement: 'sms-out',
}

test('two triggers that propose one offer lead to one offer and two fates', async () => {
  const wide = pieces.placements.map((placement) =>
    placement.id === 'sms-out' ? { ...placement, slots: 3 } : placement,
  )
  for (const placements of [pieces.placements, wide]) {
    const bank = createBank(await loadBank({ placements, triggers: [...pieces.triggers, again] }))
    settle(bank, 'c', at)
    const [decision] = pay(bank, at)
    expect(decision?.offers).toHaveLength(1)
    expect(fateOf(decision, 'repayment-thanks')).toBe('placement/duplicate_offer, offered/offered')
    expect(bank.states.contactCount(bank.slot('c'))).toBe(1)
  }
})

test('an offer that cannot be shown at a placement is dropped before anything is asked', async () => {
  const pack = await loadBank()
  const triggers = pack.model.triggers.map((trigger) =>
    trigger.id === 'large-repayment' ? { ...trigger, offers: ['study-loan', 'letter', 'repayment-thanks'] } : trigger,
  )
  const thanks = pack.model.offers.filter((offer) => offer.id === 'repayment-thanks')
  const letters = thanks.map((offer) => ({ ...offer, id: 'letter', contentType: 'letter' }))
  const bank = createBank({ ...pack, model: { ...pack.model, triggers, offers: [...pack.model.offers, ...letters] } })
  settle(bank, 'c', at)
  const [decision] = pay(bank, at)
  expect(fateOf(decision, 'study-loan')).toBe('placement/channel_mismatch')
  expect(fateOf(decision, 'letter')).toBe('placement/content_type_mismatch')
  expect(decision?.offers.map((item) => item.offer)).toEqual(['repayment-thanks'])
})

const recent = { id: 'repayments_10m', kind: 'count', event: 'repayment.made', window: '10m' }
const push = { id: 'push-out', channel: 'sms', direction: 'outbound', contentTypes: ['message'] }
const features = [...pieces.features, recent]

test('the funnel looks at now: what has aged out since the event opens nothing', async () => {
  const offers = pieces.offers.map((offer) =>
    offer.id === 'repayment-thanks' ? { ...offer, eligible: 'repayments_10m >= 1' } : offer,
  )
  const bank = createBank(await loadBank({ features, offers }))
  settle(bank, 'c', at)
  expect(fateOf(pay(bank, at, at + 10 * minute)[0], 'repayment-thanks')).toBe('offered/offered')
  expect(fateOf(pay(bank, at + 60 * minute, at + 71 * minute)[0], 'repayment-thanks')).toBe('eligibility/not_eligible')
})

test('each placement gets a decision of its own, with what its trigger saw at the time of the event', async () => {
  const triggers = [
    { ...again, id: 'first', when: 'repayments_10m >= 1', placement: 'sms-out' },
    { ...again, id: 'second', when: 'repayments_10m >= 1', placement: 'push-out' },
  ]
  const offers = [
    ...pieces.offers.filter((offer) => offer.id !== 'repayment-thanks'),
    ...pieces.offers
      .filter((offer) => offer.id === 'repayment-thanks')
      .flatMap((offer) => [offer, { ...offer, id: 'aging', eligible: 'repayments_10m >= 0' }]),
  ]
  const first = { ...triggers[0], offers: ['repayment-thanks', 'aging'] }
  const placements = [...pieces.placements, push]
  const bank = createBank(await loadBank({ features, offers, placements, triggers: [first, triggers[1]] }))
  settle(bank, 'c', at)
  const decisions = pay(bank, at, at + 11 * minute)
  expect(decisions.map((decision) => decision.placement)).toEqual(['sms-out', 'push-out'])
  expect(new Set(decisions.map((decision) => decision.id)).size).toBe(2)
  const seen = decisions.map((decision) => decision.features.find((feature) => feature.name === 'repayments_10m')?.lo)
  // The first placement's candidate `aging` asks at now, eleven minutes later; the second one's trigger saw the event.
  expect(seen).toEqual([0, 1])
})

test('the contacts of one placement count against the next one of the same event', async () => {
  const triggers = [again, { ...again, id: 'second', placement: 'push-out' }]
  const caps = [{ ...pieces.caps[0], limit: 1 }]
  const bank = createBank(await loadBank({ placements: [...pieces.placements, push], triggers, caps }))
  settle(bank, 'c', at)
  const decisions = pay(bank, at)
  expect(decisions.map((decision) => fateOf(decision, 'repayment-thanks'))).toEqual([
    'offered/offered',
    'contact/cap_reached/sms-3-in-7d',
  ])
})

test('a message with two offers that failed gives both places back', async () => {
  const placements = pieces.placements.map((placement) =>
    placement.id === 'sms-out' ? { ...placement, slots: 2 } : placement,
  )
  const bank = createBank(
    await loadBank({ placements, triggers: [{ ...again, offers: ['repayment-thanks', 'family-bundle'] }] }),
  )
  settle(bank, 'c', at)
  const [decision] = pay(bank, at)
  expect(decision?.offers).toHaveLength(2)
  expect(bank.states.contactCount(bank.slot('c'))).toBe(2)
  bank.send('c', 'message.failed', { decisionId: decision?.id ?? '' }, { at: at + 1 })
  expect(bank.states.contactCount(bank.slot('c'))).toBe(0)
})

test('a record holds at most 64 features, those of the trigger first', async () => {
  const many = Array.from({ length: 80 }, (_, i) => ({ ...recent, id: `repayments_${i}`, window: `${i + 1}m` }))
  const all = many.slice(0, 79).map((feature) => `${feature.id} >= 0`)
  const offers = pieces.offers.map((offer) =>
    offer.id === 'repayment-thanks' ? { ...offer, eligible: all.join(' && ') } : offer,
  )
  const triggers = [{ ...again, when: 'repayments_79 >= 1' }]
  const bank = createBank(await loadBank({ features: [...pieces.features, ...many], offers, triggers }))
  settle(bank, 'c', at)
  const [decision] = pay(bank, at)
  expect(decision?.features).toHaveLength(64)
  expect(decision?.features[0]).toEqual({ name: 'repayments_79', lo: 1, hi: 1, class: 'exact' })
})
