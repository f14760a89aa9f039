/** What an event does and what its triggers lead to, with a real pack and real states. */
import { expect, test } from 'vitest'
import { type Bank, createBank, day0, dayMs, fateOf, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const pack = await loadBank()
const at = day0 + 110 * dayMs

/** Two maternity purchases in each of the three windows before, then `recent` in the last thirty days. */
function expectAChild(bank: Bank, customer: string, recent: number): ReturnType<Bank['send']> | undefined {
  for (const day of [5, 15, 35, 45, 65, 75]) purchase(bank, customer, day0 + day * dayMs)
  let last: ReturnType<Bank['send']> | undefined
  for (let i = recent - 1; i >= 0; i--) last = purchase(bank, customer, at - i * 3_600_000)
  return last
}

function purchase(bank: Bank, customer: string, when: number): ReturnType<Bank['send']> {
  return bank.send(customer, 'card.purchase', { merchantCategory: 'maternity' }, { at: when })
}

function search(bank: Bank, customer: string, when: number): ReturnType<Bank['send']> {
  return bank.send(customer, 'search.made', { category: 'early_education' }, { at: when })
}

test('six purchases against a baseline of two fire the family bundle when the search came before', () => {
  const bank = createBank(pack)
  settle(bank, 'c', day0)
  search(bank, 'c', at - 10 * dayMs)
  const [decision] = expectAChild(bank, 'c', 6)?.decisions ?? []
  expect(decision?.outcome).toBe('offered')
  expect(decision?.offers).toEqual([{ offer: 'family-bundle', score: 3 }])
})

test('six purchases against a baseline of two fire the family bundle when the search comes after', () => {
  const bank = createBank(pack)
  settle(bank, 'c', day0)
  expect(expectAChild(bank, 'c', 6)?.decisions).toEqual([])
  const [decision] = search(bank, 'c', at + 1).decisions
  expect(decision?.offers.map((item) => item.offer)).toEqual(['family-bundle'])
  expect(fateOf(decision, 'family-bundle')).toBe('offered/offered')
})

test('five purchases against a baseline of two do not fire, nor do six without the search', () => {
  const bank = createBank(pack)
  settle(bank, 'five', day0)
  search(bank, 'five', at - 10 * dayMs)
  expect(expectAChild(bank, 'five', 5)?.decisions).toEqual([])
  settle(bank, 'silent', day0)
  expect(expectAChild(bank, 'silent', 6)?.decisions).toEqual([])
})

test.each([
  [499_999, 0],
  [500_000, 1],
])('a repayment of %i minor units leads to %i decisions', (amount, decisions) => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  expect(bank.send('c', 'repayment.made', { amount }, { at }).decisions).toHaveLength(decisions)
})

test('the same repayment twice counts and thanks once', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const first = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'same' })
  const second = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'same' })
  const elsewhere = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'same', source: 'app' })
  expect([first.status, second.status, elsewhere.status]).toEqual(['accepted', 'duplicate', 'accepted'])
  expect([first, second, elsewhere].map((outcome) => outcome.decisions.length)).toEqual([1, 0, 1])
  expect(bank.states.contactCount(bank.slot('c'))).toBe(2)
})

test('an event without a hit is answered with a shared outcome that nothing can change', () => {
  const bank = createBank(pack)
  const first = bank.send('c', 'card.purchase', {}, { at })
  const second = bank.send('d', 'search.made', {}, { at })
  expect(first).toBe(second)
  expect(Object.isFrozen(first)).toBe(true)
})

test('an event older than the lateness is refused and can be sent again with a younger log', () => {
  const bank = createBank(pack)
  const late = { at: at - dayMs - 1, acceptedAt: at, id: 'late' }
  expect(bank.send('c', 'repayment.made', {}, late).status).toBe('too_late')
  expect(bank.send('c', 'repayment.made', {}, { ...late, at: at - dayMs }).status).toBe('accepted')
})

test('an amount in another currency is refused before the event is remembered', () => {
  const bank = createBank(pack)
  const refused = bank.send('c', 'repayment.made', { amount: 500_000, currency: 'EUR' }, { at, id: 'e' })
  expect(refused.status).toBe('wrong_currency')
  expect(bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'e' }).status).toBe('accepted')
})

