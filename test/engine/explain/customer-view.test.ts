import { expect, test } from 'vitest'
import { customerView } from '../../../engine/explain/customer-view.ts'
import { createBank, day0, dayMs, settle } from '../step/bank.ts'
import { loadBank } from '../step/bank-pack.ts'

const pack = await loadBank()
const at = day0 + 10 * dayMs

test('a customer is shown with every variable in words, running suppressions and contacts', () => {
  const bank = createBank(pack)
  settle(bank, 'c', at - 5)
  bank.send('c', 'card.purchase', { amount: 123_456, merchantCategory: 'maternity' }, { at: at - 4 })
  bank.send('c', 'repayment.made', { amount: 500_000 }, { at: at - 3 })
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at - 2 })
  const before = bank.states.encode(bank.slot('c'))
  const view = customerView(bank.context, bank.slot('c'), { customerId: 'c', partition: 0, known: true, asOf: at })
  expect(view).toMatchObject({ customerId: 'c', partition: 0, known: true, asOf: at, packHash: pack.hash })
  const shown = Object.fromEntries(view.variables.map((variable) => [variable.name, variable]))
  expect(Object.keys(shown)).toHaveLength(pack.model.attributes.length + pack.model.features.length)
  expect(shown['profile.assets']).toMatchObject({
    kind: 'attribute',
    value: '100,000.00 CNY',
    class: 'exact',
    window: '',
  })
  expect(shown['profile.riskGrade']?.value).toBe('balanced')
  expect(shown['spend_7d']).toMatchObject({ kind: 'feature', type: 'money', value: '1,234.56 CNY', window: '7 days' })
  expect(shown['maternity_30d']).toMatchObject({ value: '1', lo: 1, hi: 1, class: 'exact', window: '30 days' })
  expect(view.suppressions).toEqual([
    { guardrail: 'no-leisure-credit-in-mourning', until: at - 2 + 90 * dayMs },
    { guardrail: 'quiet-in-mourning', until: at - 2 + 30 * dayMs },
  ])
  expect(view.contacts).toEqual([{ at: at - 3, offer: 'repayment-thanks', channel: 'sms', category: 'loyalty' }])
  expect(view.bytes).toBeGreaterThan(0)
  expect(bank.states.encode(bank.slot('c'))).toEqual(before)
})

test('somebody we know nothing of is shown as unknown, not as zero where it was not observed', () => {
  const bank = createBank(pack)
  const view = customerView(bank.context, bank.slot('x'), { customerId: 'x', partition: 0, known: false, asOf: at })
  expect(view.variables.find((variable) => variable.name === 'profile.student')).toMatchObject({
    ...{ value: 'unknown', lo: null, hi: null, class: 'unknown' },
  })
  expect([view.suppressions, view.contacts]).toEqual([[], []])
})
