/** An event as columns of `events_raw`, and back. */
import { z } from 'zod'
import type { Event, FieldValue } from '../../ingest/event.ts'
import {
  type Column,
  flagColumn,
  textColumn,
  textOrNullColumn,
  uint16Column,
  wholeColumn,
  wholeOrNullColumn,
  wordColumn,
} from './native-block.ts'

/** Where a record stood in its log. */
export type Place = { readonly partition: number; readonly offset: number; readonly appendTime: number }

/** An event of the log with its place. */
export type LoggedEvent = {
  readonly event: Event
  readonly place: Place
  /** Whether it counts as far as it matters who said it. */
  readonly trusted: boolean
}

const time = "DateTime64(3, 'UTC')"

/**
 * The columns of an event. `data` keeps every field as JSON; the columns before it are copies of what people filter by.
 * `category` is the field that classifies an event of its type, whatever it is called there. Empty string: not said.
 */
export const eventColumns: readonly Column<LoggedEvent>[] = [
  textColumn('id', ({ event }) => event.id),
  wordColumn('source', ({ event }) => event.source),
  wordColumn('type', ({ event }) => event.type),
  textColumn('customer_id', ({ event }) => event.customerId),
  wholeColumn('event_time', time, ({ event }) => event.time),
  wholeColumn('accepted_at', time, ({ place }) => place.appendTime),
  wordColumn('via', ({ event }) => event.provenance.via),
  textOrNullColumn('consent_id', ({ event }) => event.provenance.consentId),
  wholeOrNullColumn('amount_minor', 'Int64', ({ event }) => wholeNumber(event.data.amount)),
  wordColumn('currency', ({ event }) => text(event.data.currency)),
  wordColumn('category', ({ event }) => categoryOf(event)),
  wordColumn('channel', ({ event }) => text(event.data.channel)),
  wordColumn('placement', ({ event }) => text(event.data.placement)),
  wordColumn('offer', ({ event }) => text(event.data.offerId)),
  textColumn('decision_id', ({ event }) => text(event.data.decisionId)),
  textColumn('data', ({ event }) => JSON.stringify(event.data)),
  flagColumn('trusted', ({ trusted }) => trusted),
  uint16Column('log_partition', ({ place }) => place.partition),
  wholeColumn('log_offset', 'UInt64', ({ place }) => place.offset),
]

function categoryOf({ data }: Event): string {
  return text(data.merchantCategory ?? data.category ?? data.kind ?? data.product ?? data.pageGroup ?? data.accountType)
}

/** The query of one event by its customer and id. */
export const eventQuery = `
SELECT id, source, type, customer_id, toUnixTimestamp64Milli(event_time) AS event_time_ms, via, consent_id, data
FROM events_raw WHERE customer_id = {customer:String} AND id = {id:String}
ORDER BY log_partition, log_offset LIMIT 1`

const fieldValue: z.ZodType<FieldValue> = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.string()).readonly(),
])

/** An event from a row of `eventQuery`. */
export const eventFromRow: z.ZodType<Event> = z
  .object({
    id: z.string(),
    source: z.string(),
    type: z.string(),
    customer_id: z.string(),
    event_time_ms: z.number(),
    via: z.enum(['http', 'import', 'stream', 'demo']),
    consent_id: z.string().nullable(),
    data: z
      .string()
      .transform((json): unknown => JSON.parse(json))
      .pipe(z.record(z.string(), fieldValue)),
  })
  .transform((row) => ({
    id: row.id,
    source: row.source,
    type: row.type,
    customerId: row.customer_id,
    time: row.event_time_ms,
    provenance: { via: row.via, consentId: row.consent_id },
    data: row.data,
  }))

function text(value: FieldValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function wholeNumber(value: FieldValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null
}
