/** Goal: an offer that is accepted after it had expired counts as accepted, and a record says that its terms no longer held. */
import { beforeAll, describe, expect, test } from 'vitest'
import { adoptDecision } from '../../../engine/step/adopt-decision.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { decodeDecision, encodeDecision } from '../../../sinks/decision-codec.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces, reportedChannels } from './bank-pack.ts'

const at = day0 + 110 * dayMs
let packs: Readonly<Record<'receipts' | 'none', LoadedPack>>

beforeAll(async () => {
  packs = {
    receipts: await loadBank({ channels: reportedChannels }),
    none: await loadBank(),
  }
})

function thanked(kind: 'receipts' | 'none' = 'receipts'): { readonly bank: Bank; readonly offered: Decision } {
  const bank = createBank(packs[kind])
  settle(bank, 'c', at)
  const [offered] = bank.send('c', 'repayment.made', { amount: 500_000 }, { at, id: 'r' }).decisions
  if (offered?.outcome !== 'offered') throw new Error('a repayment is thanked for')
  return { bank, offered }
}

const accept = (bank: Bank, { id, offers, placement }: Decision, when: number, more: object = {}) =>
  bank.send(
    'c',
    'offer.accepted',
    { decisionId: id, offerId: offers[0]?.offer ?? '', placement, channel: 'sms' },
    { at: when, source: 'core-banking', id: 'accepted', ...more },
  )

const answered = (bank: Bank): boolean => {
  const contact = { at: 0, channel: 0, category: 0, offer: 0, class: 0, decision: 0, until: 0 }
  const into = { ...contact, answered: false, recalled: false }
  bank.states.contactAt(bank.slot('c'), 0, into)
  return into.answered
}

describe.each(['receipts', 'none'] as const)('where the channel has %s', (kind) => {
  test.each([
    ['in the last millisecond', 0, []],
    ['a millisecond later', 1, ['accepted_after_expiry']],
    ['days later', 5 * dayMs, ['accepted_after_expiry']],
  ])('an acceptance %s counts, and the record says whether the offer had expired', (_, after, reasons) => {
    const { bank, offered } = thanked(kind)
    const outcome = accept(bank, offered, offered.notAfter + after)
    expect(outcome.status).toBe('accepted')
    expect(outcome.decisions.map(({ reason }) => reason)).toEqual(reasons)
    expect(answered(bank)).toBe(true)
    for (const record of outcome.decisions)
      expect(record).toMatchObject({
        ...{ outcome: 'none', offers: [], fates: [], contacts: [], recalls: [offered.id.slice(0, 13)] },
        cause: { kind: 'event', id: 'accepted', type: 'offer.accepted' },
      })
  })

  test('a receipt that came before changes nothing of it', () => {
    const { bank, offered } = thanked(kind)
    bank.send('c', 'message.sent', { decisionId: offered.id, channel: 'sms' }, { at: at + 1, source: 'core-banking' })
    expect(accept(bank, offered, offered.notAfter).decisions).toEqual([])
    expect(accept(bank, offered, offered.notAfter + 1, { id: 'again' }).decisions).toMatchObject([
      { reason: 'accepted_after_expiry' },
    ])
  })
})

test('what counts is when the customer accepted, not when it was heard of', () => {
  const { bank, offered } = thanked()
  const heard = { acceptedAt: offered.notAfter + 3_600_000 }
  expect(accept(bank, offered, offered.notAfter - 1, heard).decisions).toEqual([])
})

test('the shortest of the offers of a decision counts, and an answer to an app as well', async () => {
  const offers = pieces.offers.map((offer) => (offer.id === 'inbox-loan' ? { ...offer, validFor: '1h' } : offer))
  const placements = pieces.placements.map((one) => (one.id === 'inbox' ? { ...one, slots: 2 } : one))
  const bank = createBank(await loadBank({ offers, placements }))
  settle(bank, 'c', at - 1)
  const { decision } = bank.ask('c', 'inbox', { at, count: 2 })
  expect(decision.offers.map(({ offer }) => offer)).toEqual(['inbox-loan', 'inbox-tip'])
  expect(decision.notAfter).toBe(at + 3_600_000)
  expect(accept(bank, decision, decision.notAfter).decisions).toEqual([])
  expect(accept(bank, decision, decision.notAfter + 1, { id: 'late' }).decisions).toMatchObject([
    { reason: 'accepted_after_expiry' },
  ])
})

test('a message that was recalled and is accepted in time had not expired', () => {
  const { bank, offered } = thanked()
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at + 1 })
  expect(accept(bank, offered, at + 2).decisions.map(({ reason }) => reason)).toEqual(['sent_after_recall'])
})

test('clicks and dismissals, unknown decisions and sources the bank may not use lead to no record', () => {
  const { bank, offered } = thanked()
  const late = offered.notAfter + 1
  const data = { decisionId: offered.id, offerId: 'repayment-thanks', placement: 'sms-out', channel: 'sms' }
  for (const type of ['offer.clicked', 'offer.dismissed', 'message.delivered'])
    expect(bank.send('c', type, data, { at: late, source: 'core-banking' }).decisions).toEqual([])
  for (const decisionId of ['f'.repeat(32), 'no id'])
    expect(bank.send('c', 'offer.accepted', { ...data, decisionId }, { at: late }).decisions).toEqual([])
  expect(accept(bank, offered, late, { source: 'crawler' }).decisions).toEqual([])
})

test('a repeat makes no second record, and one that left although its commit was lost is not made again', () => {
  const first = thanked()
  const late = first.offered.notAfter + 1
  const [record] = accept(first.bank, first.offered, late).decisions
  if (record === undefined) throw new Error('a record')
  expect(accept(first.bank, first.offered, late)).toMatchObject({ status: 'duplicate', decisions: [] })
  const second = thanked()
  adoptDecision(second.bank.states, second.bank.slot('c'), decodeDecision(encodeDecision(record)))
  expect(accept(second.bank, second.offered, late)).toMatchObject({ status: 'accepted', decisions: [] })
  expect(answered(second.bank)).toBe(true)
})
