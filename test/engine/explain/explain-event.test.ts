/** Why an event led to nothing, or to what. */
import { expect, test } from 'vitest'
import { explainEvent } from '../../../engine/explain/explain-event.ts'
import type { Event, FieldValue } from '../../../ingest/event.ts'
import type { Language } from '../../../rules/explain-texts.ts'
import { type Bank, createBank, day0, dayMs, type Sent, settle } from '../step/bank.ts'
import { loadBank } from '../step/bank-pack.ts'

const pack = await loadBank()
const at = day0 + 10 * dayMs

function explain(
  bank: Bank,
  type: string,
  data: Readonly<Record<string, FieldValue>>,
  sent: Partial<Sent> = {},
  language: Language = 'en',
): string {
  const outcome = bank.send('c', type, data, { at, id: 'e', ...sent })
  const event: Event = {
    ...{ id: 'e', source: 'core-banking', type, customerId: 'c', time: at, data },
    ...(sent.at === undefined ? {} : { time: sent.at }),
    ...(sent.source === undefined ? {} : { source: sent.source }),
    provenance: { via: 'http', consentId: null },
  }
  return explainEvent(bank.context, bank.slot('c'), { event, acceptedAt: at, now: at }, outcome, language).join('\n')
}

test('a trigger that stayed silent tells which parts were not met, with their values', () => {
  const text = explain(createBank(pack), 'card.purchase', {
    merchantCategory: 'maternity',
    amount: 100,
    currency: 'CNY',
  })
  expect(text).toContain('The trigger mother-and-baby did not fire')
  expect(text).toContain('early_education_30d >= 1: not true (early_education_30d = 0)')
  expect(text).toContain('maternity_growth >= 2.0: not known (maternity_growth = ')
  expect(text).not.toContain('event.merchantCategory == "maternity":')
})

test('an amount just below the threshold is told as an amount', () => {
  const text = explain(createBank(pack), 'repayment.made', { amount: 499_999, currency: 'CNY', product: 'loan' })
  expect(text).toContain('event.amount >= money("5000.00"): not true (event.amount = 4999.99)')
})

test('a trigger that fired is followed by its decisions', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 1)
  const text = explain(bank, 'repayment.made', { amount: 500_000, currency: 'CNY', product: 'loan' })
  expect(text).toContain('The trigger large-repayment fired: its condition was met.')
  expect(text).toContain('Offered: The repayment-thanks.')
})

test('duplicates, refused events and types without a trigger are told as such', () => {
  const bank = createBank(pack)
  expect(explain(bank, 'consent.updated', {})).toContain('No trigger of the pack waits for consent.updated')
  expect(explain(bank, 'consent.updated', {})).toContain('counted once and fired nothing again')
  const late = explain(bank, 'repayment.made', {}, { at: at - 2 * dayMs, acceptedAt: at, id: 'late' })
  expect(late).toContain('among the dead letters: too_late')
})

test('an unlawful source is named as the reason, in both languages', () => {
  const en = explain(createBank(pack), 'search.made', { category: 'fx', text: null }, { source: 'crawler' })
  expect(en).toContain('The bank may not use data of the source crawler')
  const zh = explain(createBank(pack), 'search.made', { category: 'fx', text: null }, { source: 'crawler' }, 'zh')
  expect(zh).toContain('银行不得使用来源crawler的数据')
})
