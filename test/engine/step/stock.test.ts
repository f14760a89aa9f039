/**
 * Goal: what is known of resources decides which offers are made, what is chosen is claimed once, and answers and receipts say what becomes of
 * it. Method: the step alone, told what is left, as a shard tells it.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { adoptDecision } from '../../../engine/step/adopt-decision.ts'
import { claimId, claimNumber } from '../../../engine/step/claims.ts'
import { decisionNumber } from '../../../engine/step/decision-id.ts'
import { beginStock } from '../../../engine/step/funnel/stock.ts'
import { nothingKnown, type Settlement, type StockInput } from '../../../engine/step/funnel/stock-view.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { giftPieces } from '../shard/stock-bank.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, reportedChannels } from './bank-pack.ts'

const at = day0 + 110 * dayMs
const secondMs = 1_000
let pack: LoadedPack

beforeAll(async () => {
  const channels = reportedChannels
  pack = await loadBank({ ...giftPieces({ units: 10 }), channels })
})

/** A bank that knows what is left of gifts and points. */
function open(left: readonly number[] = [10, 100], more: Partial<StockInput> = {}): Bank {
  const bank = createBank(pack)
  for (const customer of ['c', 'd']) settle(bank, customer, at)
  know(bank, left, more)
  return bank
}

const know = ({ context }: Bank, left: readonly number[], more: Partial<StockInput> = {}): void =>
  beginStock({ left, ...nothingKnown, ...more }, context.run)

const show = (bank: Bank, customer = 'c', when = at, requestId = 'r') =>
  bank.ask(customer, 'home-banner', { at: when, requestId })

const fateOf = ({ fates }: Decision, offer = 'gift') => fates.find((fate) => fate.offer === offer)

/** What was said to settle since the last time. */
function said({ context: { run } }: Bank): readonly Settlement[] {
  return run.settlements.splice(0)
}

const answer = (bank: Bank, type: string, { id }: Decision, when: number, offerId = 'gift') =>
  bank.send('c', type, { decisionId: id, offerId, placement: 'home-banner' }, { at: when })

const opened = (bank: Bank, when = at) => {
  const [decision] = bank.send(
    'c',
    'account.opened',
    { accountType: 'current', channel: 'app' },
    { at: when },
  ).decisions
  if (decision === undefined) throw new Error('an account that is opened proposes points')
  return decision
}

describe('what is known', () => {
  test.each([
    { left: [1, 100], reason: 'offered', told: 1 },
    { left: [0, 100], reason: 'out_of_stock', told: 0 },
    { left: [Number.NaN, 100], reason: 'stock_unknown', told: null },
    { left: [], reason: 'stock_unknown', told: null },
  ])('of gifts makes it $reason: $left', ({ left, reason, told }) => {
    const { decision } = show(open(left))
    expect(fateOf(decision)).toMatchObject({ reason })
    expect(decision.stock).toEqual([
      expect.objectContaining({ offer: 'gift', resource: 'gifts', amount: 1, left: told }),
    ])
  })

  test('of two resources has to be enough of both', () => {
    const { decision } = open([10, 29]).ask('c', 'inbox', { at })
    expect(fateOf(decision, 'double')).toMatchObject({ stage: 'stock', reason: 'budget_spent', rule: 'budget' })
    expect(decision.stock).toMatchObject([{ offer: 'double', resource: 'budget', amount: 30, left: 29, claim: null }])
  })

  test('falls with each choice of the batch', () => {
    const bank = open([1, 100])
    expect(fateOf(show(bank, 'c').decision)).toMatchObject({ reason: 'offered' })
    expect(fateOf(show(bank, 'd').decision)).toMatchObject({ reason: 'out_of_stock' })
  })

  test('by an answer to the claim counts more than a hint, either way', () => {
    const first = show(open()).decision
    const id = first.stock[0]?.claim ?? ''
    const kept = show(open([0, 0], { kept: new Set([id]) })).decision
    expect(fateOf(kept)).toMatchObject({ reason: 'offered' })
    expect(kept).toMatchObject({ id: first.id, stock: [{ claim: id }] })
    const refused = show(open([10, 100], { refused: new Map([[id, { resource: 0, left: 0 }]]) })).decision
    expect(fateOf(refused)).toMatchObject({ reason: 'out_of_stock' })
    expect(refused.stock).toMatchObject([{ left: 0, claim: null }])
  })
})