test('a customer whose state is too large takes no more events, and what was refused is not remembered', () => {
  const bank = createBank(pack, undefined, { hardLimitBytes: 600 })
  let sent = 0
  const send = () => bank.send('c', 'card.purchase', {}, { at: at + sent, id: `purchase-${sent}` }).status
  while (sent < 1_000 && send() === 'accepted') sent++
  expect(sent).toBeGreaterThan(3)
  expect([send(), send()]).toEqual(['state_too_large', 'state_too_large'])
})

test('an event further ahead than any clock is refused, so that it cannot count again when its id is forgotten', () => {
  const bank = createBank(pack)
  const ahead = 14 * 3_600_000
  const send = (by: number, id: string, acceptedAt: number) =>
    bank.send('c', 'repayment.made', {}, { at: at + by, acceptedAt, id }).status
  expect(send(ahead + 1, 'far', at)).toBe('time_invalid')
  expect(send(ahead, 'near', at)).toBe('accepted')
  // The latest instant at which it is not too late yet: a duplicate still.
  expect(send(ahead, 'near', at + ahead + dayMs)).toBe('duplicate')
  expect(send(ahead, 'near', at + ahead + dayMs + 1)).toBe('too_late')
})

test('a time more than five seconds after arrival counts as the arrival', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const ahead = bank.send('c', 'repayment.made', { amount: 500_000 }, { at: at + 5_001, acceptedAt: at })
  expect([ahead.clamped, ahead.decisions[0]?.eventTime]).toEqual([true, at])
  const close = bank.send('c', 'repayment.made', { amount: 500_000 }, { at: at + 5_000, acceptedAt: at })
  expect([close.clamped, close.decisions[0]?.eventTime]).toEqual([false, at + 5_000])
  expect(bank.send('c', 'search.made', {}, { at: at + 6_000, acceptedAt: at }).clamped).toBe(true)
})

test('a clock that is a little ahead outdoes nothing that another system says afterwards', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const ahead = { at: at + 4_500, acceptedAt: at }
  bank.send('c', 'life_event.reported', { kind: 'unemployment', resolved: true }, ahead)
  bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at: at + 1_000 })
  expect(fateOf(bank.ask('c', 'home-banner', { at: at + 1_001 }).decision, 'consumer-loan')).toBe(
    'guardrail/unemployment/no-credit-without-income',
  )
  bank.send('c', 'profile.updated', { employmentStatus: 'employed' }, ahead)
  bank.send('c', 'profile.updated', { employmentStatus: 'student' }, { at: at + 1_000 })
  expect(boundsOf(bank, 'c', 'profile.employment')).toEqual([4, 4])
})

test('an event that waited longer than the freshness counts but does not send', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const waited = 15 * 60_000
  const fresh = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, now: at + waited })
  expect(fateOf(fresh.decisions[0], 'repayment-thanks')).toBe('offered/offered')
  const stale = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, now: at + waited + 1 })
  expect(stale.decisions[0]).toMatchObject({ outcome: 'none', reason: 'all_dropped', offers: [], notAfter: 0 })
  expect(fateOf(stale.decisions[0], 'repayment-thanks')).toBe('trigger/stale_event')
  expect(bank.states.contactCount(bank.slot('c'))).toBe(1)
})

test('data of an unlawful source counts in no feature, sets nothing and offers nothing', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const outcome = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, source: 'crawler' })
  expect(outcome.status).toBe('accepted')
  expect(fateOf(outcome.decisions[0], 'repayment-thanks')).toBe('guardrail/unlawful_source/lawful-data-only')
  expect(outcome.decisions[0]?.features).toContainEqual({ name: 'source.lawful', lo: 0, hi: 0, class: 'exact' })

  bank.send('c', 'card.purchase', { merchantCategory: 'maternity' }, { at, source: 'not-listed' })
  bank.send('c', 'profile.updated', { employmentStatus: 'student' }, { at, source: 'crawler' })
  expect(boundsOf(bank, 'c', 'maternity_30d')).toEqual([0, 0])
  expect(boundsOf(bank, 'c', 'profile.employment')).toEqual([0, 0])
})

