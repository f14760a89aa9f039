/**
 * Goal: a claim on resources is told from every other one, is the customer's own for as long as it runs whatever decision shows it, and never
 * costs the customer a contact. Method: the step alone, told what is left, over offers that go by message and are shown in the app as well.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { beginStock } from '../../../engine/step/funnel/stock.ts'
import { nothingKnown, type Settlement } from '../../../engine/step/funnel/stock-view.ts'
import { permitMessage } from '../../../engine/step/permit.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { giftPieces } from '../shard/stock-bank.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces, reportedChannels } from './bank-pack.ts'

const at = day0 + 110 * dayMs
const secondMs = 1_000
let pack: LoadedPack

beforeAll(async () => {
  pack = await loadBank(everywhere())
})

/** The gifts, and two offers that go by message and are shown in the inbox and in the app: one takes of gifts, one is spent by being made. */
function everywhere() {
  const text = (en: string) => ({ en, zh: en })
  const message = { category: 'news', class: 'service', contentType: 'message', value: 3, validFor: '60s' }
  const channels = ['sms', 'inbox', 'app']
  const gifts = giftPieces({ units: 10 })
  const offers = [
    ...(Array.isArray(gifts.offers) ? gifts.offers : []),
    {
      ...message,
      id: 'spent',
      class: 'marketing',
      title: text('spent'),
      channels,
      takes: [{ resource: 'budget', amount: 30 }],
      priority: 20,
    },
    { ...message, id: 'stocked', title: text('stocked'), channels, takes: [{ resource: 'gifts' }], priority: 30 },
    { ...message, id: 'safe', title: text('safe'), channels: ['inbox', 'app'], validFor: '24h' },
  ]
  const trigger = (id: string, on: string, placement: string) => ({ id, on, offers: [id], placement, freshness: '1h' })
  return {
    ...gifts,
    guardrails: pieces.guardrails.map((one) =>
      one.id === 'sms-needs-consent' ? { ...one, closes: { ...one.closes, channels: ['sms', 'inbox'] } } : one,
    ),
    channels: reportedChannels,
    offers,
    triggers: [
      ...pieces.triggers,
      trigger('spent', 'repayment.made', 'sms-out'),
      trigger('stocked', 'page.viewed', 'sms-out'),
      { ...trigger('stocked', 'search.made', 'inbox-out'), id: 'to-inbox' },
    ],
    placements: [
      ...pieces.placements,
      { id: 'app-messages', channel: 'app', direction: 'inbound', contentTypes: ['message'], fallback: 'safe' },
      { id: 'inbox-messages', channel: 'inbox', direction: 'inbound', contentTypes: ['message'], fallback: 'safe' },
      { id: 'inbox-out', channel: 'inbox', direction: 'outbound', contentTypes: ['message'] },
    ],
  }
}

function open(left: readonly number[] = [10, 100]): Bank {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  know(bank, left)
  said(bank)
  return bank
}

const know = ({ context }: Bank, left: readonly number[]): void => beginStock({ left, ...nothingKnown }, context.run)

/** What was said to settle since the last time. */
function said({ context: { run } }: Bank): readonly Settlement[] {
  return run.settlements.splice(0)
}

const show = (bank: Bank, placement: string, when: number, requestId: string) =>
  bank.ask('c', placement, { at: when, requestId })

const answer = (bank: Bank, type: string, { id }: Decision, when: number, offerId: string) =>
  bank.send('c', type, { decisionId: id, offerId, placement: 'inbox' }, { at: when })

const offersOf = ({ offers }: Decision): readonly string[] => offers.map(({ offer }) => offer)
const claimsOf = ({ stock }: Decision) => stock.map(({ claim }) => claim)
const fates = ({ fates: all }: Decision): readonly string[] => all.map(({ reason }) => reason)

