/** Live requests: what each kind of customer is offered, the fallback, and what a retry gets. */
import { expect, test } from 'vitest'
import { createStepContext } from '../../../engine/step/step-context.ts'
import { stepRequest } from '../../../engine/step/step-request.ts'
import type { FieldValue } from '../../../ingest/event.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { type Bank, createBank, day0, dayMs, fateOf, offersOf, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const pack = await loadBank()
const at = day0 + 30 * dayMs
const lifestyle = ['consumer-loan', 'beauty-loan', 'gaming-loan', 'honeymoon-instalment']

const offered = (bank: Bank, customer: string, when = at) =>
  ['home-banner', 'inbox'].flatMap((placement) => offersOf(bank.ask(customer, placement, { at: when, count: 3 })))

test.each<{ status: string; data: Record<string, FieldValue>; open: boolean }>([
  { status: 'no student', data: { studentStatus: false, employmentStatus: 'employed' }, open: true },
  { status: 'student by status', data: { studentStatus: true, employmentStatus: 'employed' }, open: false },
  { status: 'student by employment', data: { studentStatus: false, employmentStatus: 'student' }, open: false },
  { status: 'unknown status', data: { employmentStatus: 'employed' }, open: false },
  { status: 'unknown employment', data: { studentStatus: false }, open: false },
  { status: 'nothing known', data: {}, open: false },
])('lifestyle credit for $status is open: $open; a study loan always is', ({ data, open }) => {
  const bank = createBank(pack)
  bank.send('c', 'profile.updated', data, { at: at - 1 })
  const { decision } = bank.ask('c', 'home-banner', { at, count: 3 })
  for (const offer of lifestyle) {
    const closed = `guardrail/student/no-lifestyle-credit-for-students`
    expect([offer, fateOf(decision, offer) === closed]).toEqual([offer, !open])
    if (!open) expect(decision.offers.map((item) => item.offer)).not.toContain(offer)
  }
  expect(fateOf(decision, 'study-loan')).not.toMatch(/guardrail/)
  expect(decision.outcome).toBe('offered')
})

test('a customer who lost their job gets no consumer credit in a thousand requests, and gets it again after 180 days', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  expect(offered(bank, 'c')).toContain('consumer-loan')
  bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at })
  const credit = new Set(pack.model.offers.filter((o) => o.category === 'consumer_credit').map((o) => o.id))
  for (let i = 0; i < 1_000; i++)
    for (const offer of offered(bank, 'c', at + i * 1_000)) expect(credit.has(offer)).toBe(false)
  expect(offered(bank, 'c', at + 180 * dayMs - 1)).not.toContain('consumer-loan')
  expect(offered(bank, 'c', at + 180 * dayMs)).toContain('consumer-loan')
})

test('a new job opens consumer credit again at once', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at })
  bank.send('c', 'life_event.reported', { kind: 'unemployment', resolved: true }, { at: at + 1 })
  expect(offered(bank, 'c', at + 1)).toContain('consumer-loan')
})

test('a bereaved customer gets no honeymoon instalment for 90 days and no marketing at all for 30', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at })
  expect(offered(bank, 'c', at + 29 * dayMs)).toEqual(['welcome-banner', 'inbox-hello'])
  expect(offered(bank, 'c', at + 31 * dayMs)).toContain('consumer-loan')
  const { decision } = bank.ask('c', 'home-banner', { at: at + 89 * dayMs })
  expect(fateOf(decision, 'honeymoon-instalment')).toBe('guardrail/bereavement/no-leisure-credit-in-mourning')
  const later = bank.ask('c', 'home-banner', { at: at + 90 * dayMs })
  expect(fateOf(later.decision, 'honeymoon-instalment')).not.toMatch(/guardrail/)
})

test.each([
  [49_999_999, []],
  [50_000_000, ['wealth-r2']],
  [99_999_999, ['wealth-r2']],
  [100_000_000, ['wealth-r3']],
])('a balanced customer with assets of %i minor units may see %j', (totalAssets, expected) => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 2)
  bank.send('c', 'profile.updated', { totalAssets, currency: 'CNY' }, { at: at - 1 })
  const { decision } = bank.ask('c', 'home-banner', { at })
  const wealth = decision.fates.filter((fate) => fate.offer.startsWith('wealth') && fate.score > 0)
  expect(wealth.map((fate) => fate.offer)).toEqual(expected)
})

