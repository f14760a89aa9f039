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
