/** A decision as columns of `decisions_raw`, and back. */
import { z } from 'zod'
import { type Decision, messageClasses, originKinds, priceKinds, stages, trialGroups } from '../decision.ts'
import type { Place } from './event-row.ts'
import {
  type Column,
  doubleColumn,
  doublesColumn,
  textColumn,
  uint16Column,
  wholeColumn,
  wholeOrNullColumn,
  wordColumn,
  wordsColumn,
  wordsOrNullColumn,
} from './native-block.ts'

/** A decision of the log with its place. */
export type LoggedDecision = { readonly decision: Decision; readonly place: Place }

const time = "DateTime64(3, 'UTC')"
const offers = ({ decision }: LoggedDecision) => decision.offers
const fates = ({ decision }: LoggedDecision) => decision.fates
const features = ({ decision }: LoggedDecision) => decision.features
const held = ({ decision }: LoggedDecision) => decision.held
const contacts = ({ decision }: LoggedDecision) => decision.contacts
const recalls = ({ decision }: LoggedDecision) => decision.recalls
const stock = ({ decision }: LoggedDecision) => decision.stock
const origins = ({ decision }: LoggedDecision) => decision.origins
const prices = ({ decision }: LoggedDecision) => decision.prices
const trials = ({ decision }: LoggedDecision) => decision.holdouts

/** The columns of a decision, its lists as parallel arrays. `not_after` 0 becomes null. */
export const decisionColumns: readonly Column<LoggedDecision>[] = [
  textColumn('id', ({ decision }) => decision.id),
  textColumn('customer_id', ({ decision }) => decision.customerId),
  wordColumn('cause_kind', ({ decision }) => decision.cause.kind),
  textColumn('cause_id', ({ decision }) => decision.cause.id),
  wordColumn('cause_source', ({ decision }) => decision.cause.source),
  wordColumn('cause_type', ({ decision }) => decision.cause.type),
  wordColumn('placement', ({ decision }) => decision.placement),
  wordColumn('channel', ({ decision }) => decision.channel),
  wordColumn('pack_hash', ({ decision }) => decision.packHash),
  wholeColumn('event_time', time, ({ decision }) => decision.eventTime),
  wholeColumn('accepted_at', time, ({ decision }) => decision.acceptedAt),
  wholeColumn('decided_at', time, ({ decision }) => decision.now),
  wholeOrNullColumn('not_after', time, ({ decision }) => (decision.notAfter === 0 ? null : decision.notAfter)),
  wordColumn('outcome', ({ decision }) => decision.outcome),
  wordColumn('reason', ({ decision }) => decision.reason),
  wordsColumn('offer_ids', offers, (item) => item.offer),
  doublesColumn('offer_scores', offers, (item) => item.score),
  wordsColumn('fate_offers', fates, (fate) => fate.offer),
  wordsOrNullColumn('fate_triggers', fates, (fate) => fate.trigger),
  wordsColumn('fate_stages', fates, (fate) => fate.stage),
  wordsColumn('fate_reasons', fates, (fate) => fate.reason),
  wordsOrNullColumn('fate_rules', fates, (fate) => fate.rule),
  doublesColumn('fate_propensities', fates, (fate) => fate.propensity),
  doublesColumn('fate_contexts', fates, (fate) => fate.context),
  doublesColumn('fate_values', fates, (fate) => fate.value),
  doublesColumn('fate_levers', fates, (fate) => fate.lever),
  doublesColumn('fate_scores', fates, (fate) => fate.score),
  wordsOrNullColumn('fate_learned', fates, (fate) => fate.learned),
  wordsColumn('feature_names', features, (feature) => feature.name),
  doublesColumn('feature_los', features, (feature) => feature.lo),
  doublesColumn('feature_his', features, (feature) => feature.hi),
  wordsColumn('feature_classes', features, (feature) => feature.class),
  wordsColumn('contact_offers', contacts, (contact) => contact.offer),
  wordsColumn('contact_categories', contacts, (contact) => contact.category),
  wordsColumn('contact_classes', contacts, (contact) => contact.class),
  doublesColumn('fate_possible_ats', fates, (fate) => fate.possibleAt),
  wholeColumn('confirm_by', 'UInt64', ({ decision }) => decision.confirmBy),
  wordsColumn('held_triggers', held, (one) => one.trigger),
  doublesColumn('held_ats', held, (one) => one.at),
  doublesColumn('held_expiries', held, (one) => one.expiresAt),
  doubleColumn('nothing', ({ decision }) => decision.nothing),
  wordColumn('model_hash', ({ decision }) => decision.modelHash),
  wordsColumn('trial_holdouts', trials, (trial) => trial.holdout),
  wordsColumn('trial_offers', trials, (trial) => trial.offer),
  wordsColumn('trial_groups', trials, (trial) => trial.group),
  wordsColumn('recalls', recalls, (recalled) => recalled),
  wordsColumn('stock_offers', stock, (asked) => asked.offer),
  wordsColumn('stock_resources', stock, (asked) => asked.resource),
  doublesColumn('stock_amounts', stock, (asked) => asked.amount),
  doublesColumn('stock_lefts', stock, (asked) => asked.left ?? -1),
  wordsColumn('stock_claims', stock, (asked) => asked.claim ?? ''),
  doublesColumn('stock_untils', stock, (asked) => asked.until),
  wordsColumn('origin_kinds', origins, (origin) => origin.kind),
  wordsColumn('origin_ids', origins, (origin) => origin.id),
  wordsColumn('origin_bases', origins, (origin) => origin.basis),
  wordsColumn('origin_features', origins, ({ features: fed }) => fed.join(' ')),
  wordsColumn('price_offers', prices, (price) => price.offer),
  wordsColumn('price_ids', prices, (price) => price.price),
  wordsColumn('price_kinds', prices, (price) => price.kind),
  doublesColumn('price_values', prices, (price) => price.value),
  doublesColumn('price_knowns', prices, (price) => Number(price.known)),
  uint16Column('log_partition', ({ place }) => place.partition),
  wholeColumn('log_offset', 'UInt64', ({ place }) => place.offset),
]