test.each([
  ['conservative', [false, false, false]],
  ['steady', [true, false, false]],
  ['balanced', [true, true, false]],
  ['aggressive', [true, true, true]],
  [null, [false, false, false]],
])('risk grade %s allows products of grade 2, 3, 5: %j', async (riskGrade, allowed) => {
  const offers = pack.model.offers.filter((offer) => offer.riskGrade !== null)
  const bank = createBank(pack)
  for (const [i, offer] of offers.entries()) {
    const customer = `c${i}`
    const totalAssets = offer.riskGrade === 2 ? 60_000_000 : 200_000_000
    bank.send(customer, 'profile.updated', { riskGrade, totalAssets, currency: 'CNY' }, { at: at - 1 })
    const fate = fateOf(bank.ask(customer, 'home-banner', { at }).decision, offer.id)
    expect([offer.id, fate !== 'suitability/unsuitable_risk_grade']).toEqual([offer.id, allowed[i]])
  }
})

test('a stranger gets what needs nothing to be known, and nothing else', () => {
  const bank = createBank(pack)
  expect(offersOf(bank.ask('nobody', 'inbox', { at }))).toEqual(['inbox-tip'])
  expect(offersOf(bank.ask('stranger', 'home-banner', { at, count: 3 }))).toEqual(['study-loan'])
})

test('when nothing is left the fallback answers with a reason, never nothing', async () => {
  const { offers } = pieces
  const bank = createBank(
    await loadBank({ offers: offers.filter((o) => o.id !== 'study-loan' && o.id !== 'inbox-tip') }),
  )
  for (const placement of ['home-banner', 'inbox']) {
    const { decision, reserves } = bank.ask('nobody', placement, { at, count: 3 })
    expect(decision).toMatchObject({ outcome: 'fallback', reason: 'cold_start' })
    expect(decision.offers).toHaveLength(1)
    expect(decision.notAfter).toBe(at + dayMs)
    expect(reserves).toBe(false)
  }
  bank.send('student', 'profile.updated', { studentStatus: true, riskGrade: 'steady' }, { at })
  const { decision } = bank.ask('student', 'home-banner', { at })
  expect(decision).toMatchObject({ outcome: 'fallback', reason: 'all_dropped', offers: [{ offer: 'welcome-banner' }] })
})

test('a placement gives at most the offers asked for, distinct and best first', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  expect(offersOf(bank.ask('c', 'home-banner', { at, count: 1 }))).toEqual(['beauty-loan'])
  const { decision } = bank.ask('c', 'home-banner', { at, count: 9 })
  expect(decision.offers).toEqual([
    { offer: 'beauty-loan', score: 9 },
    { offer: 'consumer-loan', score: 8 },
    { offer: 'gaming-loan', score: 7 },
  ])
  expect(fateOf(decision, 'honeymoon-instalment')).toBe('placement/placement_full')
  expect(fateOf(decision, 'study-loan')).toBe('arbitration/lost_arbitration')
})

test('a repeated request gets the same offers and takes one contact', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  const first = bank.ask('c', 'inbox', { at, requestId: 'r' })
  expect([first.reserves, first.repeats, first.decision.reason]).toEqual([true, false, 'offered'])
  for (let i = 1; i <= 5; i++) {
    const again = bank.ask('c', 'inbox', { at: at + i * 60_000, requestId: 'r' })
    expect([again.reserves, again.repeats]).toEqual([false, true])
    expect(again.decision).toMatchObject({
      id: first.decision.id,
      reason: 'repeated_request',
      outcome: 'offered',
      offers: first.decision.offers,
      notAfter: first.decision.notAfter,
    })
  }
  expect(bank.states.contactCount(bank.slot('c'))).toBe(1)
  expect(bank.ask('c', 'inbox', { at: at + 1, requestId: 'other' }).reserves).toBe(true)
})

test('a repeated request whose answer a guardrail has closed since gets the fallback under another id', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  const first = bank.ask('c', 'inbox', { at, requestId: 'r' })
  expect(offersOf(first)).toEqual(['inbox-loan'])
  bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at: at + 1 })
  const again = bank.ask('c', 'inbox', { at: at + 2, requestId: 'r' })
  expect(again.decision).toMatchObject({
    outcome: 'fallback',
    reason: 'superseded',
    offers: [{ offer: 'inbox-hello' }],
  })
  expect(again.decision.id).not.toBe(first.decision.id)
  expect(fateOf(again.decision, 'inbox-loan')).toBe('guardrail/unemployment/no-credit-without-income')
})

