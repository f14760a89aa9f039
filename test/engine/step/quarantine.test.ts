/** What the step does with rules that throw, and with rules that are quarantined: what opens does not, what closes does. */
import { expect, test } from 'vitest'
import type { Guards } from '../../../rules/cel/guard.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { withQuarantine } from '../../../rules/quarantine.ts'
import { isReasonCode } from '../../../rules/reasons.ts'
import { ruleNames } from '../../../rules/rule-names.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const features = [
  ...pieces.features,
  { id: 'views_7d', kind: 'count', event: 'page.viewed', where: 'event.pageGroup == "fx"', window: '7d' },
  { id: 'help_7d', kind: 'count', event: 'page.viewed', where: 'event.pageGroup == "loans"', window: '7d' },
]
const guardrails = [
  ...pieces.guardrails,
  {
    id: 'no-gaming-credit-in-need',
    reason: 'hardship',
    text: { en: 'No credit for games to whom looks for help with loans.', zh: '不向寻求贷款帮助的客户提供游戏贷款。' },
    closes: { categories: ['gaming_credit'] },
    when: 'help_7d >= 1',
  },
]
const offers = pieces.offers.map((offer) =>
  offer.id === 'study-loan' ? { ...offer, eligible: 'views_7d < 5' } : offer,
)
const pack = await loadBank({ features, guardrails, offers })
const at = day0 + 10 * dayMs

type Failing = { readonly bank: Bank; readonly thrown: string[] }

/** A bank whose rules of these names throw, out of service or not; `thrown` has their names as they throw. */
function bankOf(names: readonly string[], out: readonly string[]): Failing {
  const thrown: string[] = []
  const all = ruleNames(pack.model)
  const guards: Guards = (name) => ({
    rule: all.indexOf(name) + 1,
    asked: new Int32Array(1),
    threw: (rule) => void thrown.push(all[rule - 1] ?? ''),
    trap: names.includes(name) ? failsNow : null,
  })
  const compile = (loaded: LoadedPack) => withQuarantine(compilePack(loaded, guards), new Set(out))
  return { bank: createBank(pack, undefined, { compile }), thrown }
}

const failing = (...names: string[]): Failing => bankOf(names, [])
/** They would throw, so that it shows when one of them is called all the same. */
const quarantined = (...names: string[]): Failing => bankOf(names, names)
/** In service it is called, out of service not. */
const bothWays = (name: string) => [
  { ...failing(name), calls: true },
  { ...quarantined(name), calls: false },
]

function failsNow(): never {
  throw new RangeError('a bug in a host function')
}

function asked(bank: Bank) {
  const { decision } = bank.ask('c', 'home-banner', { at: at + 1, count: 3 })
  const fates = new Map(decision.fates.map(({ offer, reason, rule }) => [offer, `${reason}/${rule}`]))
  return { decision, fates, offered: decision.offers.map(({ offer }) => offer) }
}

test('with sound rules the customer of these tests is offered loans', () => {
  const { bank, thrown } = failing()
  settle(bank, 'c', at)
  expect(asked(bank).offered).toEqual(['beauty-loan', 'consumer-loan', 'gaming-loan'])
  expect(thrown).toEqual([])
})

test('a guardrail that throws closes its categories and no others', () => {
  const { bank, thrown } = failing('guardrail:no-lifestyle-credit-for-students')
  settle(bank, 'c', at)
  const { fates, offered } = asked(bank)
  expect(offered).toEqual(['study-loan'])
  expect(fates.get('beauty-loan')).toBe('student/no-lifestyle-credit-for-students')
  expect(new Set(thrown)).toEqual(new Set(['guardrail:no-lifestyle-credit-for-students']))
})

test('a quarantined guardrail closes its categories, is not called, and the record says so in both languages', () => {
  const { bank, thrown } = quarantined('guardrail:no-lifestyle-credit-for-students')
  settle(bank, 'c', at)
  const { fates, offered } = asked(bank)
  expect(offered).toEqual(['study-loan'])
  expect(fates.get('beauty-loan')).toBe('rule_quarantined/no-lifestyle-credit-for-students')
  expect(isReasonCode('rule_quarantined')).toBe(true)
  expect(thrown).toEqual([])
})

test('nobody opens a quarantined guardrail, also where a role could', async () => {
  const guardrails = pieces.guardrails.map((one) =>
    one.id === 'no-lifestyle-credit-for-students' ? { ...one, override: { role: 'risk', atMost: '30d' } } : one,
  )
  const categories = pieces.pack.categories.map((one) => ({
    ...one,
    guardedBy: one.guardedBy.filter((by) => by !== 'student'),
  }))
  const open = await loadBank({ guardrails, pack: { ...pieces.pack, categories } })
  for (const names of [[], ['guardrail:no-lifestyle-credit-for-students']]) {
    const bank = createBank(open, undefined, {
      compile: (loaded) => withQuarantine(compilePack(loaded), new Set(names)),
    })
    settle(bank, 'c', at)
    bank.send('c', 'profile.updated', { studentStatus: true }, { at: at + 1, source: 'core-banking' })
    const until = at + 20 * dayMs
    const data = { guardrail: 'no-lifestyle-credit-for-students', role: 'risk', reason: 'r', by: 'b', until }
    bank.send('c', 'guardrail.overridden', data, { at: at + 2, source: 'core-banking' })
    const { decision } = bank.ask('c', 'home-banner', { at: at + 3 })
    expect(decision.offers.map(({ offer }) => offer)).toEqual(names.length === 0 ? ['beauty-loan'] : ['study-loan'])
  }
})