/**
 * The query of decisions.
 * @param where a condition, of ours
 * @param rest what comes behind it
 * @param final `FINAL`: each once, whatever was repeated
 */
export function decisionsQuery(where: string, rest: string, final: '' | 'FINAL' = ''): string {
  return `${decisionSelect} ${final} WHERE ${where} ${rest}`
}

const decisionSelect = `
SELECT log_offset, id, customer_id, cause_kind, cause_id, cause_source, cause_type, placement, channel, pack_hash,
       toUnixTimestamp64Milli(event_time) AS event_time_ms, toUnixTimestamp64Milli(accepted_at) AS accepted_at_ms,
       toUnixTimestamp64Milli(decided_at) AS decided_at_ms,
       ifNull(toUnixTimestamp64Milli(assumeNotNull(not_after)), 0) AS not_after_ms, outcome, reason,
       arrayZip(offer_ids, offer_scores) AS offers,
       arrayMap((o, t, s, c, r, l) -> tuple(o, t, s, c, r, l), fate_offers, fate_triggers, fate_stages, fate_reasons,
                fate_rules, arrayResize(fate_learned, length(fate_offers))) AS fates,
       arrayMap((p, c, v, l, s) -> [p, c, v, l, s], fate_propensities, fate_contexts, fate_values, fate_levers,
                fate_scores) AS terms,
       arrayMap((n, l, h, c) -> tuple(n, l, h, c), feature_names, feature_los, feature_his, feature_classes) AS features,
       arrayZip(contact_offers, contact_categories, contact_classes) AS contacts,
       fate_possible_ats AS possible_ats, confirm_by, arrayZip(held_triggers, held_ats, held_expiries) AS held,
       nothing, model_hash, arrayZip(trial_holdouts, trial_offers, trial_groups) AS trials, recalls,
       arrayMap((o, r, a, l, c, u) -> tuple(o, r, a, l, c, u), stock_offers, stock_resources, stock_amounts, stock_lefts,
                stock_claims, stock_untils) AS stock,
       arrayMap((k, i, b, f) -> tuple(k, i, b, f), origin_kinds, origin_ids, origin_bases, origin_features) AS origins,
       arrayMap((o, p, k, v, n) -> tuple(o, p, k, v, n), price_offers, price_ids, price_kinds, price_values, price_knowns) AS prices
FROM decisions_raw`

/** The query of one decision by id. Repeats have the same content, so any one of them does. */
export const decisionQuery: string = decisionsQuery('id = {id:String}', 'LIMIT 1')

const stage = z.enum(stages)

/** A whole number, which ClickHouse may write as text. */
const whole = z.union([
  z.number(),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
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
    fates: z.array(
      z.tuple([z.string(), z.string().nullable(), stage, z.string(), z.string().nullable(), z.string().nullable()]),
    ),
    terms: z.array(z.tuple([double, double, double, double, double])),
    features: z.array(z.tuple([z.string(), double, double, z.enum(['exact', 'bounded', 'unknown'])])),
    contacts: z.array(z.tuple([z.string(), z.string(), z.enum(messageClasses)])),
    possible_ats: z.array(z.number()),
    confirm_by: whole,
    held: z.array(z.tuple([z.string(), z.number(), z.number()])),
    nothing: double,
    model_hash: z.string(),
    trials: z.array(z.tuple([z.string(), z.string(), z.enum(trialGroups)])),
    recalls: z.array(z.string()),
    stock: z.array(z.tuple([z.string(), z.string(), z.number(), z.number(), z.string(), z.number()])),
    origins: z.array(z.tuple([z.enum(originKinds), z.string(), z.string(), z.string()])),
    prices: z.array(z.tuple([z.string(), z.string(), z.enum(priceKinds), double, z.number()])),
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
    fates: row.fates.map(([offer, trigger, reached, reason, rule, learned], i) => {
      const [propensity, context, value, lever, score] = row.terms[i] ?? [0, 0, 0, 0, 0]
      const possibleAt = row.possible_ats[i] ?? 0
      const terms = { propensity, context, value, lever, score }
      return { offer, trigger, stage: reached, reason, rule, ...terms, possibleAt, learned }
    }),
    features: row.features.map(([name, lo, hi, known]) => ({ name, lo, hi, class: known })),
    contacts: row.contacts.map(([offer, category, kind]) => ({ offer, category, class: kind })),
    confirmBy: row.confirm_by,
    held: row.held.map(([trigger, at, expiresAt]) => ({ trigger, at, expiresAt })),
    nothing: row.nothing,
    modelHash: row.model_hash,
    holdouts: row.trials.map(([holdout, offer, group]) => ({ holdout, offer, group })),
    recalls: row.recalls,
    stock: row.stock.map(([offer, resource, amount, left, claim, until]) => ({
      offer,
      resource,
      amount,
      left: left < 0 ? null : left,
      claim: claim === '' ? null : claim,
      until,
    })),
    origins: row.origins.map(([kind, id, basis, fed]) => ({
      kind,
      id,
      basis,
      features: fed === '' ? [] : fed.split(' ').map(Number),
    })),
    prices: row.prices.map(([offer, price, kind, value, known]) => ({ offer, price, kind, value, known: known === 1 })),
  }))
