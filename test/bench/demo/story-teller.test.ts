import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { createStoryTeller } from '../../../bench/demo/story-teller.ts'
import { createBank } from '../../../bench/workload/bank.ts'
import type { EventMoment } from '../../../bench/workload/moment.ts'
import type { PartitionStatus } from '../../../engine/shard/shards.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import type { Model } from '../../../rules/model.ts'
import type { Decision, Fate } from '../../../sinks/decision.ts'

const bank = createBank({ seed: 1, customers: 1, dayStartMs: Date.parse('2026-03-10T00:00:00+08:00'), events: 0 })
const plain = (_style: unknown, text: string): string => text
let model: Model

beforeAll(async () => {
  const loaded = await loadPack(fileURLToPath(new URL('../../../rules/packs/retail-bank', import.meta.url)))
  if (loaded.kind !== 'ok') throw new Error('the sample pack loads')
  model = loaded.pack.model
})

function eventOf(customerId: string, nth: number): EventMoment {
  const own = bank.stories
    .flatMap(({ day }) => day)
    .filter((one) => one.kind === 'event' && one.event.customerId === customerId)
  const moment = own[nth]
  if (moment?.kind !== 'event') throw new Error('the story has this moment')
  return moment
}

function status(next: number, seq: number, published: number): readonly PartitionStatus[] {
  const totals = { accepted: 0, duplicates: 0, deadLettered: 0, decisions: 0 }
  return [
    { partition: 0, state: 'running', reason: null, seq, next, end: next, published, addr: '', adopted: 0, totals },
  ]
}

const scored = { propensity: 0.4, context: 1, value: 1, lever: 1, score: 0.4, possibleAt: 0, learned: null }

function decisionOf({ event }: EventMoment, fate: Partial<Fate>): Decision {
  const whole: Fate = {
    offer: 'family_bundle',
    trigger: 'mother-and-baby-purchase',
    stage: 'offered',
    reason: 'offered',
    rule: null,
    ...scored,
    ...fate,
  }
  const offered = whole.stage === 'offered'
  return {
    id: event.id,
    customerId: event.customerId,
    cause: { kind: 'event', id: event.id, source: event.source, type: event.type },
    placement: 'push_message',
    channel: 'push',
    packHash: 'p',
    eventTime: event.time,
    acceptedAt: event.time,
    now: event.time,
    notAfter: 0,
    outcome: offered ? 'offered' : 'none',
    reason: offered ? 'offered' : 'all_dropped',
    offers: offered ? [{ offer: whole.offer, score: 0.4 }] : [],
    contacts: [],
    confirmBy: 0,
    held: [],
    nothing: 0,
    modelHash: '',
    holdouts: [],
    recalls: [],
    stock: [],
    origins: [],
    prices: [],
    fates: [whole],
    features: [
      { name: 'maternity_growth_30d', lo: 2, hi: 2, class: 'exact' },
      { name: 'profile.pushConsent', lo: 1, hi: 1, class: 'exact' },
    ],
  }
}

const appended = { kind: 'appended', position: { partition: 0, offset: 5 } } as const

test('a moment is told when its commit is published, not before, and once', () => {
  const teller = createStoryTeller(bank.stories, model, plain)
  teller.arrived(eventOf('C-mia', 1), appended, 'accepted')
  expect(teller.tell(status(5, 8, 8), 80)).toEqual([])
  expect(teller.tell(status(6, 9, 8), 80)).toEqual([])
  teller.decided(decisionOf(eventOf('C-mia', 1), {}))
  const lines = teller.tell(status(9, 12, 9), 80)
  expect(lines).toContain('11:20  C-mia pays 389.00 CNY with the card (maternity)')
  expect(lines).toContain('        → offered by push: For your growing family')
  expect(lines).toContain('          because maternity growth (30 days) +200 %')
  expect(teller.tell(status(9, 12, 12), 80)).toEqual([])
})

test('a stop is told with its reason in words', () => {
  const teller = createStoryTeller(bank.stories, model, plain)
  const moment = eventOf('C-wen', 2)
  teller.arrived(moment, appended, 'accepted')
  teller.decided(
    decisionOf(moment, { stage: 'guardrail', reason: 'no_consent', rule: 'no-push-marketing-without-consent' }),
  )
  const text = teller.tell(status(6, 9, 9), 200).join('\n')
  expect(text).toContain('✘ For your growing family was withheld: the customer has not agreed to marketing on push')
  expect(text).not.toContain('→')
})

test('a message that is taken back is told with what forbids it, and not as a candidate', () => {
  const teller = createStoryTeller(bank.stories, model, plain)
  const moment = eventOf('C-sui', 3)
  teller.arrived(moment, appended, 'accepted')
  const fate = {
    offer: 'fx_wallet',
    stage: 'guardrail',
    reason: 'bereavement',
    rule: 'silence-after-bereavement',
  } as const
  teller.decided({ ...decisionOf(moment, fate), reason: 'recalled', recalls: ['0123456789abc'] })
  const text = teller.tell(status(6, 9, 9), 200).join('\n')
  expect(text).toContain('↩ taken back before it was sent by push: A foreign currency wallet')
  expect(text).toContain('because after a death in the family')
  expect(text).not.toContain('✘')
})

test('what waits for the morning is told, and in the morning what came of it, once', () => {
  const teller = createStoryTeller(bank.stories, model, plain)
  const moment = eventOf('C-min', 0)
  const offer = { offer: 'gaming_instalments', trigger: 'gaming-regular' }
  const held = decisionOf(moment, { ...offer, stage: 'contact', reason: 'held', rule: 'quiet-night' })
  teller.arrived(moment, appended, 'accepted')
  teller.decided(held)
  expect(teller.tell(status(6, 9, 9), 80).join('\n')).toContain('… Gaming equipment in twelve instalments waits')
  const sent = {
    ...decisionOf(moment, offer),
    id: 'released',
    cause: { kind: 'event', id: held.id, source: 'proffer', type: 'hold.released' } as const,
    now: Date.parse('2026-03-10T08:05:00+08:00'),
  }
  teller.decided(sent)
  teller.decided(sent)
  const lines = teller.tell(status(7, 10, 10), 80)
  expect(lines.filter((line) => line.startsWith('08:05  quiet hours of C-min are over'))).toHaveLength(1)
  expect(lines).toContain('        → offered by push: Gaming equipment in twelve instalments')
})

test('a repeat is told as one, without the decisions of the first', () => {
  const teller = createStoryTeller(bank.stories, model, plain)
  const moment = eventOf('C-mia', 1)
  teller.decided(decisionOf(moment, {}))
  teller.arrived(moment, appended, 'duplicate')
  const text = teller.tell(status(6, 9, 9), 120).join('\n')
  expect(text).toContain('came before, counts once')
  expect(text).not.toContain('offered')
})

test('each line of all stories fits a narrow terminal', () => {
  const teller = createStoryTeller(bank.stories, model, plain)
  const moments = bank.stories.flatMap(({ day }) => day)
  for (const moment of moments) if (moment.kind !== 'request') teller.arrived(moment, appended, 'wrong_currency')
  const lines = teller.tell(status(6, 9, 9), 60)
  expect(lines.length).toBeGreaterThan(moments.length / 2)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
})
