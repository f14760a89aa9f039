/** What happens to a bank at an instant: something it is told, or something it is asked. */
import type { Event, FieldValue } from '../../ingest/event.ts'

/** An event that reaches the bank at `at`; its own time may be earlier (late) or later (a wrong clock). */
export type EventMoment = { readonly kind: 'event'; readonly at: number; readonly event: Event }

/** Bytes that claim to be an event and are none: what a broken sender hands over. */
export type RawMoment = {
  readonly kind: 'raw'
  readonly at: number
  /** `json`: one CloudEvent in structured JSON; `avro`: one record in Confluent framing. */
  readonly format: 'json' | 'avro'
  readonly bytes: Uint8Array
}

/** A live request of an app or a desk. */
export type RequestMoment = {
  readonly kind: 'request'
  readonly at: number
  readonly customerId: string
  readonly placement: string
  readonly requestId: string
  /** How many offers are wanted. */
  readonly count: number
}

export type Moment = EventMoment | RawMoment | RequestMoment

/** The systems that send events; the last one is a broker whose data the bank may not use. */
export type Source =
  | 'core-banking'
  | 'card-system'
  | 'wealth-platform'
  | 'crm'
  | 'mobile-app'
  | 'survey'
  | 'dataharvest-crawler'

/** The parts of an event that differ. */
export type Fact = {
  readonly id: string
  readonly source: Source
  readonly type: string
  readonly customerId: string
  readonly time: number
  readonly data: Readonly<Record<string, FieldValue>>
}

/** The event of a fact. */
export function eventOf(fact: Fact): Event {
  const { id, source, type, customerId, time, data } = fact
  return { id, source, type, customerId, time, provenance: { via: 'demo', consentId: null }, data }
}

/** Profile of a customer with everything not said left open. */
export function profileData(said: Readonly<Record<string, FieldValue>>): Readonly<Record<string, FieldValue>> {
  return {
    employmentStatus: null,
    studentStatus: null,
    riskGrade: null,
    birthDate: null,
    totalAssets: null,
    currency: typeof said['totalAssets'] === 'number' ? 'CNY' : null,
    residenceRegion: null,
    tier: null,
    hasChildren: null,
    cleared: [],
    ...said,
  }
}
