/** Customers of the shipped pack, told event by event through the real step and real states. */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import type { FieldValue } from '../../ingest/event.ts'
import { loadPack } from '../../rules/load-pack.ts'
import type { Decision } from '../../sinks/decision.ts'
import { createBank, day0, dayMs } from '../engine/step/bank.ts'
import { retailBank } from './patched-pack.ts'

const loaded = await loadPack(retailBank)
assert(loaded.kind === 'ok')
const { pack } = loaded
const c = 'customer'
const start = day0 + 200 * dayMs

type Story = ReturnType<typeof tell>

/** A customer who is known and has agreed to everything, unless the profile says otherwise. */
function tell(profile: Readonly<Record<string, FieldValue>> = {}) {
  const bank = createBank(pack)
  let at = day0
  const send = (
    type: string,
    data: Readonly<Record<string, FieldValue>>,
    when: number,
    source = 'core-banking',
  ): readonly Decision[] => {
    const outcome = bank.send(c, type, data, { at: when, source })
    expect(outcome.status).toBe('accepted')
    return outcome.decisions
  }
  const tellProfile = (data: Readonly<Record<string, FieldValue>>, when: number) =>
    send('profile.updated', { ...data, cleared: [] }, when, 'crm')
  const known = { employmentStatus: 'employed', studentStatus: false, riskGrade: 'balanced', currency: 'CNY' }
  tellProfile({ ...known, birthDate: Date.UTC(1987, 4, 12), ...profile }, start - dayMs)
  for (const channel of ['sms', 'push', 'email', 'phone']) {
    send('consent.updated', { channel, granted: true, purpose: 'marketing' }, start - dayMs + ++at - day0, 'crm')
  }
  return {
    send,
    tellProfile,
    buy: (merchantCategory: string, when: number, amount = 10_000) =>
      send('card.purchase', { amount, currency: 'CNY', merchantCategory, channel: 'pos', country: 'CN' }, when),
    search: (category: string, when: number) => send('search.made', { category }, when, 'mobile-app'),
    view: (pageGroup: string, when: number, dwellMs = 30_000) =>
      send('page.viewed', { page: pageGroup, pageGroup, dwellMs }, when, 'mobile-app'),
    life: (kind: string, resolved: boolean, when: number) =>
      send('life_event.reported', { kind, resolved }, when, 'crm'),
    ask: (placement: string, when: number, count = 1) => bank.ask(c, placement, { at: when, count }).decision,
  }
}

const offersOf = (decisions: readonly Decision[]): readonly string[] =>
  decisions.flatMap((decision) => decision.offers.map((item) => item.offer))
const reasonOf = (decision: Decision | undefined, offer: string): string | undefined =>
  decision?.fates.find((fate) => fate.offer === offer)?.reason

/** Two maternity purchases in each of three windows of 30 days; then `recent` of them in the fourth, a day apart. */
function mother(
  story: Story,
  recent: number,
): { readonly last: readonly Decision[]; readonly all: readonly Decision[] } {
  for (const window of [4, 3, 2]) {
    for (const day of [5, 10]) story.buy('maternity', start + (day - window * 30) * dayMs + 60 * dayMs)
  }
  const all: Decision[] = []
  let last: readonly Decision[] = []
  for (let n = 0; n < recent; n++) {
    last = story.buy('maternity', start + (40 + n) * dayMs)
    all.push(...last)
  }
  return { last, all }
}

test('three times the usual maternity purchases after a search for early education: the family bundle, once', () => {
  const story = tell()
  story.search('early_education', start + 35 * dayMs)
  const { last, all } = mother(story, 6)
  expect(offersOf(last)).toEqual(['family_bundle'])
  expect(offersOf(all)).toEqual(['family_bundle'])
  const again = story.buy('maternity', start + 46 * dayMs)
  expect(offersOf(again)).toEqual([])
  expect(reasonOf(again[0], 'family_bundle')).toBe('cap_reached')
})

test('the search may come last', () => {
  const story = tell()
  expect(offersOf(mother(story, 6).all)).toEqual([])
  expect(offersOf(story.search('early_education', start + 46 * dayMs))).toEqual(['family_bundle'])
})

test('two and a half times is not enough', () => {
  const story = tell()
  story.search('early_education', start + 35 * dayMs)
  expect(offersOf(mother(story, 5).all)).toEqual([])
})

test('the bundle holds a credit, so it is withheld as a whole from who lost their job', () => {
  const story = tell()
  story.search('early_education', start + 35 * dayMs)
  expect(offersOf(story.life('unemployment', false, start + 36 * dayMs))).toEqual(['hardship_help'])
  const { last } = mother(story, 6)
  expect(offersOf(last)).toEqual([])
  expect(reasonOf(last[0], 'family_bundle')).toBe('unemployment')
})

test('a third look at exchange rates within a day brings the wallet', () => {
  const story = tell()
  expect(offersOf(story.view('fx', start))).toEqual([])
  expect(offersOf(story.view('fx', start + 3_600_000))).toEqual([])
  expect(offersOf(story.view('fx', start + 7_200_000))).toEqual(['fx_wallet'])
})

