/**
 * A decision as JSON: the same shape and names as the record, instants as Unix milliseconds. JSON knows no infinity, so a
 * missing bound is null: `lo: null` no lower bound, `hi: null` no upper bound.
 */
import type { Decision, Fate, FeatureUsed, HoldoutTrial, OfferedItem } from './decision.ts'

export type FeatureUsedJson = Omit<FeatureUsed, 'lo' | 'hi'> & {
  readonly lo: number | null
  readonly hi: number | null
}

export type DecisionJson = Omit<Decision, 'features'> & { readonly features: readonly FeatureUsedJson[] }

/** The decision as a plain value that survives `JSON.stringify` without loss; a copy that shares nothing. */
export function decisionJson(decision: Decision): DecisionJson {
  return {
    id: decision.id,
    customerId: decision.customerId,
    cause: { ...decision.cause },
    placement: decision.placement,
    channel: decision.channel,
    packHash: decision.packHash,
    eventTime: decision.eventTime,
    acceptedAt: decision.acceptedAt,
    now: decision.now,
    notAfter: decision.notAfter,
    outcome: decision.outcome,
    reason: decision.reason,
    offers: decision.offers.map((item): OfferedItem => ({ ...item })),
    fates: decision.fates.map((fate): Fate => ({ ...fate })),
    features: decision.features.map((feature) => ({
      name: feature.name,
      lo: bound(feature.lo),
      hi: bound(feature.hi),
      class: feature.class,
    })),
    contacts: decision.contacts.map((contact) => ({ ...contact })),
    confirmBy: decision.confirmBy,
    held: decision.held.map((held) => ({ ...held })),
    nothing: decision.nothing,
    modelHash: decision.modelHash,
    holdouts: decision.holdouts.map((trial): HoldoutTrial => ({ ...trial })),
    recalls: [...decision.recalls],
    stock: decision.stock.map((asked) => ({ ...asked })),
    origins: decision.origins.map((origin) => ({ ...origin, features: [...origin.features] })),
    prices: decision.prices.map((price) => ({ ...price })),
  }
}

/** The decision of its JSON shape: null bounds become infinite again. */
export function decisionFromJson(json: DecisionJson): Decision {
  return {
    ...json,
    features: json.features.map((feature) => ({
      ...feature,
      lo: feature.lo ?? Number.NEGATIVE_INFINITY,
      hi: feature.hi ?? Number.POSITIVE_INFINITY,
    })),
  }
}

function bound(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
