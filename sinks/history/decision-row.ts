/** A decision as a row of `decisions_raw`, and back. */
import { z } from 'zod'
import type { Decision } from '../decision.ts'
import type { Place } from './event-row.ts'

/** Columns of a row, in order. `inserted_at` is the server's. */
export const decisionColumns: readonly [string, ...string[]] = [
  'id',
  'customer_id',
  'cause_kind',
  'cause_id',
  'cause_source',
  'cause_type',
  'placement',
  'channel',
  'pack_hash',
  'event_time',
  'accepted_at',
  'decided_at',
  'not_after',
  'outcome',
  'reason',
  'offer_ids',
  'offer_scores',
  'fate_offers',
  'fate_triggers',
  'fate_stages',
  'fate_reasons',
  'fate_rules',
  'fate_propensities',
  'fate_contexts',
  'fate_values',
  'fate_levers',
  'fate_scores',
  'feature_names',
  'feature_los',
  'feature_his',
  'feature_classes',
  'log_partition',
  'log_offset',
]

/** The row of a decision, lists turned into parallel arrays. `not_after` 0 becomes null. */
export function decisionRow(decision: Decision, place: Place): readonly unknown[] {
  const { cause, offers, fates, features } = decision
  return [
    decision.id,
    decision.customerId,
    cause.kind,
    cause.id,
    cause.source,
    cause.type,
    decision.placement,
    decision.channel,
    decision.packHash,
    decision.eventTime,
    decision.acceptedAt,
    decision.now,
    decision.notAfter === 0 ? null : decision.notAfter,
    decision.outcome,
    decision.reason,
    offers.map((item) => item.offer),
    offers.map((item) => number(item.score)),
    fates.map((fate) => fate.offer),
    fates.map((fate) => fate.trigger),
    fates.map((fate) => fate.stage),
    fates.map((fate) => fate.reason),
    fates.map((fate) => fate.rule),
    fates.map((fate) => number(fate.propensity)),
    fates.map((fate) => number(fate.context)),
    fates.map((fate) => number(fate.value)),
    fates.map((fate) => number(fate.lever)),
    fates.map((fate) => number(fate.score)),
    features.map((feature) => feature.name),
    features.map((feature) => number(feature.lo)),
    features.map((feature) => number(feature.hi)),
    features.map((feature) => feature.class),
    place.partition,
    place.offset,
  ]
}

/** The query of one decision by id. Repeats have the same content, so any one of them does. */
export const decisionQuery = `
SELECT id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash,
       toUnixTimestamp64Milli(event_time) AS event_time_ms, toUnixTimestamp64Milli(accepted_at) AS accepted_at_ms,
       toUnixTimestamp64Milli(decided_at) AS decided_at_ms,
       ifNull(toUnixTimestamp64Milli(assumeNotNull(not_after)), 0) AS not_after_ms, outcome, reason,
       arrayZip(offer_ids, offer_scores) AS offers,
       arrayMap((o, t, s, c, r) -> tuple(o, t, s, c, r), fate_offers, fate_triggers, fate_stages, fate_reasons,
                fate_rules) AS fates,
       arrayMap((p, c, v, l, s) -> [p, c, v, l, s], fate_propensities, fate_contexts, fate_values, fate_levers,
                fate_scores) AS terms,
       arrayMap((n, l, h, c) -> tuple(n, l, h, c), feature_names, feature_los, feature_his, feature_classes) AS features
FROM decisions_raw WHERE id = {id:String} LIMIT 1`

const stage = z.enum([
  'trigger',
  'eligibility',
  'suitability',
  'guardrail',
  'contact',
  'arbitration',
  'placement',
  'final_gate',
  'offered',
])

/** A double as ClickHouse writes it in JSON with quoted denormals. */
const double = z.union([
  z.number(),
  z.enum(['inf', '-inf']).transform((word) => (word === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)),
])

/** A decision from a row of `decisionQuery`. */
export const decisionFromRow: z.ZodType<Decision> = z
  .object({
    id: z.string(),
    customer_id: z.string(),
    cause_kind: z.enum(['event', 'request']),
    cause_id: z.string(),
    cause_source: z.string(),
    cause_type: z.string(),
    placement: z.string(),
    channel: z.string(),
    pack_hash: z.string(),
    event_time_ms: z.number(),
    accepted_at_ms: z.number(),
    decided_at_ms: z.number(),
    not_after_ms: z.number(),
    outcome: z.enum(['offered', 'fallback', 'none']),
    reason: z.string(),
    offers: z.array(z.tuple([z.string(), double])),
    fates: z.array(z.tuple([z.string(), z.string().nullable(), stage, z.string(), z.string().nullable()])),
    terms: z.array(z.tuple([double, double, double, double, double])),
    features: z.array(z.tuple([z.string(), double, double, z.enum(['exact', 'bounded', 'unknown'])])),
  })
  .transform((row) => ({
    id: row.id,
    customerId: row.customer_id,
    cause: { kind: row.cause_kind, id: row.cause_id, source: row.cause_source, type: row.cause_type },
    placement: row.placement,
    channel: row.channel,
    packHash: row.pack_hash,
    eventTime: row.event_time_ms,
    acceptedAt: row.accepted_at_ms,
    now: row.decided_at_ms,
    notAfter: row.not_after_ms,
    outcome: row.outcome,
    reason: row.reason,
    offers: row.offers.map(([offer, score]) => ({ offer, score })),
    fates: row.fates.map(([offer, trigger, reached, reason, rule], i) => {
      const [propensity, context, value, lever, score] = row.terms[i] ?? [0, 0, 0, 0, 0]
      return { offer, trigger, stage: reached, reason, rule, propensity, context, value, lever, score }
    }),
    features: row.features.map(([name, lo, hi, known]) => ({ name, lo, hi, class: known })),
  }))

// JSON has no infinity; ClickHouse reads these words as one.
function number(value: number): number | string {
  return Number.isFinite(value) ? value : value > 0 ? 'inf' : '-inf'
}