describe('claims beside contacts', () => {
  test.each([0, 520])('never make the caps forget a contact: three cards stay three, %d gifts shown', (times) => {
    const bank = open([1e6, 0])
    for (let i = 0; i < 3; i++) expect(show(bank, 'inbox', at + i, `i${i}`).decision.outcome).toBe('offered')
    expect(fates(show(bank, 'inbox', at + 10, 'full').decision)).toContain('cap_reached')
    for (let i = 0; i < times; i++) show(bank, 'home-banner', at + 100 + i * 61 * secondMs, `a${i}`)
    // Nine hours later: the cap is over seven days.
    const later = show(bank, 'inbox', at + 100 + 520 * 61 * secondMs, 'later').decision
    expect(fates(later)).toContain('cap_reached')
    expect(later.outcome).not.toBe('offered')
  })

  test.each([0, 520])('do not keep a message from being recalled: %d times shown', (times) => {
    const bank = open([1e6, 0])
    const [message] = bank.send('c', 'repayment.made', { amount: 600_000 }, { at }).decisions
    expect(message?.confirmBy).toBeGreaterThan(at + 520 * 61 * secondMs)
    for (let i = 0; i < times; i++) show(bank, 'home-banner', at + 100 + i * 61 * secondMs, `a${i}`)
    const closing = bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at + 521 * 61 * secondMs })
    expect(reasonsOf(closing.decisions)).toContain('recalled')
  })

  test('that are over are forgotten but for the newest of an offer', () => {
    const bank = open([1e6, 0])
    const before = bank.states.contactCount(bank.slot('c'))
    for (let i = 0; i < 5; i++) show(bank, 'home-banner', at + i * 61 * secondMs, `a${i}`)
    expect(bank.states.contactCount(bank.slot('c'))).toBe(before + 2)
  })
})

describe('the same request, asked again', () => {
  test.each([
    ['home-banner', 100 * secondMs],
    ['inbox-messages', 3_600 * secondMs],
  ])('when its claim is over, for %s: another answer with another claim', (placement, laterMs) => {
    const bank = open()
    const first = show(bank, placement, at, 'r')
    const again = show(bank, placement, at + laterMs, 'r')
    expect([first.reserves, again.reserves, again.repeats]).toEqual([true, true, false])
    expect(again.decision.id).not.toBe(first.decision.id)
    expect(claimsOf(again.decision)).not.toEqual(claimsOf(first.decision))
  })

  test('when it was declined: not under the claim that is being given back', () => {
    const bank = open()
    const first = show(bank, 'home-banner', at, 'r')
    answer(bank, 'offer.dismissed', first.decision, at + secondMs, 'gift')
    expect(said(bank)).toMatchObject([{ kind: 'lapse', id: claimsOf(first.decision)[0] }])
    const again = show(bank, 'home-banner', at + secondMs, 'r')
    expect(again.reserves).toBe(true)
    expect(claimsOf(again.decision)).not.toEqual(claimsOf(first.decision))
  })

  test.each([2, 100])('when it was accepted, %d s later, and accepted again: a second unit is taken', (seconds) => {
    const bank = open()
    const first = show(bank, 'app-messages', at, 'r')
    expect(offersOf(first.decision)).toEqual(['stocked'])
    answer(bank, 'offer.accepted', first.decision, at + secondMs, 'stocked')
    const again = show(bank, 'app-messages', at + seconds * secondMs, 'r')
    answer(bank, 'offer.accepted', again.decision, at + (seconds + 1) * secondMs, 'stocked')
    const settled = said(bank)
    expect(settled.map(({ kind }) => kind)).toEqual(['confirm', 'confirm'])
    expect(new Set(settled.map(({ id }) => id)).size).toBe(2)
  })

  test('at one instant with more others than are remembered: still the first answer', () => {
    const bank = open()
    const first = show(bank, 'inbox-messages', at, 'r0')
    for (let i = 1; i < 10; i++) expect(show(bank, 'inbox-messages', at, `r${i}`).reserves).toBe(true)
    const again = show(bank, 'inbox-messages', at, 'r0')
    expect([again.reserves, again.repeats, again.decision.id]).toEqual([false, true, first.decision.id])
    expect([again.decision.reason, offersOf(again.decision)]).toEqual(['repeated_request', ['stocked']])
  })

  test('while its claim runs: the same offer, and nothing is taken', () => {
    const bank = open()
    show(bank, 'home-banner', at, 'r')
    const again = show(bank, 'home-banner', at + secondMs, 'r')
    expect([again.reserves, offersOf(again.decision), again.decision.stock]).toEqual([false, ['gift'], []])
  })
})

