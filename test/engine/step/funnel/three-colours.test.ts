/**
 * The precedence of guardrails: what nothing may open, what a role may open, what the pack allows. Held on the funnel as it
 * runs and on the final gate alone.
 */
import { expect, test } from 'vitest'
import { productionFilters } from '../../../../engine/step/step-context.ts'
import { type Bank, createBank, day0, dayMs, settle } from '../bank.ts'
import { loadBank, bank as pieces } from '../bank-pack.ts'

type Colour = 'never' | 'role' | 'allow'

const at = day0 + 10 * dayMs
const text = { en: 'A rule of the test.', zh: '测试规则。' }
const scope = { categories: ['study_credit'] }
/** Closes for who is not employed, and for whom we do not know. */
const holds = 'profile.employment != "employed"'

const guardrail = (id: string, override: unknown) => ({
  id,
  reason: 'bank_policy',
  text,
  closes: scope,
  when: holds,
  override,
})
const allow = (id: string, when: string | null) => ({ id, text, opens: scope, when })
const role = { role: 'compliance', atMost: '30d' }

/** The two offers looked at go first, so that what stops them is a rule and not another offer. */
const offers = pieces.offers.map((offer) =>
  ['study-loan', 'honeymoon-instalment'].includes(offer.id) ? { ...offer, priority: 10 } : offer,
)

/** The bank with two rules of these colours over one offer, and nothing else over it. */
async function bankWith(first: Colour, second: Colour, allowWhen: string | null = null) {
  const colours = [first, second]
  const rules = colours.flatMap((colour, i) =>
    colour === 'allow' ? [] : [guardrail(`rule-${i}`, colour === 'never' ? 'never' : role)],
  )
  const allows = colours.flatMap((colour, i) => (colour === 'allow' ? [allow(`rule-${i}`, allowWhen)] : []))
  return loadBank({ guardrails: [...pieces.guardrails, ...rules], allows, offers })
}

function studyLoan(bank: Bank, when: number): string {
  const { decision } = bank.ask('c', 'home-banner', { at: when, count: 3 })
  const fate = decision.fates.find((one) => one.offer === 'study-loan')
  return [fate?.stage, fate?.reason, ...(fate?.rule == null ? [] : [fate.rule])].join('/')
}

const override = (guardrailId: string, more: Readonly<Record<string, string | number | boolean>> = {}) => ({
  guardrail: guardrailId,
  role: 'compliance',
  by: 'colleague-7',
  reason: 'The customer asked, and showed the letter of admission.',
  until: at + 20 * dayMs,
  revoked: false,
  ...more,
})

const closed = (i: number) => `guardrail/bank_policy/rule-${i}`
const table: readonly (readonly [Colour, Colour, string])[] = [
  ['never', 'never', closed(0)],
  ['never', 'role', closed(0)],
  ['never', 'allow', closed(0)],
  ['role', 'never', closed(0)],
  ['role', 'role', closed(0)],
  ['role', 'allow', 'offered/offered_by_allow/rule-0'],
  ['allow', 'never', closed(1)],
  ['allow', 'role', 'offered/offered_by_allow/rule-1'],
  ['allow', 'allow', 'offered/offered'],
]

const everyStage = ['eligibility', 'suitability', 'guardrail', 'contact', 'arbitration'] as const

test('the table has every pair of colours', () => {
  expect(new Set(table.map(([first, second]) => `${first} ${second}`)).size).toBe(9)
})

test.each(table)('%s and %s, both hold: %s', async (first, second, fate) => {
  const pack = await bankWith(first, second)
  const whole = createBank(pack)
  settle(whole, 'c', day0)
  expect(studyLoan(whole, at)).toMatch(/^offered\/offered$/)
  whole.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at })
  expect(studyLoan(whole, at)).toBe(fate)

  const gateOnly = createBank(pack, { ...productionFilters, guardrail: () => {} })
  settle(gateOnly, 'c', day0)
  gateOnly.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at })
  expect(studyLoan(gateOnly, at)).toBe(fate.replace(/^guardrail\/bank_policy/, 'final_gate/final_gate'))
})

test.each(table)('%s and %s, and the role has opened what it may: never still closes', async (first, second) => {
  const bank = createBank(await bankWith(first, second))
  settle(bank, 'c', day0)
  bank.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at: at - 2 })
  for (const [i, colour] of [first, second].entries()) {
    const { status } = bank.send('c', 'guardrail.overridden', override(`rule-${i}`), { at: at - 1 })
    expect(status).toBe(colour === 'role' ? 'accepted' : 'override_refused')
  }
  const never = [first, second].indexOf('never')
  const opened = [first, second].flatMap((colour, i) => (colour === 'role' ? [`rule-${i}`] : []))
  const fate = opened.length === 0 ? 'offered/offered' : `offered/offered_by_override/${opened.join(', ')}`
  expect(studyLoan(bank, at)).toBe(never >= 0 ? closed(never) : fate)
})

test('of two guardrails that a role may open both have to be opened', async () => {
  const bank = createBank(await bankWith('role', 'role'))
  settle(bank, 'c', day0)
  bank.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at: at - 2 })
  bank.send('c', 'guardrail.overridden', override('rule-0'), { at: at - 1 })
  expect(studyLoan(bank, at)).toBe(closed(1))
  bank.send('c', 'guardrail.overridden', override('rule-1'), { at })
  expect(studyLoan(bank, at + 1)).toBe('offered/offered_by_override/rule-0, rule-1')
})

