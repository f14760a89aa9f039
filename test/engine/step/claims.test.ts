/**
 * Goal: a claim on resources is told from every other one, is the customer's own for as long as it runs whatever decision shows it, and never
 * costs the customer a contact. Method: the step alone, told what is left, over offers that go by message and are shown in the app as well.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { beginStock } from '../../../engine/step/funnel/stock.ts'
import { nothingKnown, type Settlement } from '../../../engine/step/funnel/stock-view.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { giftPieces } from '../shard/stock-bank.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

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
    channels: ['app', 'inbox', 'sms'].map((id) => ({ id, contact: id !== 'app', receipts: id === 'sms' })),
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

  test('while its claim runs: the same offer, and nothing is taken', () => {
    const bank = open()
    show(bank, 'home-banner', at, 'r')
    const again = show(bank, 'home-banner', at + secondMs, 'r')
    expect([again.reserves, offersOf(again.decision), again.decision.stock]).toEqual([false, ['gift'], []])
  })
})

function reasonsOf(decisions: readonly Decision[]): readonly string[] {
  return decisions.map(({ reason }) => reason)
}