/** The gift goes by message. */
function message(bank: Bank, when = at): Decision {
  const [decision] = bank.send('c', 'page.viewed', {}, { at: when }).decisions
  if (decision === undefined) throw new Error('a page that is viewed proposes it')
  expect(offersOf(decision)).toEqual(['stocked'])
  return decision
}
const receipt = (bank: Bank, type: string, { id }: Decision, when: number) =>
  bank.send('c', type, { decisionId: id, channel: 'sms' }, { at: when })
const mayLeave = ({ context, slot }: Bank, { id: decisionId }: Decision, when: number, channel = 'sms') =>
  permitMessage(context, slot('c'), { decisionId, channel }, when)

describe('a claim that several decisions show', () => {
  test.each(['app-messages', 'inbox-messages'])('is not given back when the message of one failed: %s', (placement) => {
    const bank = open()
    const first = message(bank)
    const second = show(bank, placement, at + secondMs, 'r')
    expect(second).toMatchObject({ reserves: true, decision: { stock: [] } })
    expect(offersOf(second.decision)).toEqual(['stocked'])
    receipt(bank, 'message.failed', first, at + 2 * secondMs)
    expect(said(bank)).toEqual([])
    answer(bank, 'offer.accepted', second.decision, at + 3 * secondMs, 'stocked')
    expect(said(bank)).toMatchObject([{ kind: 'confirm', resource: 'gifts', id: claimsOf(first)[0] }])
  })

  test('is given back when the messages of all failed, and not before', () => {
    const bank = open()
    const first = message(bank)
    const second = message(bank, at + secondMs)
    expect(second.stock).toEqual([])
    receipt(bank, 'message.failed', first, at + 2 * secondMs)
    expect(said(bank)).toEqual([])
    receipt(bank, 'message.failed', second, at + 3 * secondMs)
    expect(said(bank)).toMatchObject([{ kind: 'lapse', resource: 'gifts', id: claimsOf(first)[0] }])
  })

  test('changes something the first time it is shown on another channel, and then no more', () => {
    const bank = open()
    message(bank)
    expect(show(bank, 'app-messages', at + secondMs, 'r1').reserves).toBe(true)
    expect(show(bank, 'app-messages', at + 2 * secondMs, 'r2').reserves).toBe(false)
  })

  test('is spent, if it is by being made, where it is shown and nobody reports', () => {
    const bank = open()
    const [first] = bank.send('c', 'repayment.made', { amount: 100 }, { at }).decisions
    expect(first?.offers.map(({ offer }) => offer)).toEqual(['spent'])
    expect(said(bank)).toEqual([])
    know(bank, [0, 100])
    expect(offersOf(show(bank, 'app-messages', at + secondMs, 'r').decision)).toEqual(['spent'])
    expect(said(bank)).toMatchObject([{ kind: 'confirm', resource: 'budget', id: first?.stock[0]?.claim, amount: 30 }])
  })
})

