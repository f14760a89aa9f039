/**
 * An evening of a bank whose engine was away: messages that waited for dinner to be over, six hours of events behind that, and phones that
 * live in another year. Nothing here reads a clock.
 */
import { createRandom } from '../../bench/workload/random.ts'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import type { Event, FieldValue } from '../../ingest/event.ts'
import type { NewRecord } from '../../ingest/log.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { bank, loadBank } from '../engine/step/bank-pack.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const monday = Date.UTC(2026, 2, 2)
/** As the pack has it: an older event sends nothing. */
const freshMs = 15 * minuteMs

/** The engine runs at dinner, then not before the night; the backlog begins in between, when nothing is quiet. */
export const instants = {
  dinner: monday + 19.5 * hourMs,
  backlog: monday + 21 * hourMs,
  night: monday + 27 * hourMs,
  /** The hours are over, and so is the time over which releases are spread. */
  morning: monday + 32.5 * hourMs,
} as const

/** The small bank: no SMS at dinner, 18:00 to 20:30, nor at night, 22:00 to 08:00; both wait. A tip is worth six hours, thanks a day. */
export function eveningBank(): Promise<LoadedPack> {
  const text = { en: 'Not now', zh: '现在不发' }
  const applies = { categories: 'all', channels: ['sms'] }
  const quiet = (id: string, from: string, to: string) => ({ id, from, to, applies, instead: 'hold', text })
  const thanks = bank.offers.find(({ id }) => id === 'repayment-thanks')
  const tip = { ...thanks, id: 'evening-tip', validFor: '6h' }
  const looked = {
    id: 'looked-around',
    on: 'search.made',
    when: 'event.category == "other"',
    offers: ['evening-tip'],
    placement: 'sms-out',
  }
  return loadBank({
    offers: [...bank.offers, tip],
    triggers: [...bank.triggers, looked],
    contact: {
      quietHours: [quiet('dinner', '18:00', '20:30'), quiet('night', '22:00', '08:00')],
      releaseSpread: '15m',
    },
  })
}

export type Away = {
  readonly customers: readonly string[]
  /** Arrive at dinner: everybody agrees to SMS and does something that is answered by one; all of those wait. */
  readonly evening: readonly NewRecord[]
  /** Arrive while no engine runs, in order of time. */
  readonly backlog: readonly NewRecord[]
  /** Who had a message waiting and, a few minutes before the night, a fresh reason for the same one. */
  readonly renewed: ReadonlySet<string>
  /** Whose message has expired by the night. */
  readonly expired: ReadonlySet<string>
  /** Who is to have a message in the morning. */
  readonly wanted: ReadonlySet<string>
  /** Ids of events of the backlog that would send something, were they not too old at night; and of those that are not. */
  readonly stale: readonly string[]
  readonly fresh: readonly { readonly id: string; readonly isAgreed: boolean }[]
  /** Minor units that each customer has spent, by a plain sum. */
  readonly spent: ReadonlyMap<string, number>
  /** How many events say that they are of a time that no clock may say. */
  readonly refused: number
}

/** One message that waits for each of the customers, and as many events in the backlog. */
export function awayForAnEvening(customers: number): Away {
  const random = createRandom(14, 'evening')
  const ids = Array.from({ length: customers }, (_, i) => `C${i}`)
  const lateLookers = new Set(ids.filter((_, i) => i % 4 === 0))
  const agreed = new Set(ids)
  const thanked = new Set(ids.filter((id) => !lateLookers.has(id)))
  const spent = new Map<string, number>()
  const renewed = new Set<string>()
  const stale: string[] = []
  const fresh: { readonly id: string; readonly isAgreed: boolean }[] = []
  let refused = 0
  let count = 0
  const record = (customerId: string, at: number, type: string, data: Event['data'], time = at): NewRecord => ({
    key: customerId,
    appendTime: at,
    value: encodeEvent({
      ...{ id: `e${count++}`, source: 'core-banking', type, customerId, time, data },
      provenance: { via: 'stream', consentId: null },
    }),
  })
  const evening = ids.flatMap((id) => [
    record(id, instants.dinner, 'consent.updated', consent(true)),
    lateLookers.has(id)
      ? record(id, instants.dinner, 'search.made', { category: 'other', text: null })
      : record(id, instants.dinner, 'repayment.made', repayment),
  ])

  const backlog: NewRecord[] = []
  const buy = (customerId: string, at: number, deviceAheadMs: number, counts: boolean): void => {
    const amount = 100 + random.below(90_000)
    if (counts) spent.set(customerId, (spent.get(customerId) ?? 0) + amount)
    const bought = record(customerId, at, 'card.purchase', { ...purchase, amount }, at + deviceAheadMs)
    backlog.push(bought)
    // Senders repeat themselves.
    if (random.chance(0.05)) {
      backlog.push(bought)
      if (!counts) refused++
    }
  }
  for (let i = 0; i < customers; i++) {
    const at = instants.backlog + Math.floor((i / customers) * (instants.night - instants.backlog))
    const customerId = `C${random.below(customers)}`
    const pick = random.next()
    if (pick < 0.4) {
      const id = `e${count}`
      backlog.push(record(customerId, at, 'repayment.made', repayment))
      if (instants.night - at > freshMs) stale.push(id)
      else {
        fresh.push({ id, isAgreed: agreed.has(customerId) })
        if (agreed.has(customerId) && !lateLookers.has(customerId)) renewed.add(customerId)
        thanked.add(customerId)
      }
    } else if (pick < 0.5) {
      agreed.delete(customerId)
      backlog.push(record(customerId, at, 'consent.updated', consent(false)))
    } else if (pick < 0.6) {
      refused++
      buy(customerId, at, 730 * dayMs, false)
    } else buy(customerId, at, pick < 0.75 ? 9 * hourMs : -random.below(minuteMs), true)
  }
  return {
    ...{ customers: ids, evening, backlog, stale, fresh, spent, refused, renewed },
    expired: lateLookers,
    wanted: new Set([...thanked].filter((id) => agreed.has(id))),
  }
}

const consent = (granted: boolean): Readonly<Record<string, FieldValue>> => ({
  channel: 'sms',
  granted,
  purpose: 'marketing',
})
const repayment = { amount: 500_000, currency: 'CNY', product: 'credit_card' }
const purchase = { currency: 'CNY', merchantCategory: 'grocery', merchantId: null, channel: 'pos', country: 'CN' }
