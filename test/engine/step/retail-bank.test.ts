/** The pack that ships, through the step: the promises a bank would check first. */
import { expect, test } from 'vitest'
import type { FieldValue } from '../../../ingest/event.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { type Bank, createBank, day0, dayMs, fateOf, offersOf } from './bank.ts'

const result = await loadPack('rules/packs/retail-bank')
if (result.kind !== 'ok') throw new Error('the pack that ships loads')
const { pack } = result
const at = day0 + 110 * dayMs
const adult = Date.UTC(1987, 4, 12)
const inbound = pack.model.placements.filter((placement) => placement.direction === 'inbound')

function welcome(bank: Bank, customer: string, data: Readonly<Record<string, FieldValue>> = {}, when = day0): void {
  const known = { employmentStatus: 'employed', studentStatus: false, riskGrade: 'steady', birthDate: adult }
  const profile = { ...known, ...data }
  bank.send(customer, 'profile.updated', profile, { at: when })
  for (const channel of ['sms', 'push', 'email', 'phone'])
    bank.send(customer, 'consent.updated', { channel }, { at: when })
}

const buy = (bank: Bank, customer: string, merchantCategory: string, when: number) =>
  bank.send(customer, 'card.purchase', { merchantCategory }, { at: when }).decisions
const search = (bank: Bank, when: number) =>
  bank.send('c', 'search.made', { category: 'early_education' }, { at: when }).decisions
const offered = (decisions: readonly Decision[]) =>
  decisions.flatMap((decision) => decision.offers.map((item) => item.offer))

function tripleMaternity(bank: Bank, recent: number): readonly Decision[] {
  for (const day of [5, 15, 35, 45, 65, 75]) buy(bank, 'c', 'maternity', day0 + day * dayMs)
  return Array.from({ length: recent }, (_, i) => buy(bank, 'c', 'maternity', at + i * 1_000)).flat()
}

test('mother and baby: six purchases against a baseline of two and a search, in either order, offer the bundle once', () => {
  const before = createBank(pack)
  welcome(before, 'c')
  search(before, at - 5 * dayMs)
  expect(offered(tripleMaternity(before, 6))).toEqual(['family_bundle'])
  expect(offered(buy(before, 'c', 'maternity', at + 10_000))).toEqual([])

  const after = createBank(pack)
  welcome(after, 'c')
  expect(offered(tripleMaternity(after, 6))).toEqual([])
  expect(offered(search(after, at + 10_000))).toEqual(['family_bundle'])
  expect(offered(search(after, at + 20_000))).toEqual([])
})

test('mother and baby: five purchases do not, nor does the bundle go to somebody too careful for its insurance', () => {
  const five = createBank(pack)
  welcome(five, 'c')
  search(five, at - 5 * dayMs)
  expect(tripleMaternity(five, 5)).toEqual([])

  const careful = createBank(pack)
  welcome(careful, 'c', { riskGrade: 'conservative' })
  search(careful, at - 5 * dayMs)
  expect(fateOf(tripleMaternity(careful, 6)[0], 'family_bundle')).toBe('suitability/unsuitable_risk_grade')
})

test('a repayment of 5,000.00 is thanked for once, one of 4,999.99 is not', () => {
  const bank = createBank(pack)
  welcome(bank, 'c')
  const repay = (amount: number, id: string) =>
    offered(bank.send('c', 'repayment.made', { amount }, { at, id }).decisions)
  expect([repay(499_999, 'a'), repay(500_000, 'b'), repay(500_000, 'b')]).toEqual([[], ['repayment_thanks'], []])
})

test.each([
  ['499,999.99', 49_999_999, 'banner_term_deposit'],
  ['500,000.00', 50_000_000, 'banner_r2_income'],
  ['999,999.99', 99_999_999, 'banner_r2_income'],
  ['1,000,000.00', 100_000_000, 'banner_private_banking'],
])('a steady customer with %s sees the banner of their step', (_, totalAssets, banner) => {
  const bank = createBank(pack)
  welcome(bank, 'c', { totalAssets, currency: 'CNY' })
  expect(offersOf(bank.ask('c', 'app_home_banner', { at: day0 + 1 }))).toEqual([banner])
})

