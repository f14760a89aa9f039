/**
 * The red lines of the pack that ships, told event by event: when a guardrail begins to close, when it ends, what ends it
 * early, and what does not.
 */
import { expect, test } from 'vitest'
import type { FieldValue } from '../../../ingest/event.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import { type Bank, createBank, day0, dayMs } from './bank.ts'

const result = await loadPack('rules/packs/retail-bank')
if (result.kind !== 'ok') throw new Error('the pack that ships loads')
const { pack } = result
const at = day0 + 400 * dayMs
const c = 'customer'

/** A customer to whom everything may be offered: loans, funds, currency, the family bundle, savings. */
function everybodysDarling(profile: Readonly<Record<string, FieldValue>> = {}): Bank {
  const bank = createBank(pack)
  know(bank, profile, at - 10 * dayMs)
  for (const channel of ['sms', 'push', 'email', 'phone'])
    bank.send(c, 'consent.updated', { channel }, { at: at - 10 * dayMs })
  return bank
}

function know(bank: Bank, profile: Readonly<Record<string, FieldValue>>, when: number): void {
  const known = { employmentStatus: 'employed', studentStatus: false, riskGrade: 'balanced', currency: 'CNY' }
  const born = Date.UTC(1987, 4, 12)
  bank.send(c, 'profile.updated', { ...known, birthDate: born, totalAssets: 20_000_000, ...profile }, { at: when })
}

const life = (bank: Bank, kind: string, resolved: boolean, when: number) =>
  bank.send(c, 'life_event.reported', { kind, resolved }, { at: when })

/** Does what makes every offer of the app's page eligible, then asks for all of them: reason by offer, `offered` or not. */
function reasonsAt(bank: Bank, when: number): Readonly<Record<string, string>> {
  for (const days of [60, 40, 2]) {
    const salary = { amount: 1_000_000, currency: 'CNY', direction: 'in', kind: 'salary', counterpartyBank: null }
    bank.send(c, 'transfer.made', salary, { at: when - days * 3_600_000 })
  }
  for (const pageGroup of ['loans', 'fx', 'wealth', 'study_abroad']) {
    for (const minute of [1, 2, 3]) bank.send(c, 'page.viewed', { pageGroup }, { at: when - minute * 60_000 })
  }
  const { decision } = bank.ask(c, 'app_offers', { at: when, count: 3 })
  const open = ['offered', 'placement_full', 'lost_arbitration']
  return Object.fromEntries(
    decision.fates.map((fate) => [fate.offer, open.includes(fate.reason) ? 'open' : fate.reason]),
  )
}

const watched = ['consumer_loan', 'wealth_r2_bonds', 'fx_wallet', 'wealth_r1_deposit', 'study_abroad_package'] as const

function looks(bank: Bank, when: number): readonly string[] {
  const reasons = reasonsAt(bank, when)
  return watched.map((offer) => reasons[offer] ?? 'no candidate')
}

const allOpen = watched.map(() => 'open')

test('nothing stands in the way of somebody who is well, of age and content', () => {
  expect(looks(everybodysDarling(), at)).toEqual(allOpen)
})

test.each<[kind: string, reason: string, days: number, closed: readonly boolean[]]>([
  ['illness', 'illness', 180, [true, false, false, false, false]],
  ['divorce', 'divorce', 180, [true, false, false, false, false]],
  ['hardship', 'hardship', 365, [true, true, true, false, false]],
])('%s closes for its time, to the millisecond, and ends early when it is over', (kind, reason, days, closed) => {
  const expected = closed.map((one) => (one ? reason : 'open'))
  const lasting = everybodysDarling()
  life(lasting, kind, false, at)
  expect(looks(lasting, at + 1)).toEqual(expected)
  const end = at + days * dayMs
  // The profile's answers are a year old by then: they are given again.
  know(lasting, {}, end - dayMs)
  expect(looks(lasting, end - 1)).toEqual(expected)
  expect(looks(lasting, end)).toEqual(allOpen)

  const over = everybodysDarling()
  life(over, kind, false, at)
  expect(looks(over, at + dayMs)).toEqual(expected)
  life(over, kind, true, at + 2 * dayMs)
  expect(looks(over, at + 2 * dayMs + 1)).toEqual(allOpen)
  life(over, kind, false, at + 3 * dayMs)
  expect(looks(over, at + 3 * dayMs + 1)).toEqual(expected)
})

test('the end of one trouble is not the end of another', () => {
  const bank = everybodysDarling()
  life(bank, 'illness', false, at)
  life(bank, 'hardship', false, at)
  life(bank, 'illness', true, at + dayMs)
  expect(looks(bank, at + dayMs + 1)).toEqual(['hardship', 'hardship', 'hardship', 'open', 'open'])
})

test.each(['illness', 'hardship'])('whoever reports %s is offered help at once', (kind) => {
  const bank = everybodysDarling()
  const offers = life(bank, kind, false, at).decisions.flatMap((decision) => decision.offers.map((item) => item.offer))
  expect(offers).toEqual(['hardship_help'])
  expect(bank.ask(c, 'app_offers', { at: at + 1, count: 3 }).decision.offers[0]?.offer).toBe('hardship_help')
})

const birthday = Date.parse('2009-02-05T00:00:00+08:00')
const adultAt = Date.parse('2027-02-05T00:00:00+08:00')

test("a minor is of age from the first instant of the 18th birthday in the bank's zone", () => {
  expect(adultAt).toBe(at - 8 * 3_600_000)
  const bank = everybodysDarling({ birthDate: birthday })
  expect(looks(bank, adultAt - 1)).toEqual(['minor', 'minor', 'open', 'open', 'open'])
  expect(looks(bank, adultAt)).toEqual(allOpen)
})