describe('a claim', () => {
  test('has an id of its decision, customer and offer, and ends behind the offer', () => {
    const { decision, reserves } = show(open())
    const number = claimNumber(
      decisionNumber(decision.id),
      createBank(pack).context.pack.offers.find(({ id }) => id === 'gift')?.key ?? 0,
    )
    expect(reserves).toBe(true)
    expect(decision.stock).toMatchObject([
      { claim: claimId('salt of the test', 'c', number), until: at + 61 * secondMs },
    ])
    expect(decision.notAfter).toBe(at + 60 * secondMs)
  })

  test('that runs is shown again though all is gone, takes nothing and holds no longer', () => {
    const bank = open()
    show(bank)
    know(bank, [0, 0])
    const again = show(bank, 'c', at + 59 * secondMs, 'r2')
    expect(again).toMatchObject({
      reserves: false,
      decision: { outcome: 'offered', stock: [], notAfter: at + 60 * secondMs },
    })
    expect(fateOf(show(bank, 'c', at + 60 * secondMs, 'r3').decision)).toMatchObject({ reason: 'out_of_stock' })
  })

  test('is no contact: no cap counts it', () => {
    const bank = open([10, 1_000])
    for (let i = 0; i < 3; i++) show(bank, 'c', at + i * 100 * secondMs, `r${i}`)
    // Three in seven days are the most for the inbox.
    expect(bank.ask('c', 'inbox', { at: at + 400 * secondMs }).decision).toMatchObject({ outcome: 'offered' })
  })

  test('that was adopted is shown again and not taken anew', () => {
    const { decision } = show(open())
    const other = open()
    adoptDecision(other.states, other.slot('c'), decision)
    adoptDecision(other.states, other.slot('c'), decision)
    expect(show(other, 'c', at + secondMs, 'r2')).toMatchObject({ reserves: false, decision: { outcome: 'offered' } })
  })
})

describe('what becomes of a claim', () => {
  test('accepted, also late: taken for good, once', () => {
    const bank = open()
    const { decision } = show(bank)
    answer(bank, 'offer.accepted', decision, at + 70 * secondMs)
    const id = decision.stock[0]?.claim
    expect(said(bank)).toEqual([{ kind: 'confirm', resource: 'gifts', id, amount: 1 }])
    answer(bank, 'offer.accepted', decision, at + 71 * secondMs)
    expect(said(bank)).toEqual([])
  })

  test('accepted: not offered again for a year, to the millisecond', () => {
    const bank = open()
    answer(bank, 'offer.accepted', show(bank).decision, at + secondMs)
    const end = at + secondMs + 365 * dayMs
    expect(fateOf(show(bank, 'c', end - 1, 'r2').decision)).toMatchObject({ reason: 'had_already', possibleAt: end })
    expect(fateOf(show(bank, 'c', end, 'r3').decision)).toMatchObject({ reason: 'offered' })
  })

  test('declined: given back, and offered again', () => {
    const bank = open()
    const { decision } = show(bank)
    answer(bank, 'offer.dismissed', decision, at + secondMs)
    expect(said(bank)).toMatchObject([{ kind: 'lapse', resource: 'gifts', id: decision.stock[0]?.claim }])
    expect(show(bank, 'c', at + 2 * secondMs, 'r2').reserves).toBe(true)
  })

  test('never claimed: nothing is given back, and what is accepted is taken for good once', () => {
    const bank = open()
    const decision = show(bank, 'd').decision
    answer(bank, 'offer.dismissed', decision, at)
    expect(said(bank)).toEqual([])
    answer(bank, 'offer.accepted', decision, at)
    answer(bank, 'offer.accepted', decision, at)
    expect(said(bank)).toMatchObject([{ kind: 'confirm', resource: 'gifts', amount: 1 }])
  })

  test('offered by message: taken when it was sent, given back when it failed', () => {
    for (const [type, kind] of [
      ['message.sent', 'confirm'],
      ['message.failed', 'lapse'],
    ] as const) {
      const bank = open()
      const decision = opened(bank)
      // Its gateway reports, so nothing is taken for good by deciding.
      expect(said(bank)).toEqual([])
      bank.send('c', type, { decisionId: decision.id, channel: 'sms' }, { at: at + secondMs })
      expect(said(bank)).toEqual([{ kind, resource: 'budget', id: decision.stock[0]?.claim, amount: 30 }])
    }
  })

  test('offered where nobody reports: taken by being offered', () => {
    const bank = open()
    const { decision } = bank.ask('c', 'inbox', { at })
    expect(said(bank)).toMatchObject([
      { kind: 'confirm', resource: 'budget', id: decision.stock[0]?.claim, amount: 30 },
    ])
  })
})
