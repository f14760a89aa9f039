/** An event as a row of `events_raw`, and back. */
import { z } from 'zod'
import type { Event, FieldValue } from '../../ingest/event.ts'

/** Columns of a row, in order. `inserted_at` is the server's. */
export const eventColumns: readonly [string, ...string[]] = [
  'id',
  'source',
  'type',
  'customer_id',
  'event_time',
  'accepted_at',
  'via',
  'consent_id',
  'amount_minor',
  'currency',
  'category',
  'channel',
  'placement',
  'offer',
  'decision_id',
  'data',
  'log_partition',
  'log_offset',
]

/** Where a record stood in its log. */
export type Place = { readonly partition: number; readonly offset: number; readonly appendTime: number }

/**
 * The row of an event. `data` keeps every field as JSON; the columns before it are copies of what people filter by.
 * `category` is the field that classifies an event of its type, whatever it is called there. Empty string: not said.
 */
export function eventRow(event: Event, place: Place): readonly unknown[] {
  const data = event.data
  return [
    event.id,
    event.source,
    event.type,
    event.customerId,
    event.time,
    place.appendTime,
    event.provenance.via,
    event.provenance.consentId,
    wholeNumber(data.amount),
    text(data.currency),
    text(data.merchantCategory ?? data.category ?? data.kind ?? data.product ?? data.pageGroup ?? data.accountType),
    text(data.channel),
    text(data.placement),
    text(data.offerId),
    text(data.decisionId),
    JSON.stringify(data),
    place.partition,
    place.offset,
  ]
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
