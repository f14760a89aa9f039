/** A customer's story, told as facts on a time line relative to the simulated day. */
import { Buffer } from 'node:buffer'
import type { FieldValue } from '../../ingest/event.ts'
import { type EventMoment, eventOf, type Moment, profileData, type Source } from './moment.ts'

/** What the engine has to do for the story to be told right, checkable by a machine. */
export type Expectation =
  /** The offer is decided for the customer, on this placement, exactly so often. */
  | {
      readonly kind: 'offered'
      readonly customerId: string
      readonly placement: string
      readonly offer: string
      readonly times: number
    }
  /** The offer is decided for the customer nowhere. */
  | { readonly kind: 'never'; readonly customerId: string; readonly offer: string }
  /** The offer is a candidate at least once and is dropped for this reason code. */
  | { readonly kind: 'stopped'; readonly customerId: string; readonly offer: string; readonly reason: string }
  /** The message with the offer was decided and is taken back once, for this reason code. */
  | { readonly kind: 'recalled'; readonly customerId: string; readonly offer: string; readonly reason: string }
  /** The event with this id is set aside as a dead letter. */
  | { readonly kind: 'dead_letter'; readonly eventId: string; readonly reason: string }

export type Story = {
  /** Such as `expecting-mother`. */
  readonly id: string
  readonly title: string
  readonly customers: readonly string[]
  /** What to look at while it happens. */
  readonly watch: string
  /** What shall come of it, in words. */
  readonly outcome: string
  /** Before the day, in order of time. */
  readonly history: readonly EventMoment[]
  /** On the day, in order of time. */
  readonly day: readonly Moment[]
  readonly expects: readonly Expectation[]
}

export const dayMs = 86_400_000

/** When: days before the day (0: on it) and the time of day `HH:mm` or `HH:mm:ss`. */
type When = { readonly daysBefore: number; readonly at: string }

/** Collects the moments of a story; ids of events are `<customer>-<n>`, counted in the order of telling. */
export type Teller = {
  /** Something becomes known. Returns its moment. */
  fact(when: When, source: Source, type: string, data: Readonly<Record<string, FieldValue>>): EventMoment
  /** The same event again, as a sender repeats it. */
  again(moment: EventMoment, at: string): void
  /** An event whose sender says another time than that of its arrival; arrives on the day. */
  misdated(
    at: string,
    claimed: When,
    source: Source,
    type: string,
    data: Readonly<Record<string, FieldValue>>,
  ): EventMoment
  /** The app or a desk asks for offers. */
  asks(at: string, placement: string, count: number): void
  /** Broken bytes. */
  raw(at: string, format: 'json' | 'avro', bytes: Uint8Array | string): void
}

/** What is told about the story besides its moments. */
type Frame = Omit<Story, 'history' | 'day' | 'customers'>

/** Tells a story of one or more customers on the day that starts at `dayStartMs`. */
export function tellStory(
  dayStartMs: number,
  frame: Frame,
  tell: Readonly<Record<string, (teller: Teller) => void>>,
): Story {
  const history: EventMoment[] = []
  const day: Moment[] = []
  for (const [customerId, telling] of Object.entries(tell)) telling(createTeller(dayStartMs, customerId, history, day))
  const byTime = (a: Moment, b: Moment): number => a.at - b.at
  return {
    ...frame,
    customers: Object.keys(tell),
    history: history.toSorted(byTime),
    day: day.toSorted(byTime),
  }
}

function createTeller(dayStartMs: number, customerId: string, history: EventMoment[], day: Moment[]): Teller {
  let told = 0
  const instant = (when: When): number => dayStartMs - when.daysBefore * dayMs + clockMs(when.at)
  const event = (
    at: number,
    time: number,
    source: Source,
    type: string,
    data: EventMoment['event']['data'],
  ): EventMoment => {
    const moment: EventMoment = {
      kind: 'event',
      at,
      event: eventOf({ id: `${customerId}-${++told}`, source, type, customerId, time, data }),
    }
    if (at < dayStartMs) history.push(moment)
    else day.push(moment)
    return moment
  }
  return {
    fact: (when, source, type, data) => event(instant(when), instant(when), source, type, data),
    again: (moment, at) => {
      day.push({ ...moment, at: instant({ daysBefore: 0, at }) })
    },
    misdated: (at, claimed, source, type, data) =>
      event(instant({ daysBefore: 0, at }), instant(claimed), source, type, data),
    asks: (at, placement, count) => {
      const requestId = `${customerId}-r${++told}`
      day.push({ kind: 'request', at: instant({ daysBefore: 0, at }), customerId, placement, requestId, count })
    },
    raw: (at, format, bytes) => {
      const content = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes
      day.push({ kind: 'raw', at: instant({ daysBefore: 0, at }), format, bytes: content })
    },
  }
}

/** Facts that many stories begin with. */

/** The birthday of whoever does not say another one: 12 May 1987. */
const birthDate = Date.parse('1987-05-12T00:00:00+08:00')

/** What the customer told the bank, and which channels may be used for marketing. */
export function introduces(
  teller: Teller,
  profile: Readonly<Record<string, FieldValue>>,
  consents: readonly ('sms' | 'push' | 'email' | 'phone')[],
): void {
  teller.fact({ daysBefore: 60, at: '10:00' }, 'crm', 'profile.updated', profileData({ birthDate, ...profile }))
  for (const channel of consents) {
    teller.fact({ daysBefore: 60, at: '10:01' }, 'crm', 'consent.updated', {
      channel,
      granted: true,
      purpose: 'marketing',
    })
  }
}

/** A card purchase in yuan. */
export function buys(teller: Teller, when: When, merchantCategory: string, yuan: number): EventMoment {
  return teller.fact(when, 'card-system', 'card.purchase', {
    amount: yuan * 100,
    currency: 'CNY',
    merchantCategory,
    merchantId: `m-${merchantCategory}`,
    channel: 'pos',
    country: 'CN',
  })
}

/** A page of the app is read for some seconds. */
export function reads(teller: Teller, when: When, pageGroup: string, page: string, seconds: number): EventMoment {
  return teller.fact(when, 'mobile-app', 'page.viewed', { page, pageGroup, dwellMs: seconds * 1000 })
}

/** A search in the app. */
export function searches(teller: Teller, when: When, category: string, text: string): EventMoment {
  return teller.fact(when, 'mobile-app', 'search.made', { category, text })
}

/** Something in the customer's life becomes known. */
export function reports(teller: Teller, when: When, kind: string): EventMoment {
  return teller.fact(when, 'crm', 'life_event.reported', { kind, resolved: false, occurredAt: null })
}

function clockMs(text: string): number {
  const [hours, minutes, seconds] = text.split(':').map(Number)
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000
}
