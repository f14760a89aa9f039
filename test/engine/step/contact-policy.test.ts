/** Goal: no customer is contacted more often, sooner or later in the day than the pack says, and who is refused learns until when. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { type Bank, createBank, day0, dayMs } from './bank.ts'
import { bank, loadBank, reportedChannels } from './bank-pack.ts'

const hourMs = 3_600_000
const text = (en: string) => ({ en, zh: `中文：${en}` })
const sms = { categories: 'all', channels: ['sms'] }
const message = (id: string, category: string, more: object = {}) => ({
  id,
  title: text(`The ${id}`),
  category,
  class: 'marketing',
  contentType: 'message',
  channels: ['sms'],
  validFor: '24h',
  value: 2,
  ...more,
})

/** Repays a lot: the bank says thank you by SMS. */
function repay(there: Bank, customerId: string, at: number): Decision | undefined {
  const outcome = there.send(customerId, 'repayment.made', { amount: 600_000, currency: 'CNY', loanId: 'L1' }, { at })
  return outcome.decisions[0]
}

function consents(there: Bank, customerId: string): void {
  const data = { channel: 'sms', granted: true, purpose: 'marketing' }
  there.send(customerId, 'consent.updated', data, { at: day0 - dayMs })
}

function receipt(there: Bank, customerId: string, type: string, decision: Decision | undefined, at: number): void {
  const data = { decisionId: decision?.id ?? '', channel: 'sms', offer: decision?.offers[0]?.offer ?? '' }
  there.send(customerId, type, data, { at })
}

const fate = (decision: Decision | undefined) => decision?.fates[0]

async function bankWith(changes: Parameters<typeof loadBank>[0]): Promise<Bank> {
  const there = createBank(await loadBank(changes))
  consents(there, 'C1')
  return there
}

describe('a campaign', () => {
  const offers = [
    ...bank.offers,
    message('spring-1', 'loyalty', { value: 9 }),
    message('spring-2', 'loyalty', { value: 8 }),
  ]
  const triggers = bank.triggers.map((trigger) =>
    trigger.id === 'large-repayment' ? { ...trigger, offers: ['spring-1', 'spring-2', 'repayment-thanks'] } : trigger,
  )
  const spring = { ...sms, offers: ['spring-1', 'spring-2'] }
  const cap = { id: 'spring-once', limit: 1, per: '30d', applies: spring, text: text('Once in spring') }

  test('has a cap of its own over all of its offers, and leaves others of their category alone', async () => {
    const caps = [{ ...cap, limit: 1 }]
    const there = await bankWith({ offers, triggers, caps })
    const offered = [1, 2, 3].map((day) => repay(there, 'C1', day0 + day * dayMs)?.offers.map(({ offer }) => offer))
    expect(offered).toEqual([['spring-1'], ['repayment-thanks'], ['repayment-thanks']])
    const refused = repay(there, 'C1', day0 + 4 * dayMs)?.fates ?? []
    expect(refused.map(({ offer, reason, rule }) => [offer, reason, rule])).toEqual([
      ['spring-1', 'cap_reached', 'spring-once'],
      ['spring-2', 'cap_reached', 'spring-once'],
      ['repayment-thanks', 'offered', null],
    ])
    expect(repay(there, 'C1', day0 + 31 * dayMs)?.offers[0]?.offer).toBe('repayment-thanks')
    expect(repay(there, 'C1', day0 + 31 * dayMs + 1)?.offers[0]?.offer).toBe('spring-1')
  })

  test('keeps its gap between its offers and those behind it', async () => {
    const gaps = [
      {
        id: 'after-spring',
        least: '2d',
        after: spring,
        applies: { ...sms, offers: ['repayment-thanks'] },
        text: text('Later'),
      },
    ]
    const there = await bankWith({ offers, triggers, caps: [cap], contact: { gaps } })
    expect(repay(there, 'C1', day0)?.offers[0]?.offer).toBe('spring-1')
    const between = repay(there, 'C1', day0 + dayMs)
    expect(between?.outcome).toBe('none')
    expect(between?.fates.at(-1)).toMatchObject({ offer: 'repayment-thanks', rule: 'after-spring' })
    expect(repay(there, 'C1', day0 + 2 * dayMs)?.offers[0]?.offer).toBe('repayment-thanks')
  })

  test('is about contacts, or the pack is refused', async () => {
    const elsewhere = { ...sms, categories: ['help'], offers: ['spring-1'] }
    await expect(loadBank({ offers, triggers, caps: [{ ...cap, applies: elsewhere }] })).rejects.toThrow(
      /about no contact/,
    )
    const inApp = { categories: 'all', offers: ['study-loan'] }
    await expect(loadBank({ offers, triggers, caps: [{ ...cap, applies: inApp }] })).rejects.toThrow(/about no contact/)
  })

  test('names only offers that the pack has', async () => {
    const caps = [{ ...cap, applies: { ...sms, offers: ['summer-1'] } }]
    await expect(loadBank({ offers, triggers, caps })).rejects.toThrow(/contact\.yaml:\d+ .*summer-1/)
  })
})

