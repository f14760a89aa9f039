import { type Mistake, one } from './mistake.ts'

/** Conditions and fields of the wrong type. */
export const wrongConditions: readonly Mistake[] = [
  {
    name: 'a number where an amount is meant',
    patches: one(
      'triggers.yaml',
      'event.amount >= money("5000.00")\n    offers: [repayment_thanks]',
      'event.amount >= 5000\n    offers: [repayment_thanks]',
    ),
    code: 'condition_type',
    rule: 'large-repayment',
    at: 'event.amount >= 5000\n',
  },
  {
    name: 'a value that the enum does not have',
    patches: one(
      'guardrails.yaml',
      'when: profile.employmentStatus == "unemployed"',
      'when: profile.employmentStatus == "jobless"',
    ),
    code: 'condition_type',
    rule: 'no-credit-without-work',
    at: 'jobless',
  },
  {
    name: 'a count as a score',
    patches: one('offers.yaml', 'propensity: "fx_views_24h >= 5 ? 0.5 : 0.3"', 'propensity: "fx_views_24h"'),
    code: 'condition_type',
    rule: 'fx_wallet',
    at: 'propensity: "fx_views_24h"',
  },
  {
    name: 'a sum over a text',
    patches: one('features.yaml', 'kind: distinct', 'kind: sum'),
    code: 'field_type',
    rule: 'search_topics_30d',
    at: 'value: category',
  },
  {
    name: 'an attribute of another type than its field',
    patches: one(
      'profile.yaml',
      'field: totalAssets',
      'field: hasChildren } # no amount\n      - { event: profile.updated, field: totalAssets',
    ),
    code: 'field_type',
    rule: 'totalAssets',
    at: 'no amount',
  },
  {
    name: 'an enum that misses a value of its field',
    patches: one(
      'profile.yaml',
      'values: [conservative, steady, balanced, aggressive]',
      'values: [conservative, steady, balanced]',
    ),
    code: 'value_missing',
    rule: 'riskGrade',
    at: 'field: riskGrade',
  },
  {
    name: 'a filter over a field that may be missing',
    patches: one('features.yaml', 'where: event.kind == "penalty_interest"', 'where: event.counterpartyBank == "ours"'),
    code: 'filter_may_be_unknown',
    rule: 'penalty_interest_90d',
    at: 'event.counterpartyBank',
  },
  {
    name: 'a condition that does not parse',
    patches: one('triggers.yaml', 'when: event.score <= 6', 'when: event.score =< 6'),
    code: 'condition_invalid',
    rule: 'unhappy',
    at: 'event.score =< 6',
  },
  {
    name: 'null instead of unknown',
    patches: one('guardrails.yaml', 'when: "!profile.smsConsent"', 'when: profile.smsConsent == null'),
    code: 'condition_invalid',
    rule: 'no-sms-marketing-without-consent',
    at: 'profile.smsConsent == null',
  },
  {
    name: 'an expression that can loop',
    patches: one('triggers.yaml', 'when: event.score <= 6', 'when: event.topic.matches("(a+)+$")'),
    code: 'condition_invalid',
    rule: 'unhappy',
    at: 'matches(',
  },
  {
    name: 'growth without a baseline',
    patches: one('features.yaml', '    baseline: { windows: 3, minimum: 1 }\n', ''),
    code: 'baseline_missing',
    rule: 'maternity_growth_30d',
    at: 'kind: growth\n    event: card.purchase\n    where',
  },
  {
    name: 'an average without a field',
    patches: one(
      'features.yaml',
      'kind: average\n    event: card.purchase\n    value: amount',
      'kind: average\n    event: card.purchase',
    ),
    code: 'value_missing',
    rule: 'average_purchase_90d',
    at: 'kind: average',
  },
]