test('what is not known allows nothing', async () => {
  const bank = createBank(await bankWith('role', 'allow', 'profile.assets >= money("100.00")'))
  bank.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at: at - 2 })
  expect(studyLoan(bank, at)).toBe(closed(0))
  bank.send('c', 'profile.updated', { totalAssets: 10_000, currency: 'CNY' }, { at })
  expect(studyLoan(bank, at)).toBe('offered/offered_by_allow/rule-0')
  bank.send('c', 'profile.updated', { cleared: ['totalAssets'] }, { at: at + 1 })
  expect(studyLoan(bank, at + 1)).toBe(closed(0))
})

test('an allow opens nothing outside its scope', async () => {
  const pack = await loadBank({
    offers,
    guardrails: [
      ...pieces.guardrails,
      { ...guardrail('rule-0', role), closes: { categories: ['study_credit', 'loyalty'] } },
    ],
    allows: [{ id: 'elsewhere', text, opens: { categories: ['loyalty'] }, when: null }],
  })
  const bank = createBank(pack)
  settle(bank, 'c', day0)
  bank.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at })
  expect(studyLoan(bank, at)).toBe(closed(0))
})

test('an override ends at its instant, when it is taken back, and with what closes the guardrail anew', async () => {
  const pack = await loadBank({
    offers,
    guardrails: pieces.guardrails.map((one) =>
      one.id === 'no-leisure-credit-in-mourning' ? { ...one, override: role } : one,
    ),
  })
  const rule = 'no-leisure-credit-in-mourning'
  const started = at - 31 * dayMs
  const bank = createBank(pack)
  settle(bank, 'c', day0 - 30 * dayMs)
  const mourn = (when: number, acceptedAt = when) =>
    bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: when, acceptedAt })
  const honeymoon = (when: number) => {
    const { decision } = bank.ask('c', 'home-banner', { at: when, count: 3 })
    return decision.fates.find((one) => one.offer === 'honeymoon-instalment')?.reason
  }
  mourn(started)
  expect(honeymoon(at)).toBe('bereavement')
  bank.send('c', 'guardrail.overridden', override(rule, { until: at + dayMs }), { at })
  expect(honeymoon(at)).toBe('offered_by_override')
  expect(honeymoon(at + dayMs - 1)).toBe('offered_by_override')
  expect(honeymoon(at + dayMs)).toBe('bereavement')

  bank.send('c', 'guardrail.overridden', override(rule), { at: at + 2 * dayMs })
  expect(honeymoon(at + 2 * dayMs)).toBe('offered_by_override')
  const back = override(rule, { revoked: true, role: 'anybody' })
  bank.send('c', 'guardrail.overridden', back, { at: at + 2 * dayMs + 5 })
  expect(honeymoon(at + 2 * dayMs + 5)).toBe('bereavement')
  bank.send('c', 'guardrail.overridden', override(rule), { at: at + 2 * dayMs + 7 })
  bank.send('c', 'guardrail.overridden', back, { at: at + 2 * dayMs + 7 })
  expect(honeymoon(at + 2 * dayMs + 8)).toBe('bereavement')

  bank.send('c', 'guardrail.overridden', override(rule), { at: at + 3 * dayMs })
  expect(honeymoon(at + 3 * dayMs)).toBe('offered_by_override')
  // Another death, heard of an hour late: the override was given without knowing of it.
  mourn(at + 3 * dayMs - 3_600_000, at + 3 * dayMs + 1)
  expect(honeymoon(at + 3 * dayMs + 2)).toBe('bereavement')
})

test.each([
  ['another role', { role: 'adviser' }, 'app'],
  ['a guardrail that nothing opens', { guardrail: 'quiet-in-mourning' }, 'app'],
  ['a guardrail that does not exist', { guardrail: 'rule-9' }, 'app'],
  ['longer than the pack allows', { until: at + 31 * dayMs }, 'app'],
  ['an end that has passed', { until: at }, 'app'],
  ['a source that may not be used', {}, 'crawler'],
])('an override by %s is refused', async (_, more, source) => {
  const bank = createBank(await bankWith('role', 'role'))
  const sent = { at, source }
  expect(bank.send('c', 'guardrail.overridden', override('rule-0', more), sent).status).toBe('override_refused')
})

test('an override that comes too late opens nothing', async () => {
  const bank = createBank(await bankWith('role', 'allow', 'profile.assets >= money("100.00")'))
  settle(bank, 'c', day0)
  bank.send('c', 'profile.updated', { employmentStatus: 'retired', cleared: ['totalAssets'] }, { at: at - 2 })
  const late = { at: at - 3 * dayMs, acceptedAt: at }
  expect(bank.send('c', 'guardrail.overridden', override('rule-0'), late).status).toBe('too_late')
  expect(studyLoan(bank, at + 1)).toBe(closed(0))
})

test('taking the stages away changes nothing: the gate knows the colours by itself', async () => {
  const none = Object.fromEntries(everyStage.map((stage) => [stage, () => {}]))
  for (const [first, second, fate] of table) {
    const bank = createBank(await bankWith(first, second), { ...productionFilters, ...none })
    settle(bank, 'c', day0)
    bank.send('c', 'profile.updated', { employmentStatus: 'retired' }, { at })
    const offers = bank.ask('c', 'home-banner', { at, count: 3 }).decision.fates
    const leaves = offers.some((one) => one.offer === 'study-loan' && one.stage === 'offered')
    const stopped = offers.some((one) => one.offer === 'study-loan' && one.stage === 'final_gate')
    expect([first, second, leaves && fate.startsWith('guardrail')]).toEqual([first, second, false])
    if (stopped) expect(fate).toMatch(/^guardrail/)
  }
})
