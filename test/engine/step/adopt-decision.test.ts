/**
 * What a decision did to the customer's state can be done again from its record alone, and its event does not lead to a second
 * one. Method: two banks; the second has lost what the first decided and adopts its records.
 */
import { expect, test } from 'vitest'
import { adoptDecision } from '../../../engine/step/adopt-decision.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { decodeDecision, encodeDecision } from '../../../sinks/decision-codec.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank } from './bank-pack.ts'

const at = day0 + 110 * dayMs

/** The record of a decision as it stands on the log. */
function published(decision: Decision): Decision {
  return decodeDecision(encodeDecision(decision))
}

function repay(bank: Bank, id: string, now = at): readonly Decision[] {
  return bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id, now }).decisions
}

function adopt(bank: Bank, decision: Decision): void {
  adoptDecision(bank.states, bank.slot('c'), published(decision))
}

test('an adopted decision of an event takes its contact, and its event makes no second one', async () => {
  const pack = await loadBank()
  const first = createBank(pack)
  settle(first, 'c', at)
  const [decision] = repay(first, 'r-1')
  if (decision === undefined) throw new Error('a repayment is thanked for')

  const second = createBank(pack)
  settle(second, 'c', at)
  adopt(second, decision)
  expect(repay(second, 'r-1', at + dayMs)).toEqual([])
  expect(Buffer.from(second.states.encode(second.slot('c')))).toEqual(Buffer.from(first.states.encode(first.slot('c'))))
})

test('to adopt a decision again changes nothing', async () => {
  const bank = createBank(await loadBank())
  settle(bank, 'c', at)
  const [decision] = repay(createBankWith(bank), 'r-1')
  if (decision === undefined) throw new Error('a repayment is thanked for')
  adopt(bank, decision)
  const once = Buffer.from(bank.states.encode(bank.slot('c')))
  adopt(bank, decision)
  expect(Buffer.from(bank.states.encode(bank.slot('c')))).toEqual(once)
  expect(bank.states.contactCount(bank.slot('c'))).toBe(1)
})

test('another event of the customer is decided as ever, with the adopted contact under its caps', async () => {
  const pack = await loadBank()
  const lost = createBank(pack)
  settle(lost, 'c', at)
  const bank = createBank(pack)
  settle(bank, 'c', at)
  for (const decision of repay(lost, 'r-1')) adopt(bank, decision)
  const [decision] = repay(bank, 'r-2')
  expect(decision?.outcome).toBe('offered')
  expect(bank.states.contactCount(bank.slot('c'))).toBe(2)
})

test('an adopted answer takes its contact, and the repeat of its request gets the same offers', async () => {
  const pack = await loadBank()
  const lost = createBank(pack)
  settle(lost, 'c', at)
  const answer = lost.ask('c', 'inbox', { at, requestId: 'q-1' })
  expect(answer.reserves).toBe(true)

  const bank = createBank(pack)
  settle(bank, 'c', at)
  adopt(bank, answer.decision)
  const again = bank.ask('c', 'inbox', { at: at + 1_000, requestId: 'q-1' })
  expect(again).toMatchObject({ reserves: false, repeats: true })
  expect(again.decision.id).toBe(answer.decision.id)
  expect(again.decision.offers.map((item) => item.offer)).toEqual(answer.decision.offers.map((item) => item.offer))
  expect(bank.states.contactCount(bank.slot('c'))).toBe(answer.decision.contacts.length)
})

test('a decision that took nothing leaves no contact, and is still not made twice', async () => {
  const pack = await loadBank()
  const lost = createBank(pack)
  const [decision] = repay(lost, 'r-1')
  expect(decision?.outcome).toBe('none')
  if (decision === undefined) throw new Error('a refusal is a record too')
  const bank = createBank(pack)
  settle(bank, 'c', at)
  adopt(bank, decision)
  expect(repay(bank, 'r-1')).toEqual([])
  expect(bank.states.contactCount(bank.slot('c'))).toBe(0)
})

/** A bank that knows the same and may decide without the other one noticing. */
function createBankWith(like: Bank): Bank {
  const bank = createBank(like.context.pack.loaded)
  settle(bank, 'c', at)
  return bank
}