test('an answer that was recalled is not given again, also when the guardrail has opened since', async () => {
  const channels = pieces.channels.map((channel) => ({ ...channel, receipts: channel.id === 'inbox' }))
  const bank = createBank(await loadBank({ channels }))
  settle(bank, 'c', at - 1)
  const first = bank.ask('c', 'inbox', { at, requestId: 'r' })
  expect(offersOf(first)).toEqual(['inbox-loan'])
  const lost = bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at: at + 1 })
  expect(lost.decisions.map(({ reason }) => reason)).toContain('recalled')
  bank.send('c', 'life_event.reported', { kind: 'unemployment', resolved: true }, { at: at + 2 })
  expect(offersOf(bank.ask('c', 'inbox', { at: at + 3, requestId: 'another' }))).toEqual(['inbox-loan'])
  const again = bank.ask('c', 'inbox', { at: at + 4, requestId: 'r' })
  expect(again.decision).toMatchObject({ outcome: 'fallback', reason: 'superseded' })
  expect(again.decision.id).not.toBe(first.decision.id)
})

test('an answer that reserves nothing is another decision each time, so that no id has two contents', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  const ask = (placement: string, when: number) => bank.ask('c', placement, { at: when, requestId: 'r' }).decision
  // Also within one millisecond, where an event may have come between.
  const ids = [at, at, at + 1].map((when) => ask('home-banner', when).id)
  expect(new Set(ids).size).toBe(3)
  for (const ms of [1, 2, 3]) bank.ask('c', 'inbox', { at: at + ms })
  const full = [4, 4, 5].map((ms) => bank.ask('c', 'inbox', { at: at + ms, requestId: 'r' }))
  expect(full.map(({ reserves }) => reserves)).toEqual([false, false, false])
  expect(new Set(full.map(({ decision }) => decision.id)).size).toBe(3)
})

test('an answer that reserves nothing leaves the state as it was', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  const before = bank.states.encode(bank.slot('c'))
  expect(bank.ask('c', 'home-banner', { at, requestId: 'r' }).reserves).toBe(false)
  expect(bank.states.encode(bank.slot('c'))).toEqual(before)
})

test('three inbox cards in seven days are the cap, then the fallback answers and takes nothing', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  const asked = [1, 2, 3, 4].map((ms) => bank.ask('c', 'inbox', { at: at + ms }))
  expect(asked.map((answer) => answer.reserves)).toEqual([true, true, true, false])
  expect(asked[3]?.decision).toMatchObject({ outcome: 'fallback', reason: 'all_dropped' })
  expect(fateOf(asked[3]?.decision, 'inbox-loan')).toBe('contact/cap_reached/inbox-3-in-7d')
  expect(bank.ask('c', 'inbox', { at: at + 1 + 7 * dayMs }).reserves).toBe(false)
  expect(bank.ask('c', 'inbox', { at: at + 2 + 7 * dayMs }).reserves).toBe(true)
})

test('two places of one decision do not share the last place under a cap', async () => {
  const { placements } = pieces
  const wide = placements.map((placement) => (placement.id === 'inbox' ? { ...placement, slots: 2 } : placement))
  const bank = createBank(await loadBank({ placements: wide }))
  settle(bank, 'c', at - 1)
  expect(offersOf(bank.ask('c', 'inbox', { at, count: 2 }))).toEqual(['inbox-loan', 'inbox-tip'])
  const { decision } = bank.ask('c', 'inbox', { at: at + 1, count: 2 })
  expect(decision.offers.map((item) => item.offer)).toEqual(['inbox-loan'])
  expect(fateOf(decision, 'inbox-tip')).toBe('contact/cap_reached/inbox-3-in-7d')
})

test('marketing worth less than doing nothing is not shown', async () => {
  const bank = createBank(
    await loadBank({ arbitration: { classes: ['regulatory', 'service', 'marketing'], nothing: 100 } }),
  )
  settle(bank, 'c', at - 1)
  const { decision } = bank.ask('c', 'home-banner', { at })
  expect(decision).toMatchObject({ outcome: 'fallback', reason: 'silence_chosen' })
  expect(fateOf(decision, 'beauty-loan')).toBe('arbitration/below_nothing')
})

