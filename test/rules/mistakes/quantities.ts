import { type Mistake, one } from './mistake.ts'

/** Durations, zones and currencies that are not right. */
export const wrongQuantities: readonly Mistake[] = [
  {
    name: 'a window that nobody can read',
    patches: one(
      'features.yaml',
      'where: event.pageGroup == "fx"\n    window: 24h',
      'where: event.pageGroup == "fx"\n    window: 1 day',
    ),
    code: 'duration_invalid',
    rule: 'fx_views_24h',
    at: 'window: 1 day',
  },
  {
    name: 'a window longer than is kept',
    patches: one('features.yaml', 'value: score\n    window: 180d', 'value: score\n    window: 800d'),
    code: 'duration_too_long',
    rule: 'latest_nps',
    at: 'window: 800d',
  },
  {
    name: 'a baseline that reaches further back than is kept',
    patches: one(
      'features.yaml',
      'window: 30d\n    baseline: { windows: 3, minimum: 1 }',
      'window: 30d # growth\n    baseline: { windows: 12, minimum: 1 }',
    ),
    code: 'duration_too_long',
    rule: 'maternity_growth_30d',
    at: 'window: 30d # growth',
  },
  {
    name: 'a trigger that waits for events that are refused',
    patches: one(
      'triggers.yaml',
      'placement: email_letter\n    freshness: 1h',
      'placement: email_letter\n    freshness: 5d',
    ),
    code: 'freshness_beyond_lateness',
    rule: 'study-abroad-search',
    at: 'freshness: 5d',
  },
  {
    name: 'bounds beyond what a propensity can be',
    patches: one('arbitration.yaml', 'propensity: [0, 1]', 'propensity: [0, 1.5]'),
    code: 'term_out_of_bounds',
    rule: 'arbitration',
    at: 'propensity: [0, 1.5]',
  },
  {
    name: 'bounds that are the wrong way round',
    patches: one('arbitration.yaml', 'value: [0, 5]', 'value: [5, 0]'),
    code: 'term_out_of_bounds',
    rule: 'arbitration',
    at: 'value: [5, 0]',
  },
  {
    name: 'a value beyond the bounds of the pack',
    patches: one('offers.yaml', 'value: 0.8', 'value: 80'),
    code: 'term_out_of_bounds',
    rule: 'fx_wallet',
    at: 'value: 80',
  },
  {
    name: 'a default of a score beyond the bounds of the pack',
    patches: one('offers.yaml', 'whenUnknown: 0.4', 'whenUnknown: 4'),
    code: 'term_out_of_bounds',
    rule: 'study_abroad_package',
    at: 'whenUnknown: 4',
  },
  {
    name: 'an end of a score that is no instant',
    patches: one('profile.yaml', 'until: validUntil', 'until: value'),
    code: 'field_type',
    rule: 'studyAbroadScore',
    at: 'until: value',
  },
  {
    name: 'a time zone that does not exist',
    patches: one('pack.yaml', 'zone: Asia/Shanghai', 'zone: Asia/Peking'),
    code: 'timezone_unknown',
    rule: 'retail-bank',
    at: 'Asia/Peking',
  },
  {
    name: 'a currency without the two decimals of an amount',
    patches: one('pack.yaml', 'currency: CNY', 'currency: JPY'),
    code: 'currency_unknown',
    rule: 'retail-bank',
    at: 'JPY',
  },
  {
    name: 'a currency that does not exist',
    patches: one('pack.yaml', 'currency: CNY', 'currency: RMB'),
    code: 'currency_unknown',
    rule: 'retail-bank',
    at: 'RMB',
  },
]