describe('a gap', () => {
  const gaps = [{ id: 'sms-2h', least: '2h', applies: sms, text: text('Two hours between two SMS') }]

  test('refuses the next contact until its end to the millisecond and says when it is possible', async () => {
    const there = await bankWith({ contact: { gaps } })
    expect(repay(there, 'C1', day0)?.outcome).toBe('offered')
    const refused = repay(there, 'C1', day0 + 2 * hourMs - 1)
    expect(fate(refused)).toMatchObject({ stage: 'contact', reason: 'gap_not_over', rule: 'sms-2h' })
    expect(fate(refused)?.possibleAt).toBe(day0 + 2 * hourMs)
    expect(repay(there, 'C1', day0 + 2 * hourMs)?.outcome).toBe('offered')
  })

  test('keeps one kind away from another: after this never that', async () => {
    const gapped = {
      id: 'no-loan-after-help',
      least: '30d',
      after: { categories: ['help'] },
      applies: { categories: ['loyalty'] },
      text: text('No thanks after help'),
    }
    const there = await bankWith({ contact: { gaps: [gapped] } })
    there.send('C1', 'life_event.reported', { kind: 'unemployment', resolved: false }, { at: day0 })
    expect(fate(repay(there, 'C1', day0 + 29 * dayMs))).toMatchObject({ rule: 'no-loan-after-help' })
    expect(repay(there, 'C1', day0 + 30 * dayMs)?.outcome).toBe('offered')
  })
})

describe('a pause', () => {
  const pauses = [
    {
      id: 'left-in-peace',
      ignored: 2,
      within: '30d',
      answer: '3d',
      for: '60d',
      applies: sms,
      text: text('Rest for those who do not react'),
    },
  ]

  test('begins when the second of two contacts was not answered in time, and ends', async () => {
    const there = await bankWith({ contact: { pauses } })
    repay(there, 'C1', day0)
    repay(there, 'C1', day0 + 10 * dayMs)
    // The customer still has time to react.
    expect(repay(there, 'C1', day0 + 13 * dayMs - 1)?.outcome).toBe('offered')
    const refused = repay(there, 'C1', day0 + 14 * dayMs)
    expect(fate(refused)).toMatchObject({ reason: 'paused', rule: 'left-in-peace' })
    expect(fate(refused)?.possibleAt).toBe(day0 + 73 * dayMs)
  })

  test('does not come to those who react', async () => {
    const there = await bankWith({ contact: { pauses } })
    const first = repay(there, 'C1', day0)
    receipt(there, 'C1', 'offer.clicked', first, day0 + hourMs)
    repay(there, 'C1', day0 + 10 * dayMs)
    expect(repay(there, 'C1', day0 + 20 * dayMs)?.outcome).toBe('offered')
  })

  test('looks only at contacts that are close enough to each other', async () => {
    const there = await bankWith({ contact: { pauses } })
    repay(there, 'C1', day0)
    repay(there, 'C1', day0 + 30 * dayMs + 1)
    expect(repay(there, 'C1', day0 + 40 * dayMs)?.outcome).toBe('offered')
  })
})