test('marketing worth exactly as much as doing nothing is shown', async () => {
  const bank = createBank(await loadBank({ arbitration: { ...pieces.arbitration, nothing: 9 } }))
  settle(bank, 'c', at - 1)
  expect(offersOf(bank.ask('c', 'home-banner', { at, count: 3 }))).toEqual(['beauty-loan'])
})

test('even the fallback does not go around a guardrail', () => {
  const closed = pack.model.guardrails.map((guardrail) =>
    guardrail.id === 'quiet-in-mourning'
      ? { ...guardrail, closes: { ...guardrail.closes, classes: 'all' as const } }
      : guardrail,
  )
  const bank = createBank({ ...pack, model: { ...pack.model, guardrails: closed } })
  settle(bank, 'c', at - 2)
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at - 1 })
  expect(bank.ask('c', 'home-banner', { at }).decision).toMatchObject({
    ...{ outcome: 'none', reason: 'final_gate', offers: [], notAfter: 0 },
  })
})

test('a repeated request whose offer has left the placement gets the fallback', () => {
  const bank = createBank(pack)
  const first = bank.ask('c', 'inbox', { at, requestId: 'r' })
  expect(offersOf(first)).toEqual(['inbox-tip'])
  const offers = pack.model.offers.map((offer) =>
    offer.id === 'inbox-tip' ? { ...offer, contentType: 'letter' } : offer,
  )
  for (const left of [offers, offers.filter((offer) => offer.id !== 'inbox-tip')]) {
    const compiled = compilePack({ ...pack, model: { ...pack.model, offers: left } })
    const later = createStepContext(compiled, bank.states, 'salt of the test')
    const input = { customerId: 'c', requestId: 'r', placement: 'inbox', count: 1, now: at + 1, turn: '' }
    const { decision } = stepRequest(later, bank.slot('c'), input)
    expect(decision).toMatchObject({ outcome: 'fallback', reason: 'superseded' })
  }
  expect(bank.ask('c', 'inbox', { at: at + 1, requestId: 'r' }).decision.offers).toEqual(first.decision.offers)
})

test('an offer that a guardrail leaves out is offered in spite of it, also by the final gate', async () => {
  const guardrails = pieces.guardrails.map((guardrail) =>
    guardrail.id === 'quiet-in-mourning'
      ? { ...guardrail, closes: { ...guardrail.closes, exceptCategories: ['study_credit'] } }
      : guardrail,
  )
  const bank = createBank(await loadBank({ guardrails }))
  settle(bank, 'c', at - 2)
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at - 1 })
  expect(offersOf(bank.ask('c', 'home-banner', { at, count: 3 }))).toEqual(['study-loan'])
})

test('a term counts only as far as it is guaranteed and positive', async () => {
  const terms = (value: string, lever: string) =>
    pieces.offers.map((offer) => (offer.id === 'study-loan' ? { ...offer, value, lever } : offer))
  const score = async (value: string, lever: string) => {
    const bank = createBank(await loadBank({ offers: terms(value, lever) }))
    const fates = bank.ask('stranger', 'home-banner', { at }).decision.fates
    const fate = fates.find((candidate) => candidate.offer === 'study-loan')
    return [fate?.value, fate?.lever, fate?.score]
  }
  expect(await score('maternity_growth', '3.0')).toEqual([0, 3, 0])
  expect(await score('early_education_30d >= 1 ? 2.0 : -1.0', 'maternity_30d >= 1 ? 1.0 : -2.0')).toEqual([0, 0, 0])
  expect(await score('profile.student ? 2.0 : 4.0', '1.0')).toEqual([2, 1, 2])
})

test('several offers are valid together only as long as the shortest of them', async () => {
  const offers = pieces.offers.map((offer) => (offer.id === 'beauty-loan' ? { ...offer, validFor: '1h' } : offer))
  const bank = createBank(await loadBank({ offers }))
  settle(bank, 'c', at - 1)
  expect(bank.ask('c', 'home-banner', { at, count: 3 }).decision.notAfter).toBe(at + 3_600_000)
})

test('a placement that the pack does not have, or that triggers fill, gets nothing', () => {
  const bank = createBank(pack)
  for (const placement of ['nowhere', 'sms-out'])
    expect(bank.ask('c', placement, { at }).decision).toMatchObject({
      placement,
      outcome: 'none',
      reason: 'no_candidate',
    })
})
