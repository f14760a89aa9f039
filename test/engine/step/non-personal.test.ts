/** Who objected to profiling, and whoever an app asks about so, is answered without anything that is known of them. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Decision } from '../../../sinks/decision.ts'
import { type Bank, createBank, day0, dayMs } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const open = {
  id: 'open-day',
  title: { en: 'An open day', zh: '开放日' },
  category: 'news',
  class: 'service',
  contentType: 'banner',
  channels: ['app'],
  validFor: '24h',
}
const objection = {
  id: 'nothing-personal',
  reason: 'objection',
  text: { en: 'Nothing personal after an objection.', zh: '反对画像后不作个性化推荐' },
  closes: { categories: 'all', classes: ['marketing'] },
  suppression: {
    event: 'consent.updated',
    where: 'event.purpose == "profiling" && !event.granted',
    for: '365d',
    liftedBy: { event: 'consent.updated', where: 'event.purpose == "profiling" && event.granted' },
  },
  instead: 'non_personal',
}
const guardrails = [...pieces.guardrails, objection]
const pack = await loadBank({ offers: [...pieces.offers, open], guardrails })
const at = day0 + 40 * dayMs

function ask(bank: Bank, personalised: boolean): Decision {
  return bank.ask('c', 'home-banner', { at, count: 3, personalised, requestId: 'r' }).decision
}

const event = fc.oneof(
  fc.record({ type: fc.constant('profile.updated'), data: fc.record({ totalAssets: fc.nat(200_000_000) }) }),
  fc.record({
    type: fc.constant('profile.updated'),
    data: fc.record({ employmentStatus: fc.constantFrom('student', 'employed', 'retired') }),
  }),
  fc.record({
    type: fc.constant('card.purchase'),
    data: fc.record({ amount: fc.nat(100_000), merchantCategory: fc.constantFrom('maternity', 'grocery') }),
  }),
  fc.record({
    type: fc.constant('life_event.reported'),
    data: fc.record({ kind: fc.constantFrom('bereavement', 'unemployment'), resolved: fc.boolean() }),
  }),
)
const life = fc.array(fc.record({ what: event, day: fc.nat(39) }), { maxLength: 15 })

function live(events: readonly { readonly what: { type: string; data: object }; readonly day: number }[]): Bank {
  const bank = createBank(pack)
  for (const { what, day } of events)
    bank.send('c', what.type, { ...what.data }, { at: day0 + day * dayMs, now: day0 + day * dayMs })
  return bank
}

/** What became of each offer; `open`: it could have been shown. */
function fatesOf({ fates }: Decision): ReadonlyMap<string, { readonly open: boolean; readonly stage: string }> {
  const open = ['offered', 'placement_full', 'lost_arbitration']
  return new Map(fates.map(({ offer, stage, reason }) => [offer, { open: open.includes(reason), stage }]))
}

test('whatever is known of a customer opens nothing in an answer that is not personal, and guardrails still close', () => {
  const stranger = fatesOf(ask(createBank(pack), false))
  expect([...stranger.values()].filter(({ open }) => open).length).toBeGreaterThan(1)
  let closed = 0
  fc.assert(
    fc.property(life, (events) => {
      const decision = ask(live(events), false)
      expect(decision).toMatchObject({ reason: 'not_personalised', features: [], origins: [] })
      for (const [offer, { open, stage }] of fatesOf(decision)) {
        if (open === stranger.get(offer)?.open) continue
        expect({ offer, open, stage }).toEqual({ offer, open: false, stage: 'guardrail' })
        closed++
      }
    }),
    { numRuns: 100 },
  )
  expect(closed).toBeGreaterThan(0)
})

test('only what is open to everybody is offered', () => {
  const bank = live([
    { what: { type: 'profile.updated', data: { totalAssets: 60_000_000, riskGrade: 'balanced' } }, day: 1 },
  ])
  const personal = ask(bank, true)
  expect(personal.offers.length).toBeGreaterThan(1)
  const { outcome, reason, offers } = ask(bank, false)
  expect({ outcome, reason, offers: offers.map(({ offer }) => offer) }).toEqual({
    outcome: 'offered',
    reason: 'not_personalised',
    offers: ['open-day', 'study-loan'],
  })
})

test('an objection asks for it until it is taken back', () => {
  const bank = live([{ what: { type: 'profile.updated', data: { totalAssets: 60_000_000 } }, day: 1 }])
  const consent = { channel: 'all', purpose: 'profiling' } as const
  expect(ask(bank, true).reason).toBe('offered')
  bank.send('c', 'consent.updated', { ...consent, granted: false }, { at: at - 2 })
  // In the scope of the objection is all marketing.
  const { reason, offers, features, origins } = ask(bank, true)
  expect({ reason, offers: offers.map(({ offer }) => offer), features, origins }).toEqual({
    reason: 'not_personalised',
    offers: ['open-day'],
    features: [],
    origins: [],
  })
  bank.send('c', 'consent.updated', { ...consent, granted: true }, { at: at - 1 })
  expect(ask(bank, true).reason).toBe('offered')
})

test('an answer that was personal is not given again to who objected since, nor when the app asks for one that is not', async () => {
  const eligible = 'profile.assets > money("100000.00")'
  const card = { ...open, id: 'wealth-card', contentType: 'card', channels: ['inbox'], eligible }
  const bank = createBank(await loadBank({ offers: [...pieces.offers, card], guardrails }))
  bank.send('c', 'profile.updated', { totalAssets: 60_000_000 }, { at: at - dayMs, now: at - dayMs })
  const inbox = (when: number, personalised: boolean) => {
    const { offers, reason } = bank.ask('c', 'inbox', { at: when, personalised, requestId: 'r' }).decision
    return [...offers.map(({ offer }) => offer), reason]
  }
  expect(inbox(at, true)).toEqual(['wealth-card', 'offered'])
  expect(inbox(at, false)).not.toContain('wealth-card')
  expect(inbox(at + 1, true)).toEqual(['wealth-card', 'repeated_request'])
  bank.send('c', 'consent.updated', { channel: 'all', purpose: 'profiling', granted: false }, { at: at + 2 })
  expect(inbox(at + 3, true)).not.toContain('wealth-card')
})
