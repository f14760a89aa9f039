/** Goal: an event that could not be taken opens no guardrail: what would have counted it is not believed until it is counted. */
import { expect, test } from 'vitest'
import { putInForce } from '../../../engine/step/step-context.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { withQuarantine } from '../../../rules/quarantine.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const at = day0 + 10 * dayMs
const guardrail = (id: string, category: string, when: string) => ({
  id,
  reason: 'hardship',
  text: { en: 'No credit to whom looks for help with loans.', zh: '不向寻求贷款帮助的客户提供信贷。' },
  closes: { categories: [category] },
  when,
})
const pack = await loadBank({
  features: [
    ...pieces.features,
    { id: 'views_7d', kind: 'count', event: 'page.viewed', where: 'event.pageGroup == "fx"', window: '7d' },
    { id: 'help_7d', kind: 'count', event: 'page.viewed', where: 'event.pageGroup == "loans"', window: '7d' },
    { id: 'help_ever', kind: 'count', event: 'page.viewed', where: 'event.pageGroup == "loans"', window: 'lifetime' },
  ],
  guardrails: [
    ...pieces.guardrails,
    guardrail('no-gaming-credit-in-need', 'gaming_credit', 'help_7d >= 1'),
    guardrail('no-beauty-credit-in-need', 'beauty_credit', 'help_ever >= 1'),
  ],
})
const compiled = compilePack(pack)
const home = { page: '/', pageGroup: 'home', dwellMs: 1 }
const closedInNeed = { beauty: 'hardship/no-beauty-credit-in-need', gaming: 'hardship/no-gaming-credit-in-need' }
const open = { beauty: 'offered/null', gaming: 'offered/null' }

function opened(): Bank {
  const bank = createBank(pack, undefined, { compile: () => compiled })
  for (const customer of ['c', 'other']) settle(bank, customer, at)
  return bank
}

function fatesAt(bank: Bank, now: number, customer = 'c') {
  const { decision } = bank.ask(customer, 'home-banner', { at: now, count: 3 })
  const fateOf = (offer: string): string => {
    const { reason, rule } = decision.fates.find((fate) => fate.offer === offer) ?? { reason: 'none', rule: null }
    return `${reason}/${rule}`
  }
  return { beauty: fateOf('beauty-loan'), gaming: fateOf('gaming-loan') }
}

test('guardrails over counts of a poisoned event close for its customer, until no window can hold it', () => {
  const bank = opened()
  expect(fatesAt(bank, at)).toEqual(open)
  expect(bank.send('c', 'page.viewed', home, { at, isPoison: true }).status).toBe('poison')
  expect(fatesAt(bank, at + 1)).toEqual(closedInNeed)
  expect(fatesAt(bank, at + 1, 'other')).toEqual(open)
  expect(fatesAt(bank, at + 7 * dayMs)).toEqual(closedInNeed)
  expect(fatesAt(bank, at + 7 * dayMs + 1)).toEqual({ ...closedInNeed, gaming: open.gaming })
})

test('they open when the event is handed in again and counted, also when it had been counted before', () => {
  const bank = opened()
  const sent = { at, id: 'e' }
  for (const status of ['accepted', 'duplicate'] as const) {
    expect(bank.send('c', 'page.viewed', home, { ...sent, isPoison: true }).status).toBe('poison')
    bank.send('c', 'page.viewed', home, { at, id: `another before ${status}` })
    expect(fatesAt(bank, at + 1)).toEqual(status === 'accepted' ? closedInNeed : open)
    expect(bank.send('c', 'page.viewed', home, { ...sent, acceptedAt: at + 2 }).status).toBe(status)
    expect(fatesAt(bank, at + 3)).toEqual(open)
  }
})

test('an event that was counted before it was poison is found by its next repeat', () => {
  const bank = opened()
  bank.send('c', 'page.viewed', home, { at, id: 'e' })
  bank.send('c', 'page.viewed', home, { at, id: 'e', isPoison: true })
  expect(fatesAt(bank, at + 1)).toEqual(closedInNeed)
  bank.send('c', 'page.viewed', home, { at, id: 'e' })
  expect(fatesAt(bank, at + 1)).toEqual(open)
})

test('what was refused while a feature was quarantined closes on when it is back in service', () => {
  const bank = opened()
  putInForce(bank.context, withQuarantine(compiled, new Set(['feature:views_7d'])), null)
  expect(bank.send('c', 'page.viewed', home, { at, id: 'e' }).status).toBe('poison')
  expect(fatesAt(bank, at + 1).gaming).toBe('rule_quarantined/no-gaming-credit-in-need')
  putInForce(bank.context, compiled, null)
  expect([fatesAt(bank, at + 2), fatesAt(bank, at + 2, 'other')]).toEqual([closedInNeed, open])
  expect(bank.send('c', 'page.viewed', home, { at, id: 'e', acceptedAt: at + 3 }).status).toBe('accepted')
  expect(fatesAt(bank, at + 4)).toEqual(open)
})

test('a poisoned event that would not have counted is not missing', () => {
  const bank = opened()
  const late = { at: at - 30 * dayMs, acceptedAt: at, isPoison: true }
  bank.send('c', 'page.viewed', home, late)
  bank.send('c', 'page.viewed', home, { at, isPoison: true, source: 'crawler' })
  expect(fatesAt(bank, at + 1)).toEqual(open)
})