describe('a contact that waits for its receipt', () => {
  const caps = [{ id: 'one-sms', limit: 1, per: '7d', applies: sms, text: text('One SMS a week') }]
  let pack: LoadedPack
  beforeAll(async () => {
    pack = await loadBank({ caps, channels: reportedChannels })
  })
  const started = (): Bank => {
    const there = createBank(pack)
    consents(there, 'C1')
    return there
  }

  test('counts until later than the message may leave, then its place is free again', () => {
    const there = started()
    const first = repay(there, 'C1', day0)
    expect(first?.confirmBy).toBeGreaterThan(first?.notAfter ?? Number.POSITIVE_INFINITY)
    const confirmBy = first?.confirmBy ?? 0
    const refused = repay(there, 'C1', confirmBy - 1)
    expect(fate(refused)).toMatchObject({ reason: 'cap_reached', rule: 'one-sms', possibleAt: confirmBy })
    expect(repay(there, 'C1', confirmBy)?.outcome).toBe('offered')
  })

  test('counts for good once it was sent', () => {
    const there = started()
    const first = repay(there, 'C1', day0)
    receipt(there, 'C1', 'message.sent', first, day0 + hourMs)
    const refused = repay(there, 'C1', day0 + 7 * dayMs)
    expect(fate(refused)).toMatchObject({ reason: 'cap_reached', possibleAt: day0 + 7 * dayMs + 1 })
    expect(repay(there, 'C1', day0 + 7 * dayMs + 1)?.outcome).toBe('offered')
  })

  test('counts again when the receipt comes after it had lapsed', () => {
    const there = started()
    const first = repay(there, 'C1', day0)
    receipt(there, 'C1', 'message.sent', first, day0 + 3 * dayMs)
    expect(fate(repay(there, 'C1', day0 + 4 * dayMs))).toMatchObject({ reason: 'cap_reached' })
  })

  test('gives its place back at once when the message failed', () => {
    const there = started()
    receipt(there, 'C1', 'message.failed', repay(there, 'C1', day0), day0 + 1)
    expect(repay(there, 'C1', day0 + 2)?.outcome).toBe('offered')
  })
})