test('an offer whose condition throws is not eligible; a quarantined one is not asked and says so', () => {
  const broken = failing('offer:study-loan')
  settle(broken.bank, 'c', at)
  expect(asked(broken.bank).fates.get('study-loan')).toBe('eligibility_unknown/null')
  const out = quarantined('offer:study-loan', 'offer:beauty-loan')
  settle(out.bank, 'c', at)
  const { fates, offered } = asked(out.bank)
  expect(fates.get('study-loan')).toBe('rule_quarantined/offer:study-loan')
  expect(fates.get('beauty-loan')).toBe('rule_quarantined/offer:beauty-loan')
  expect(offered).toEqual(['consumer-loan', 'gaming-loan', 'honeymoon-instalment'])
  expect(out.thrown).toEqual([])
})

test('a trigger that throws or is quarantined proposes nothing, and the event counts', () => {
  for (const { bank, thrown, calls } of bothWays('trigger:large-repayment')) {
    settle(bank, 'c', at)
    expect(bank.send('c', 'repayment.made', { amount: 600_000 }, { at })).toMatchObject({
      status: 'accepted',
      decisions: [],
    })
    expect(thrown.length > 0).toBe(calls)
  }
  const { bank } = quarantined('trigger:lost-job')
  settle(bank, 'c', at)
  expect(bank.send('c', 'repayment.made', { amount: 600_000 }, { at }).decisions).toHaveLength(1)
})

test('a suppression whose filter throws or is quarantined is set, and lifted by nothing', () => {
  const name = 'guardrail:no-credit-without-income'
  for (const { bank, thrown, calls } of bothWays(name)) {
    settle(bank, 'c', at - dayMs)
    const key = bank.context.pack.guardrails.find(({ id }) => name.endsWith(id))?.key ?? 0
    bank.send('c', 'life_event.reported', { kind: 'unemployment', resolved: true }, { at, source: 'core-banking' })
    expect(bank.states.suppressedUntil(bank.slot('c'), key)).toBeGreaterThan(at + 100 * dayMs)
    expect(asked(bank).offered).not.toContain('consumer-loan')
    expect(thrown.length > 0).toBe(calls)
  }
})

test('events for the filter of a quarantined feature are refused, and what reads the feature is out of service', () => {
  const { bank, thrown } = quarantined('feature:views_7d')
  settle(bank, 'c', at)
  const view = { page: '/', pageGroup: 'fx', dwellMs: 1 }
  expect(bank.send('c', 'page.viewed', view, { at })).toMatchObject({ status: 'poison', decisions: [] })
  const { fates, offered } = asked(bank)
  expect(fates.get('study-loan')).toBe('rule_quarantined/offer:study-loan')
  expect(offered).toEqual(['beauty-loan', 'consumer-loan', 'honeymoon-instalment'])
  expect(thrown).toEqual([])
})

test('a guardrail over other features of a refused type of event closes: what it would have counted is refused too', () => {
  for (const out of [[], ['feature:views_7d']]) {
    const { bank } = quarantined(...out)
    settle(bank, 'c', at)
    expect(asked(bank).fates.get('gaming-loan')).toBe(
      out.length === 0 ? 'offered/null' : 'rule_quarantined/no-gaming-credit-in-need',
    )
  }
})

test('a quarantined attribute is cleared by what could have set it, so that what reads it closes', () => {
  const { bank } = quarantined('attribute:smsConsent')
  settle(bank, 'c', at)
  const consent = { channel: 'sms', granted: true, purpose: 'marketing' }
  bank.send('c', 'consent.updated', consent, { at, source: 'core-banking' })
  const [decision] = bank.send('c', 'repayment.made', { amount: 600_000 }, { at: at + 1 }).decisions
  expect(decision?.fates.map(({ reason }) => reason)).toEqual(['no_consent'])
})

test('of a poisoned event only what closes is done: suppressions are set, what it may have said is unknown', () => {
  for (const isPoison of [false, true]) {
    const { bank } = failing()
    settle(bank, 'c', at - dayMs)
    const sent = { at, isPoison }
    const status = isPoison ? 'poison' : 'accepted'
    expect(bank.send('c', 'life_event.reported', { kind: 'unemployment' }, sent).status).toBe(status)
    expect(bank.send('c', 'profile.updated', { studentStatus: false }, sent).status).toBe(status)
    expect(bank.send('c', 'repayment.made', { amount: 600_000 }, sent).decisions).toHaveLength(isPoison ? 0 : 1)
    const { fates } = asked(bank)
    expect(fates.get('consumer-loan')).toContain('unemployment/')
    // Employment was not part of it and is still known, the student status was.
    expect(fates.get('honeymoon-instalment')).toBe(
      isPoison ? 'student/no-lifestyle-credit-for-students' : 'offered/null',
    )
  }
})

test('an erased customer’s event is refused as that, and its bytes are not kept as poison', () => {
  const { bank } = failing()
  settle(bank, 'c', at - dayMs)
  bank.send('c', 'customer.erased', {}, { at: at - 1 })
  expect(bank.send('c', 'page.viewed', {}, { at, isPoison: true }).status).toBe('erased')
})

test('the same state, input, pack and quarantine give the same decision', () => {
  const decisions = [1, 2].map(() => {
    const { bank } = quarantined('guardrail:quiet-in-mourning', 'offer:beauty-loan')
    settle(bank, 'c', at)
    return bank.ask('c', 'home-banner', { at: at + 1, requestId: 'r', count: 3 }).decision
  })
  expect(decisions[0]).toEqual(decisions[1])
  expect(decisions[0]?.fates.some(({ reason }) => reason === 'rule_quarantined')).toBe(true)
})