test('a repayment of 5,000.00 is thanked for, one of 4,999.99 is not', () => {
  const story = tell()
  const repay = (amount: number, when: number) =>
    story.send('repayment.made', { amount, currency: 'CNY', product: 'credit_card' }, when)
  expect(offersOf(repay(499_999, start))).toEqual([])
  expect(offersOf(repay(500_000, start + 1))).toEqual(['repayment_thanks'])
})

test('who opens an account is welcomed without consent and without a profile', () => {
  const bank = createBank(pack)
  const data = { accountType: 'current', channel: 'app', advisor: null }
  const { decisions } = bank.send('new', 'account.opened', data, { at: start, source: 'core-banking' })
  expect(offersOf(decisions)).toEqual(['welcome'])
})

test('somebody nobody knows gets the safe offer everywhere, because it is a cold start', () => {
  for (const [placement, offer] of [
    ['app_home_banner', 'banner_security_tips'],
    ['app_offers', 'newcomer_start'],
  ] as const) {
    const { decision } = createBank(pack).ask('stranger', placement, { at: start })
    expect([decision.outcome, decision.reason, offersOf([decision])]).toEqual(['fallback', 'cold_start', [offer]])
  }
})

test.each([
  [49_999_999, 'banner_term_deposit'],
  [50_000_000, 'banner_r2_income'],
  [99_999_999, 'banner_r2_income'],
])('a steady customer with %s in minor units sees %s on the home screen', (totalAssets, banner) => {
  const story = tell({ riskGrade: 'steady', totalAssets })
  expect(offersOf([story.ask('app_home_banner', start)])).toEqual([banner])
})

test('with exactly a million the private banking banner is due', () => {
  expect(offersOf([tell({ totalAssets: 100_000_000 }).ask('app_home_banner', start)])).toEqual([
    'banner_private_banking',
  ])
})

test('where others see a loan, who lost their job sees help', () => {
  const story = tell()
  for (const days of [0, 20, 40]) {
    const salary = { amount: 900_000, currency: 'CNY', direction: 'in', kind: 'salary', counterpartyBank: null }
    story.send('transfer.made', salary, start + days * dayMs)
  }
  story.view('loans', start + 41 * dayMs)
  expect(offersOf(story.view('loans', start + 42 * dayMs))).toEqual(['consumer_loan'])
  expect(offersOf([story.ask('app_offers', start + 42 * dayMs + 1)])).toEqual(['consumer_loan'])
  story.life('unemployment', false, start + 43 * dayMs)
  const after = story.ask('app_offers', start + 43 * dayMs + 1, 3)
  expect(offersOf([after])).toEqual(['hardship_help'])
  expect(reasonOf(after, 'consumer_loan')).toBe('unemployment')
})

test('after a death in the family nothing is sold for 30 days, and no journey on credit for 90', () => {
  const story = tell()
  story.life('bereavement', false, start)
  const travel = (day: number) => story.buy('travel', start + day * dayMs, 600_000)
  expect(reasonOf(travel(29)[0], 'travel_instalments')).toBe('bereavement')
  for (const hour of [1, 2]) story.view('fx', start + 29 * dayMs + hour * 3_600_000)
  expect(reasonOf(story.view('fx', start + 29 * dayMs + 4 * 3_600_000)[0], 'fx_wallet')).toBe('bereavement')
  for (const hour of [1, 2]) story.view('fx', start + 31 * dayMs + hour * 3_600_000)
  expect(offersOf(story.view('fx', start + 31 * dayMs + 4 * 3_600_000))).toEqual(['fx_wallet'])
  expect(reasonOf(travel(89)[0], 'travel_instalments')).toBe('bereavement')
  expect(offersOf(travel(91))).toEqual(['travel_instalments'])
})

test('a student is offered the study loan, and no instalments for a new console', () => {
  const story = tell({ studentStatus: true, employmentStatus: 'student' })
  for (const day of [0, 1]) story.buy('gaming', start + day * dayMs)
  expect(reasonOf(story.buy('gaming', start + 2 * dayMs)[0], 'gaming_instalments')).toBe('student')
  story.view('study_abroad', start + 3 * dayMs)
  expect(reasonOf(story.view('study_abroad', start + 4 * dayMs)[0], 'study_loan')).not.toBe('student')
  expect(offersOf([story.ask('app_offers', start + 4 * dayMs + 1, 3)])).toEqual(['study_abroad_package', 'study_loan'])
})

test('what a crawler sends is counted nowhere and offers nothing', () => {
  const story = tell()
  for (const hour of [0, 1, 2, 3]) {
    const view = { page: 'fx', pageGroup: 'fx', dwellMs: 1_000 }
    expect(offersOf(story.send('page.viewed', view, start + hour * 3_600_000, 'dataharvest-crawler'))).toEqual([])
  }
  expect(offersOf(story.view('fx', start + 4 * 3_600_000))).toEqual([])
})

test('consent that was withdrawn works at once', () => {
  const story = tell()
  for (const hour of [0, 1]) story.view('fx', start + hour * 3_600_000)
  story.send('consent.updated', { channel: 'push', granted: false, purpose: 'marketing' }, start + 5_400_000, 'crm')
  const decisions = story.view('fx', start + 7_200_000)
  expect(offersOf(decisions)).toEqual([])
  expect(reasonOf(decisions[0], 'fx_wallet')).toBe('no_consent')
})
