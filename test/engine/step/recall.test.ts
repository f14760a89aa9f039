/**
 * Goal: what was decided and not sent is taken back by the event that forbids it, once, whatever comes first, and a permit says so. Method:
 * the bank's SMS gateway sends receipts; a repayment is thanked for by SMS, which mourning and a withdrawn consent forbid.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { adoptDecision } from '../../../engine/step/adopt-decision.ts'
import { permitMessage } from '../../../engine/step/permit.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { decodeDecision, encodeDecision } from '../../../sinks/decision-codec.ts'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, reportedChannels } from './bank-pack.ts'

const minuteMs = 60_000
const at = day0 + 110 * dayMs
let pack: LoadedPack

beforeAll(async () => {
  const channels = reportedChannels
  pack = await loadBank({ channels })
})

function open(): Bank {
  const bank = createBank(pack)
  settle(bank, 'c', at)
  return bank
}

function thank(bank: Bank, when = at, id = 'r-1'): Decision {
  const [decision] = bank.send('c', 'repayment.made', { amount: 500_000 }, { at: when, id }).decisions
  if (decision?.outcome !== 'offered') throw new Error('a repayment is thanked for')
  return decision
}

const mourn = (bank: Bank, when: number, id = 'death') =>
  bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: when, id })

const receipt = (bank: Bank, type: string, { id }: Decision, when: number) =>
  bank.send('c', type, { decisionId: id, channel: 'sms' }, { at: when, source: 'core-banking' })

const permit = (bank: Bank, { id }: Decision, now: number, channel = 'sms') =>
  permitMessage(bank.context, bank.slot('c'), { decisionId: id, channel }, now)

function contacts(bank: Bank, now: number): number {
  const contact = { at: 0, channel: 0, category: 0, offer: 0, class: 0, decision: 0, until: 0 }
  const into = { ...contact, answered: false, recalled: false }
  let count = 0
  for (let i = 0; i < bank.states.contactCount(bank.slot('c')); i++) {
    bank.states.contactAt(bank.slot('c'), i, into)
    if (into.until === 0 || into.until > now) count++
  }
  return count
}

const encoded = (bank: Bank): Buffer => Buffer.from(bank.states.encode(bank.slot('c')))
const published = (decision: Decision): Decision => decodeDecision(encodeDecision(decision))

describe('a recall', () => {
  test('names the decision, the event and the guardrail, offers nothing, and gives the contact back', () => {
    const bank = open()
    const sent = thank(bank)
    expect(contacts(bank, at + minuteMs)).toBe(1)
    const { decisions } = mourn(bank, at + minuteMs)
    expect(decisions).toHaveLength(1)
    expect(decisions[0]).toMatchObject({
      outcome: 'none',
      reason: 'recalled',
      recalls: [sent.id.slice(0, 13)],
      cause: { kind: 'event', id: 'death', type: 'life_event.reported' },
      channel: 'sms',
      notAfter: 0,
      offers: [],
      contacts: [],
      fates: [{ offer: 'repayment-thanks', stage: 'guardrail', reason: 'bereavement', rule: 'quiet-in-mourning' }],
    })
    expect(contacts(bank, at + minuteMs)).toBe(0)
  })

  test('takes back every message that waits, and nothing that is not forbidden', () => {
    const bank = open()
    const first = thank(bank)
    const second = thank(bank, at + 1, 'r-2')
    bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at: at + 2, id: 'job' })
    const withdrawn = bank.send('c', 'consent.updated', { granted: false }, { at: at + 3 })
    expect(withdrawn.decisions.map(({ recalls }) => recalls)).toEqual([
      [first.id.slice(0, 13)],
      [second.id.slice(0, 13)],
    ])
    expect(withdrawn.decisions.map(({ fates }) => fates[0]?.rule)).toEqual(['sms-needs-consent', 'sms-needs-consent'])
    // The service message that the loss of the job led to needs no consent.
    expect(contacts(bank, at + 4)).toBe(1)
  })

  test('leaves what an event does not forbid', () => {
    const bank = open()
    const sent = thank(bank)
    const { decisions } = bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at: at + 1 })
    expect(decisions.map(({ reason }) => reason)).toEqual(['offered'])
    expect(permit(bank, sent, at + 2)).toMatchObject({ permitted: true })
  })

  test('is made once: by the repeat of its event, and by the next event that forbids the same, nothing is', () => {
    const bank = open()
    thank(bank)
    expect(mourn(bank, at + 1).decisions).toHaveLength(1)
    expect(mourn(bank, at + 1)).toMatchObject({ status: 'duplicate', decisions: [] })
    expect(mourn(bank, at + 2, 'another').decisions).toEqual([])
    expect(bank.send('c', 'consent.updated', { granted: false }, { at: at + 3 }).decisions).toEqual([])
  })

  test('has the same id whenever it is made', () => {
    const [one, other] = [open(), open()]
    for (const bank of [one, other]) thank(bank)
    expect(mourn(one, at + 1).decisions[0]?.id).toBe(mourn(other, at + 1).decisions[0]?.id)
  })

  test('is made by an event that comes too late to count, too', () => {
    const bank = open()
    const sent = thank(bank)
    const late = bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at - 3 * dayMs, acceptedAt: at })
    expect(late.status).toBe('too_late')
    expect(late.decisions.map(({ recalls }) => recalls)).toEqual([[sent.id.slice(0, 13)]])
  })

  test('is not made of what was sent, has failed, or has lapsed', () => {
    for (const type of ['message.sent', 'message.failed']) {
      const bank = open()
      const sent = thank(bank)
      receipt(bank, type, sent, at + 1)
      expect(mourn(bank, at + 2).decisions).toEqual([])
      expect(contacts(bank, at + 3)).toBe(type === 'message.sent' ? 1 : 0)
    }
    const bank = open()
    const sent = thank(bank)
    expect(mourn(bank, sent.confirmBy).decisions).toEqual([])
  })

  test('frees its place under the caps', () => {
    const bank = open()
    for (let i = 0; i < 3; i++) thank(bank, at + i, `r-${i}`)
    bank.send('c', 'consent.updated', { granted: false }, { at: at + 10 })
    bank.send('c', 'consent.updated', { granted: true }, { at: at + 11 })
    thank(bank, at + 12, 'r-4')
  })
})

describe('a message that was sent although recalled', () => {
  test('counts again, and the record says so once', () => {
    const bank = open()
    const sent = thank(bank)
    mourn(bank, at + 1)
    expect(receipt(bank, 'message.sent', sent, at + 2).decisions).toMatchObject([
      { outcome: 'none', reason: 'sent_after_recall', recalls: [sent.id.slice(0, 13)], fates: [] },
    ])
    expect(contacts(bank, at + 3)).toBe(1)
    expect(receipt(bank, 'message.delivered', sent, at + 4).decisions).toEqual([])
  })
})

describe('a recall that left although its commit was lost', () => {
  test('is adopted, and its event makes no second one', () => {
    const first = open()
    const sent = thank(first)
    const [recall] = mourn(first, at + 1).decisions
    if (recall === undefined) throw new Error('a recall')

    const second = open()
    thank(second)
    adoptDecision(second.states, second.slot('c'), published(recall))
    adoptDecision(second.states, second.slot('c'), published(recall))
    expect(permit(second, sent, at + 1)).toMatchObject({ permitted: false, reason: 'recalled' })
    expect(mourn(second, at + 1).decisions).toEqual([])
    expect(encoded(second)).toEqual(encoded(first))
  })

  test('does not come of an event that is read again before the one whose message was adopted', () => {
    const story = (bank: Bank, decide: () => void): readonly Decision[] => {
      const { decisions } = bank.send('c', 'consent.updated', { granted: false }, { at: at + 1, id: 'no' })
      bank.send('c', 'consent.updated', { granted: true }, { at: at + 2, id: 'yes' })
      decide()
      return decisions
    }
    const first = open()
    let sent: Decision | undefined
    expect(story(first, () => (sent = thank(first, at + 3)))).toEqual([])
    if (sent === undefined) throw new Error('a repayment is thanked for')

    const second = open()
    adoptDecision(second.states, second.slot('c'), published(sent))
    const again = () => second.send('c', 'repayment.made', { amount: 500_000 }, { at: at + 3, id: 'r-1' })
    expect(story(second, again)).toEqual([])
    expect(encoded(second)).toEqual(encoded(first))
    // From then on it is a message like any other.
    expect(mourn(second, at + 4).decisions).toHaveLength(1)
  })

  test('wins over the decision it recalls when both are adopted again in part', () => {
    const first = open()
    const sent = thank(first)
    const [recall] = mourn(first, at + 1).decisions
    if (recall === undefined) throw new Error('a recall')
    const second = open()
    for (const decision of [sent, recall, sent]) adoptDecision(second.states, second.slot('c'), published(decision))
    expect(contacts(second, at + 1)).toBe(0)
  })
})

describe('a permit', () => {
  test('is given until the decision is over', () => {
    const bank = open()
    const sent = thank(bank)
    expect(permit(bank, sent, at)).toEqual({ permitted: true, reason: 'permitted', until: sent.notAfter })
    expect(permit(bank, sent, sent.notAfter - 1)).toMatchObject({ permitted: true })
    expect(permit(bank, sent, sent.notAfter)).toEqual({ permitted: false, reason: 'lapsed', until: 0 })
  })

  test('is refused for what is unknown, recalled, sent already or meant for another channel', () => {
    const bank = open()
    const sent = thank(bank)
    expect(permit(bank, { ...sent, id: 'f'.repeat(32) }, at)).toMatchObject({ reason: 'decision_unknown' })
    expect(permit(bank, sent, at, 'inbox')).toMatchObject({ permitted: false, reason: 'channel_differs' })
    mourn(bank, at + 1)
    expect(permit(bank, sent, at + 2)).toEqual({ permitted: false, reason: 'recalled', until: 0 })
    receipt(bank, 'message.sent', sent, at + 3)
    expect(permit(bank, sent, at + 4)).toMatchObject({ permitted: false, reason: 'already_sent' })
    bank.send('c', 'customer.erased', {}, { at: at + 5 })
    expect(permit(bank, sent, at + 6)).toMatchObject({ permitted: false, reason: 'decision_unknown' })
  })

  test('is refused by the final gate where no receipt is sent, so that nothing could be recalled', async () => {
    const bank = createBank(await loadBank())
    settle(bank, 'c', at)
    const sent = thank(bank)
    expect(permit(bank, sent, at)).toEqual({ permitted: true, reason: 'permitted', until: sent.notAfter })
    expect(mourn(bank, at + 1).decisions).toEqual([])
    expect(permit(bank, sent, at + 2)).toMatchObject({ permitted: false, reason: 'final_gate' })
  })

  test('is refused for offers that the pack no longer has', async () => {
    const bank = open()
    const sent = thank(bank)
    const none = new Map()
    const run = { ...bank.context.run, tables: { ...bank.context.run.tables, offerByKey: none } }
    const context = { ...bank.context, run }
    const asked = { decisionId: sent.id, channel: 'sms' }
    expect(permitMessage(context, bank.slot('c'), asked, at)).toMatchObject({ permitted: false, reason: 'final_gate' })
  })
})