test('who lost their job is offered help and no consumer credit, in a thousand requests', () => {
  const bank = createBank(pack)
  welcome(bank, 'c', {}, at - 100 * dayMs)
  const closed = new Set(['consumer_loan', 'beauty_loan', 'gaming_loan', 'travel_loan', 'family'])
  for (const day of [60, 30, 1]) bank.send('c', 'transfer.made', { ...salary }, { at: at - day * dayMs })
  const view = (when: number) => bank.send('c', 'page.viewed', { pageGroup: 'loans' }, { at: when })
  view(at - 3_000)
  view(at - 2_000)
  expect(offersOf(bank.ask('c', 'app_offers', { at: at - 1, count: 3 }))).toContain('consumer_loan')
  expect(offered(bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at }).decisions)).toEqual([
    'hardship_help',
  ])
  for (let i = 1; i <= 1_000; i++) {
    const { decision } = bank.ask('c', 'app_offers', { at: at + i * 1_000, count: 3 })
    expect(decision.offers.length).toBeGreaterThan(0)
    for (const { offer } of decision.offers) expect(closed.has(categoryOf(offer))).toBe(false)
  }
  expect(fateOf(bank.ask('c', 'app_offers', { at: at + dayMs, count: 3 }).decision, 'consumer_loan')).toBe(
    'guardrail/unemployment/no-credit-after-job-loss',
  )
})

test('a bereaved customer who marries gets no honeymoon instalments', () => {
  const marry = (bank: Bank) => bank.send('c', 'life_event.reported', { kind: 'marriage' }, { at }).decisions
  const happy = createBank(pack)
  welcome(happy, 'c')
  expect(offered(marry(happy))).toEqual(['honeymoon_instalments'])
  const bereaved = createBank(pack)
  welcome(bereaved, 'c')
  bereaved.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at - 60 * dayMs })
  expect(fateOf(marry(bereaved)[0], 'honeymoon_instalments')).toBe(
    'guardrail/bereavement/no-leisure-credit-after-bereavement',
  )
})

test.each<[string, Readonly<Record<string, FieldValue>>, boolean]>([
  ['no student', {}, true],
  ['a student', { studentStatus: true }, false],
  ['a student by employment', { employmentStatus: 'student' }, false],
  ['of unknown status', { studentStatus: null }, false],
])('somebody who is %s: beauty and gaming instalments by message', (_, data, open) => {
  const bank = createBank(pack)
  welcome(bank, 'c', data)
  for (const category of ['beauty', 'gaming']) {
    const when = category === 'beauty' ? at : at + 40 * dayMs
    const decisions = [0, 1, 2].flatMap((i) => buy(bank, 'c', category, when + i))
    expect(offered(decisions)).toEqual(open ? [`${category}_instalments`] : [])
    if (!open) expect(fateOf(decisions[0], `${category}_instalments`)).toMatch(/^guardrail\/student\//)
  }
})

test('nobody known gets one safe offer at every placement, and the reason is cold start', () => {
  const bank = createBank(pack)
  // The adviser has something that is the same for everybody.
  for (const placement of inbound.filter(({ id }) => id !== 'adviser_desk')) {
    const { decision, reserves } = bank.ask('nobody', placement.id, { at, count: placement.slots })
    expect(decision).toMatchObject({ outcome: 'fallback', reason: 'cold_start' })
    expect(decision.offers.map((item) => item.offer)).toEqual([placement.fallback])
    expect(reserves).toBe(false)
  }
})

test('without consent nothing is sent as marketing, and what a crawler says leads to nothing at all', () => {
  const bank = createBank(pack)
  bank.send(
    'c',
    'profile.updated',
    { employmentStatus: 'employed', studentStatus: false, birthDate: adult },
    { at: day0 },
  )
  const [marriage] = bank.send('c', 'life_event.reported', { kind: 'marriage' }, { at }).decisions
  expect(fateOf(marriage, 'honeymoon_instalments')).toBe('guardrail/no_consent/no-push-marketing-without-consent')
  const sent = bank.send('c', 'repayment.made', { amount: 900_000 }, { at, source: 'some-crawler' }).decisions
  expect(fateOf(sent[0], 'repayment_thanks')).toBe('guardrail/unlawful_source/no-offer-from-unlawful-data')
})

const salary = { amount: 1_000_000, currency: 'CNY', direction: 'in', kind: 'salary', counterpartyBank: null }

function categoryOf(offer: string): string {
  return pack.model.offers.find((candidate) => candidate.id === offer)?.category ?? ''
}

test('a loss of work that is reported too late to count still closes consumer credit, and is never lifted that way', () => {
  const bank = createBank(pack)
  welcome(bank, 'c')
  const key = bank.context.pack.guardrails.find((guardrail) => guardrail.id === 'no-credit-after-job-loss')?.key ?? 0
  const report = (resolved: boolean, daysAgo: number) =>
    bank.send(
      'c',
      'life_event.reported',
      { kind: 'unemployment', resolved },
      { at: at - daysAgo * dayMs, acceptedAt: at },
    )
  expect(report(false, 20).status).toBe('too_late')
  expect(bank.states.suppressedUntil(bank.slot('c'), key)).toBe(at + 160 * dayMs)
  expect(report(true, 10).status).toBe('too_late')
  expect(bank.states.suppressedUntil(bank.slot('c'), key)).toBe(at + 160 * dayMs)
})