describe('what was given back', () => {
  test('and is accepted all the same is taken for good, under the claim of the decision, once', () => {
    const bank = open()
    const first = message(bank)
    receipt(bank, 'message.failed', first, at + secondMs)
    expect(said(bank)).toMatchObject([{ kind: 'lapse' }])
    for (const seconds of [3, 4]) answer(bank, 'offer.accepted', first, at + seconds * secondMs, 'stocked')
    expect(said(bank)).toEqual([{ kind: 'confirm', resource: 'gifts', id: claimsOf(first)[0], amount: 1 }])
  })

  test('is taken for good also when another one was accepted before', () => {
    const bank = open()
    answer(bank, 'offer.accepted', message(bank), at, 'stocked')
    const second = message(bank, at + secondMs)
    receipt(bank, 'message.failed', second, at + 2 * secondMs)
    said(bank)
    answer(bank, 'offer.accepted', second, at + 3 * secondMs, 'stocked')
    expect(said(bank)).toMatchObject([{ kind: 'confirm', id: claimsOf(second)[0] }])
  })

  test('by a recall, and was sent, is spent if it is by being made', () => {
    const bank = open([0, 100])
    const [first] = bank.send('c', 'repayment.made', { amount: 100 }, { at }).decisions
    if (first === undefined) throw new Error('a repayment proposes it')
    bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at + secondMs })
    const back = said(bank)
    receipt(bank, 'message.sent', first, at + 2 * secondMs)
    expect([back, said(bank)]).toMatchObject([
      [{ kind: 'lapse', resource: 'budget', id: first.stock[0]?.claim }],
      [{ kind: 'confirm', resource: 'budget', id: first.stock[0]?.claim, amount: 30 }],
    ])
  })

  test('is not made again to the same request', () => {
    const bank = open()
    const first = show(bank, 'inbox-messages', at, 'r').decision
    expect(offersOf(show(bank, 'inbox-messages', at + 1, 'r').decision)).toEqual(['stocked'])
    answer(bank, 'offer.dismissed', first, at + secondMs, 'stocked')
    // Somebody else got the last one.
    know(bank, [0, 0])
    const again = show(bank, 'inbox-messages', at + 2 * secondMs, 'r').decision
    expect([again.reason, offersOf(again)]).toEqual(['superseded', ['safe']])
  })

  test('gets no permit any more', () => {
    const bank = open()
    const shown = show(bank, 'app-messages', at, 'r').decision
    const sent = message(bank, at + 10 * secondMs)
    expect(mayLeave(bank, sent, at + 10 * secondMs)).toMatchObject({ permitted: true })
    answer(bank, 'offer.dismissed', shown, at + 11 * secondMs, 'stocked')
    expect(mayLeave(bank, sent, at + 12 * secondMs)).toMatchObject({ permitted: false, reason: 'lapsed' })
  })
})

describe('what is kept since earlier holds no longer than the claim', () => {
  const end = at + 60 * secondMs

  test('when the request is answered again', () => {
    const bank = open()
    show(bank, 'inbox-messages', at, 'r1')
    const kept = show(bank, 'inbox-messages', at + 30 * secondMs, 'r2').decision
    const again = show(bank, 'inbox-messages', at + 31 * secondMs, 'r2').decision
    expect([again.id, again.reason, kept.notAfter, again.notAfter]).toEqual([kept.id, 'repeated_request', end, end])
    const over = show(bank, 'inbox-messages', end, 'r2').decision
    expect(over.reason).toBe('superseded')
  })

  test('for a permit', () => {
    const bank = open()
    show(bank, 'app-messages', at, 'r')
    const [decision] = bank.send('c', 'search.made', {}, { at: at + 30 * secondMs }).decisions
    if (decision === undefined) throw new Error('a search proposes it')
    expect([offersOf(decision), decision.notAfter]).toEqual([['stocked'], end])
    expect(mayLeave(bank, decision, end - 1, 'inbox')).toMatchObject({ permitted: true, until: end })
    expect(mayLeave(bank, decision, end, 'inbox')).toMatchObject({ permitted: false })
  })

  test.each([
    [end, []],
    [end + 1, ['accepted_after_expiry']],
  ])('when it is accepted: %d', (when, reasons) => {
    const bank = open()
    show(bank, 'app-messages', at, 'r')
    const kept = show(bank, 'inbox-messages', at + 30 * secondMs, 'r2').decision
    expect([offersOf(kept), kept.notAfter]).toEqual([['stocked'], end])
    expect(reasonsOf(answer(bank, 'offer.accepted', kept, when, 'stocked').decisions)).toEqual(reasons)
  })
})

test('a customer who is erased gives back what is kept, and nothing twice', () => {
  const bank = open()
  const { decision } = show(bank, 'home-banner', at, 'r')
  bank.send('c', 'customer.erased', {}, { at: at + secondMs })
  expect(said(bank)).toEqual([{ kind: 'lapse', resource: 'gifts', id: claimsOf(decision)[0], amount: 1 }])
  bank.send('c', 'customer.erased', {}, { at: at + 2 * secondMs })
  expect(said(bank)).toEqual([])
})

function reasonsOf(decisions: readonly Decision[]): readonly string[] {
  return decisions.map(({ reason }) => reason)
}