test('a pack whose guardrail against unlawful data spares service messages still offers nothing on such data', async () => {
  const guardrails = pieces.guardrails.map((guardrail) =>
    guardrail.id === 'lawful-data-only'
      ? { ...guardrail, closes: { categories: 'all', classes: ['marketing'] } }
      : guardrail,
  )
  const bank = createBank(await loadBank({ guardrails }))
  settle(bank, 'c', at)
  const outcome = bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at, source: 'crawler' })
  expect(fateOf(outcome.decisions[0], 'hardship-help')).toBe('guardrail/unlawful_source')
})

test('an unlawful source may close but not open: it sets a suppression and lifts none', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at, source: 'crawler' })
  bank.send('c', 'life_event.reported', { kind: 'unemployment', resolved: true }, { at: at + 1, source: 'crawler' })
  expect(fateOf(bank.ask('c', 'home-banner', { at: at + 2 }).decision, 'consumer-loan')).toBe(
    'guardrail/unemployment/no-credit-without-income',
  )
})

test('an attribute that a source no longer knows reads as unknown', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  bank.send('c', 'profile.updated', { cleared: ['riskGrade'] }, { at: at + 1 })
  bank.send('c', 'profile.updated', { employmentStatus: 'unknown' }, { at: at + 2 })
  expect(boundsOf(bank, 'c', 'profile.assets')).toEqual([10_000_000, 10_000_000])
  expect(boundsOf(bank, 'c', 'profile.riskGrade')).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
})

test('three messages in seven days are the cap; the oldest ages out a millisecond after seven days', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const thank = (when: number) =>
    fateOf(bank.send('c', 'repayment.made', { amount: 500_000 }, { at: when }).decisions[0], 'repayment-thanks')
  const full = 'contact/cap_reached/sms-3-in-7d'
  expect([0, 1, 2, 3].map((hour) => thank(at + hour * 3_600_000))).toEqual([
    ...['offered/offered', 'offered/offered', 'offered/offered'],
    full,
  ])
  expect(thank(at + 7 * dayMs)).toBe(full)
  expect(thank(at + 7 * dayMs + 1)).toBe('offered/offered')
  expect(thank(at + 7 * dayMs + 2)).toBe(full)
})

test('a message that failed gives its place under the cap back, once', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  const thank = (when: number) => bank.send('c', 'repayment.made', { amount: 500_000 }, { at: when }).decisions[0]
  const sent = [1, 2, 3].map((ms) => thank(at + ms))
  expect(thank(at + 4)?.outcome).toBe('none')
  bank.send('c', 'message.failed', { decisionId: sent[0]?.id ?? '' }, { at: at + 5 })
  bank.send('c', 'message.failed', { decisionId: sent[0]?.id ?? '' }, { at: at + 6 })
  bank.send('c', 'message.failed', { decisionId: 'f'.repeat(32) }, { at: at + 7 })
  expect(thank(at + 8)?.outcome).toBe('offered')
  expect(thank(at + 9)?.outcome).toBe('none')
})

test('service messages pass a full cap and still meet every guardrail', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  for (const ms of [1, 2, 3]) bank.send('c', 'repayment.made', { amount: 500_000 }, { at: at + ms })
  const [decision] = bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at: at + 4 }).decisions
  expect(fateOf(decision, 'hardship-help')).toBe('offered/offered')
  expect(fateOf(decision, 'sms-loan')).toBe('guardrail/unemployment/no-credit-without-income')
  const unlawful = bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at: at + 5, source: 'crawler' })
  expect(fateOf(unlawful.decisions[0], 'hardship-help')).toBe('guardrail/unlawful_source/lawful-data-only')
})

test('a decision id derives from the cause: the same after a restart, another for another event', () => {
  const decide = (id: string) => {
    const bank = createBank(pack)
    settle(bank, 'c', at)
    return bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id }).decisions[0]
  }
  expect(decide('e1')).toEqual(decide('e1'))
  expect(decide('e1')?.id).not.toBe(decide('e2')?.id)
})

function boundsOf(bank: Bank, customer: string, name: string): readonly number[] {
  const { pack: compiled, states } = bank.context
  const variable = compiled.variables.findIndex((candidate) => candidate.name === name)
  const lo = new Float64Array(compiled.layout.variables)
  const hi = new Float64Array(compiled.layout.variables)
  states.evaluate(bank.slot(customer), at + 10, at + 10, [variable], lo, hi)
  return [lo[variable]!, hi[variable]!]
}
