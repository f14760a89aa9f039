/** An erased customer leaves nothing behind and takes nothing any more, whatever comes late, again, or is asked. */
import { expect, test } from 'vitest'
import { adoptDecision } from '../../../engine/step/adopt-decision.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank } from './bank-pack.ts'

const at = day0 + 110 * dayMs
const pack = await loadBank()

function erased(): Bank {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'r-1' })
  bank.ask('c', 'inbox', { at, requestId: 'q-1' })
  expect(bank.send('c', 'customer.erased', { ground: 'request' }, { at: at + 1 }).status).toBe('accepted')
  return bank
}

test('nothing of an erased customer is left in the state', () => {
  const bank = erased()
  const nobody = createBank(pack)
  expect(Buffer.from(bank.states.encode(bank.slot('c')))).toEqual(Buffer.from(nobody.states.encode(nobody.slot('c'))))
  expect(bank.states.contactCount(bank.slot('c'))).toBe(0)
  expect(bank.states.erasedAt(bank.slot('c'))).toBe(at + 1)
})

test('events of an erased customer are refused, also those sent before and one that lies in the future', () => {
  const bank = erased()
  for (const when of [at - dayMs, at, at + dayMs])
    expect(bank.send('c', 'repayment.made', { amount: 500_000 }, { at: when })).toMatchObject({
      status: 'erased',
      decisions: [],
    })
  expect(bank.states.erasedAt(bank.slot('c'))).toBe(at + 1)
})

test('to erase twice is a duplicate and keeps the first instant', () => {
  const bank = erased()
  expect(bank.send('c', 'customer.erased', { ground: null }, { at: at + dayMs }).status).toBe('duplicate')
  expect(bank.states.erasedAt(bank.slot('c'))).toBe(at + 1)
})

test('an erasure whose sender has a wrong clock erases all the same', () => {
  for (const time of [at - 100 * dayMs, at + 100 * dayMs]) {
    const bank = createBank(pack)
    settle(bank, 'c', at)
    expect(bank.send('c', 'customer.erased', { ground: null }, { at: time, acceptedAt: at, now: at }).status).toBe(
      'accepted',
    )
    expect(bank.states.erasedAt(bank.slot('c'))).toBe(at)
  }
})

test('an erased customer who asks gets the safe offer, with nothing read and nothing taken', () => {
  const bank = erased()
  for (const [placement, fallback] of [
    ['home-banner', 'welcome-banner'],
    ['inbox', 'inbox-hello'],
  ] as const) {
    const { decision, reserves } = bank.ask('c', placement, { at: at + 2, requestId: 'q-1' })
    expect(decision).toMatchObject({ outcome: 'fallback', reason: 'erased', features: [], contacts: [] })
    expect(decision.offers.map(({ offer }) => offer)).toEqual([fallback])
    expect(reserves).toBe(false)
  }
})

test('a decision of an erased customer is not adopted', () => {
  const lost = createBank(pack)
  settle(lost, 'c', at)
  const [decision] = lost.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'r-1' }).decisions
  if (decision === undefined) throw new Error('a repayment is thanked for')
  const bank = erased()
  adoptDecision(bank.states, bank.slot('c'), decision)
  expect(bank.states.contactCount(bank.slot('c'))).toBe(0)
})