describe('in quiet hours', () => {
  const quiet = (instead: unknown, more: object = {}) => [
    { id: 'night', from: '21:00', to: '08:00', applies: sms, instead, text: text('Not at night'), ...more },
  ]
  const evening = day0 + 21 * hourMs
  const morning = day0 + dayMs + 8 * hourMs

  test('a message is dropped where the rule says so, and possible again in the morning', async () => {
    const there = await bankWith({ contact: { quietHours: quiet('drop') } })
    expect(repay(there, 'C1', evening - 1)?.outcome).toBe('offered')
    expect(fate(repay(there, 'C1', evening))).toMatchObject({
      stage: 'contact',
      reason: 'quiet_hours',
      rule: 'night',
      possibleAt: morning,
    })
    expect(repay(there, 'C1', morning)?.outcome).toBe('offered')
  })

  test('a message waits, takes no place meanwhile, and leaves in the morning', async () => {
    const there = await bankWith({ contact: { quietHours: quiet('hold'), releaseSpread: '15m' } })
    const held = repay(there, 'C1', evening)
    expect(held).toMatchObject({ outcome: 'none', reason: 'held_back', offers: [], contacts: [] })
    expect(fate(held)).toMatchObject({ reason: 'held', possibleAt: morning })
    const [waits] = held?.held ?? []
    expect(waits).toMatchObject({ trigger: 'large-repayment' })
    const due = waits?.at ?? 0
    expect(due).toBeGreaterThanOrEqual(morning)
    expect(due).toBeLessThan(morning + 15 * 60_000)
    expect(there.states.nextDue(there.slot('C1'))).toBe(due)
    expect(there.states.contactCount(there.slot('C1'))).toBe(0)
    expect(there.wake('C1', due - 1)).toEqual([])
    const [sent] = there.wake('C1', due)
    expect(sent).toMatchObject({ outcome: 'offered', offers: [{ offer: 'repayment-thanks' }] })
    expect(sent?.cause).toEqual({ kind: 'event', id: held?.id, source: 'proffer', type: 'hold.released' })
    expect(there.states.contactCount(there.slot('C1'))).toBe(1)
    expect(there.states.nextDue(there.slot('C1'))).toBe(0)
    expect(there.wake('C1', due + 1)).toEqual([])
  })

  test('what waits is looked at again in full: a guardrail that closed meanwhile stops it', async () => {
    const there = await bankWith({ contact: { quietHours: quiet('hold') } })
    const due = repay(there, 'C1', evening)?.held[0]?.at ?? 0
    there.send('C1', 'life_event.reported', { kind: 'bereavement', resolved: false }, { at: evening + hourMs })
    const [decision] = there.wake('C1', due)
    expect(decision?.outcome).toBe('none')
    expect(fate(decision)).toMatchObject({ reason: 'bereavement', rule: 'quiet-in-mourning' })
    expect(fate(decision)?.possibleAt).toBe(evening + hourMs + 30 * dayMs)
  })

  test('what would expire before the morning is dropped, and what is taken up too late has expired', async () => {
    const short = bank.offers.map((offer) => (offer.id === 'repayment-thanks' ? { ...offer, validFor: '1h' } : offer))
    const there = await bankWith({ contact: { quietHours: quiet('hold') }, offers: short })
    expect(fate(repay(there, 'C1', evening))).toMatchObject({ reason: 'quiet_hours' })
    const late = await bankWith({ contact: { quietHours: quiet('hold') } })
    const held = repay(late, 'C1', evening)
    const [decision] = late.wake('C1', evening + 24 * hourMs)
    expect(held?.reason).toBe('held_back')
    expect(fate(decision)).toMatchObject({ stage: 'trigger', reason: 'hold_expired' })
  })

  test('one message of a kind waits: a later one takes its place', async () => {
    const there = await bankWith({ contact: { quietHours: quiet('hold') } })
    repay(there, 'C1', evening)
    repay(there, 'C1', evening + hourMs)
    expect(there.states.heldOf(there.slot('C1'))).toHaveLength(1)
    expect(there.wake('C1', morning + hourMs)).toHaveLength(1)
  })

  test('a message goes another way where the rule says so', async () => {
    const there = await bankWith({
      contact: { quietHours: quiet({ switch: 'letters' }) },
      guardrails: bank.guardrails.map((guardrail) =>
        guardrail.id === 'sms-needs-consent'
          ? { ...guardrail, closes: { categories: 'all', channels: ['sms', 'email'], classes: ['marketing'] } }
          : guardrail,
      ),
      channels: [...bank.channels, { id: 'email', contact: true }],
      placements: [
        { id: 'letters', channel: 'email', direction: 'outbound', contentTypes: ['message'] },
        ...bank.placements,
      ],
      offers: [
        ...bank.offers.filter(({ id }) => id !== 'repayment-thanks'),
        message('repayment-thanks', 'loyalty', { channels: ['sms', 'email'] }),
      ],
    })
    const outcome = there.send(
      'C1',
      'repayment.made',
      { amount: 600_000, currency: 'CNY', loanId: 'L1' },
      { at: evening },
    )
    expect(outcome.decisions.map(({ placement, outcome: what }) => [placement, what])).toEqual([
      ['sms-out', 'none'],
      ['letters', 'offered'],
    ])
    expect(fate(outcome.decisions[0])).toMatchObject({ reason: 'switched' })
  })

  test('service messages go on unless the rule names their class, regulatory ones always', async () => {
    const there = await bankWith({ contact: { quietHours: quiet('drop') } })
    const lost = there.send('C1', 'life_event.reported', { kind: 'unemployment', resolved: false }, { at: evening })
    expect(lost.decisions[0]?.offers.map(({ offer }) => offer)).toEqual(['hardship-help'])
    const applies = { ...sms, classes: ['service', 'marketing'] }
    const strict = await bankWith({ contact: { quietHours: quiet('drop', { applies }) } })
    const none = strict.send('C1', 'life_event.reported', { kind: 'unemployment', resolved: false }, { at: evening })
    expect(none.decisions[0]?.outcome).toBe('none')
  })

  test('the customer’s zone counts, then the region’s, then the bank’s', async () => {
    const field = (id: string, name: string, values: readonly string[]) => ({
      id,
      type: 'enum',
      values,
      setBy: [{ event: 'profile.updated', field: name }],
    })
    const there = await bankWith({
      attributes: [
        ...bank.attributes.filter(({ id }) => id !== 'riskGrade'),
        field('riskGrade', 'riskGrade', ['conservative', 'steady', 'balanced', 'aggressive']),
        field('region', 'residenceRegion', ['east', 'west']),
      ],
      contact: {
        quietHours: quiet('drop'),
        zones: { region: { attribute: 'region', zones: { west: 'America/New_York' } } },
      },
    })
    consents(there, 'C2')
    there.send('C2', 'profile.updated', { residenceRegion: 'west' }, { at: day0 })
    // 21:00 where the bank is, 16:00 in the west.
    expect(repay(there, 'C1', evening)?.outcome).toBe('none')
    expect(repay(there, 'C2', evening)?.outcome).toBe('offered')
    expect(fate(repay(there, 'C2', day0 + dayMs + 2 * hourMs))).toMatchObject({ reason: 'quiet_hours' })
  })
})
