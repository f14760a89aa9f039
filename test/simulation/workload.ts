/** What a bank does while things break: events of a few customers, some twice, and offers asked for, some again. */
import type { Random } from '../../bench/workload/random.ts'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import type { Event, FieldValue } from '../../ingest/event.ts'
import type { NewRecord } from '../../ingest/log.ts'
import { plainProfile } from '../engine/shard/plain-profile.ts'
import { bank } from '../engine/step/bank-pack.ts'

/** The pack's caps, so that they are met all the time. */
export const capLimit = 3
export const capPerMs = 20_000
export const metCaps = bank.caps.map((cap) => ({ ...cap, limit: capLimit, per: `${capPerMs}ms` }))

/** Event `n` of the run; the first of each customer are what makes offers possible at all. */
export function worldEvent(n: number, random: Random, atMs: number, customers: number, failed: string | null): Event {
  const customerId = `C${n < customers * 2 ? n % customers : random.below(customers)}`
  const event = (type: string, data: Readonly<Record<string, FieldValue>>): Event => ({
    id: `e${n}`,
    source: 'core-banking',
    type,
    customerId,
    time: atMs - random.below(2_000),
    provenance: { via: 'stream', consentId: null },
    data,
  })
  const consent = (granted: boolean) => event('consent.updated', { channel: 'sms', granted, purpose: 'marketing' })
  if (n < customers) {
    return event('profile.updated', plainProfile)
  }
  if (n < customers * 2) return consent(true)
  const pick = random.next()
  if (pick < 0.35) return event('repayment.made', { amount: 500_000, currency: 'CNY', product: 'credit_card' })
  if (pick < 0.75) {
    const amount = 100 + random.below(90_000)
    const merchantCategory = random.chance(0.2) ? 'maternity' : 'grocery'
    return event('card.purchase', {
      amount,
      currency: 'CNY',
      merchantCategory,
      merchantId: null,
      channel: 'pos',
      country: 'CN',
    })
  }
  if (pick < 0.85) return event('search.made', { category: 'early_education', text: null })
  if (pick < 0.93) return consent(random.chance(0.6))
  if (pick < 0.97 || failed === null)
    return event('life_event.reported', { kind: 'unemployment', resolved: random.chance(0.7), occurredAt: null })
  return event('message.failed', { decisionId: failed, channel: 'sms', reason: null })
}

/** What the gateway says once a message has left. */
export function sentReceipt(n: number, decisionId: string, customerId: string, atMs: number): Event {
  return {
    id: `e${n}`,
    source: 'core-banking',
    type: 'message.sent',
    customerId,
    time: atMs,
    provenance: { via: 'stream', consentId: null },
    data: { decisionId, channel: 'sms', reason: null },
  }
}

export function recordOf(event: Event): NewRecord {
  return { key: event.customerId, value: encodeEvent(event) }
}