test.each([
  ['nobody ever said', { birthDate: null }],
  ['is a placeholder', { birthDate: Date.UTC(1900, 0, 1) }],
])('a birth date that %s counts as that of a minor', (_, profile) => {
  expect(looks(everybodysDarling(profile), at)).toEqual(['minor', 'minor', 'open', 'open', 'open'])
})

test('a birth date that is withdrawn is unknown again', () => {
  const bank = everybodysDarling()
  bank.send(c, 'profile.updated', { cleared: ['birthDate'] }, { at: at - 1 })
  expect(looks(bank, at)).toEqual(['minor', 'minor', 'open', 'open', 'open'])
})

const complain = (bank: Bank, kind: string, resolved: boolean, openCases: number, when: number) =>
  bank.send(c, 'complaint.updated', { kind, resolved, openCases }, { at: when })
const silent = watched.map(() => 'open_complaint')

test.each([
  ['complaint', 'open_complaint', {}],
  ['fraud_report', 'open_dispute', {}],
  ['dispute', 'open_dispute', { totalAssets: 9_000_000 }],
])('while a %s is open nothing is marketed, for years', (kind, reason, profile) => {
  const bank = everybodysDarling(profile)
  complain(bank, kind, false, 1, at)
  const closed = watched.map(() => reason)
  expect(looks(bank, at + 1)).toEqual(closed)
  know(bank, profile, at + 699 * dayMs)
  expect(looks(bank, at + 700 * dayMs)).toEqual(closed)
  complain(bank, kind, true, 0, at + 701 * dayMs)
  expect(looks(bank, at + 701 * dayMs + 1)).toEqual(allOpen)
})

test('of two complaints the first one settled opens nothing, nor does a dispute that is settled meanwhile', () => {
  const bank = everybodysDarling()
  complain(bank, 'complaint', false, 1, at)
  complain(bank, 'complaint', false, 2, at + 1)
  complain(bank, 'complaint', true, 1, at + 2)
  complain(bank, 'dispute', true, 0, at + 3)
  expect(looks(bank, at + 4)).toEqual(silent)
  complain(bank, 'complaint', true, 0, at + 5)
  expect(looks(bank, at + 6)).toEqual(allOpen)
})

test('a complaint that is heard of late, after it was settled, closes nothing', () => {
  const bank = everybodysDarling()
  complain(bank, 'complaint', true, 0, at)
  bank.send(c, 'complaint.updated', {}, { at: at - 3_600_000, acceptedAt: at + 1 })
  expect(looks(bank, at + 2)).toEqual(allOpen)
})

const consent = (bank: Bank, channel: string, purpose: string, granted: boolean, when: number) =>
  bank.send(c, 'consent.updated', { channel, purpose, granted }, { at: when })

test('who does not want to be addressed is not, until they say otherwise for all channels', () => {
  const bank = everybodysDarling()
  consent(bank, 'all', 'marketing', false, at)
  expect(looks(bank, at + 1)).toEqual(watched.map(() => 'do_not_contact'))
  consent(bank, 'push', 'marketing', true, at + 2)
  consent(bank, 'all', 'profiling', true, at + 3)
  expect(looks(bank, at + 4)).toEqual(watched.map(() => 'do_not_contact'))
  consent(bank, 'all', 'marketing', true, at + 5)
  expect(looks(bank, at + 6)).toEqual(allOpen)
})

test('consent for all channels is no consent for a channel that was never asked about', () => {
  const bank = createBank(pack)
  know(bank, {}, at - dayMs)
  consent(bank, 'all', 'marketing', true, at - dayMs)
  const [marriage] = life(bank, 'marriage', false, at).decisions
  expect(marriage?.fates.map((fate) => [fate.offer, fate.reason])).toEqual([['honeymoon_instalments', 'no_consent']])
})

test('an objection to profiling stops every personal offer, whichever channel it was said on', () => {
  const bank = everybodysDarling()
  consent(bank, 'in_app', 'profiling', false, at)
  // The answer reads nothing of the customer, so conditions fall before the guardrail is asked.
  expect(new Set(looks(bank, at + 1))).toEqual(new Set(['eligibility_unknown']))
  consent(bank, 'all', 'profiling', true, at + 2)
  expect(looks(bank, at + 3)).toEqual(allOpen)
})

test('an objection to sharing data with partners withholds what has a partner in it, and nothing else', () => {
  const bank = everybodysDarling()
  consent(bank, 'all', 'partner_sharing', false, at)
  expect(looks(bank, at + 1)).toEqual(allOpen)
  expect(reasonsAt(bank, at + 2)['fx_wallet']).toBe('open')
  const family = pack.model.guardrails.filter((guardrail) => guardrail.id === 'no-partner-products-after-objection')
  expect(family.map((guardrail) => guardrail.closes.categories)).toEqual([['family', 'insurance']])
})

test('service messages go out in every trouble', () => {
  const bank = everybodysDarling()
  for (const kind of ['illness', 'divorce', 'hardship', 'bereavement']) life(bank, kind, false, at)
  complain(bank, 'complaint', false, 1, at)
  consent(bank, 'all', 'marketing', false, at)
  const thanks = bank.send(c, 'repayment.made', { amount: 900_000 }, { at: at + 1 }).decisions
  expect(thanks.flatMap((decision) => decision.offers.map((item) => item.offer))).toEqual(['repayment_thanks'])
})
