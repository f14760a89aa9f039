/** Mistakes people make in packs: what they wrote, and what the check has to say about it. */
import type { PackProblemCode } from '../../../rules/pack-problem.ts'
import type { Patch } from '../patched-pack.ts'

export type Mistake = {
  readonly name: string
  readonly patches: readonly Patch[]
  readonly code: PackProblemCode
  readonly rule: string
  /** File the problem is reported in; the first patch's by default. */
  readonly file?: string
  /** A text that stands, once, on the line the problem is reported at. */
  readonly at: string
}

const one = (file: string, from: string, to: string): readonly Patch[] => [{ file, from, to }]

const names: readonly Mistake[] = [
  {
    name: 'a misspelt key',
    patches: one('offers.yaml', 'eligible: fx_views_24h >= 3', 'eligable: fx_views_24h >= 3'),
    code: 'key_unknown',
    rule: 'fx_wallet',
    at: 'eligable',
  },
  {
    name: 'a missing key',
    patches: one('triggers.yaml', '    placement: email_letter\n', ''),
    code: 'key_missing',
    rule: 'study-abroad-search',
    at: '- id: study-abroad-search',
  },
  {
    name: 'a missing Chinese text',
    patches: one(
      'guardrails.yaml',
      "text:\n      en: Marketing by SMS only with the customer's consent\n      zh: 未经客户同意，不得发送营销短信",
      "text: # no Chinese\n      en: Marketing by SMS only with the customer's consent",
    ),
    code: 'text_missing',
    rule: 'no-sms-marketing-without-consent',
    at: 'text: # no Chinese',
  },
  {
    name: 'an empty English text',
    patches: one('contact.yaml', 'en: At most one marketing SMS a day', 'en: ""'),
    code: 'text_missing',
    rule: 'sms-marketing-day',
    at: 'en: ""',
  },
  {
    name: 'a key written twice',
    patches: one('offers.yaml', '    value: 0.8\n', '    value: 0.8\n    value: 0.9 # again\n'),
    code: 'yaml_invalid',
    rule: 'offers.yaml',
    at: 'value: 0.9 # again',
  },
  {
    name: 'two offers with one id',
    patches: one('offers.yaml', '- id: study_loan', '- id: fx_wallet # again'),
    code: 'id_duplicate',
    rule: 'fx_wallet',
    at: 'fx_wallet # again',
  },
  {
    name: 'a feature named like a word of the language',
    patches: one('features.yaml', '- id: search_topics_30d', '- id: duration'),
    code: 'name_reserved',
    rule: 'duration',
    at: '- id: duration',
  },
  {
    name: 'unknown as a value',
    patches: one('profile.yaml', 'balanced, aggressive]', 'balanced, aggressive, unknown]'),
    code: 'name_reserved',
    rule: 'riskGrade',
    at: 'aggressive, unknown]',
  },
  {
    name: 'an event type that does not exist',
    patches: one('triggers.yaml', 'on: repayment.made', 'on: repayment.done'),
    code: 'event_unknown',
    rule: 'large-repayment',
    at: 'repayment.done',
  },
  {
    name: 'a field that the event does not have, in a feature',
    patches: one('features.yaml', 'value: dwellMs', 'value: dwellSeconds'),
    code: 'field_unknown',
    rule: 'wealth_reading_ms_7d',
    at: 'dwellSeconds',
  },
  {
    name: 'a field that the event does not have, in a filter',
    patches: one(
      'features.yaml',
      'where: event.category == "early_education"',
      'where: event.topic == "early_education"',
    ),
    code: 'field_unknown',
    rule: 'early_education_searches_30d',
    at: 'event.topic',
  },
  {
    name: 'a feature that does not exist',
    patches: one('offers.yaml', 'eligible: fx_views_24h >= 3', 'eligible: fx_views_1d >= 3'),
    code: 'feature_unknown',
    rule: 'fx_wallet',
    at: 'fx_views_1d',
  },
  {
    name: 'an attribute that does not exist, on the third line of a condition',
    patches: one(
      'offers.yaml',
      '      && profile.totalAssets < money("1000000.00")',
      '      && profile.wealth < money("1000000.00")',
    ),
    code: 'attribute_unknown',
    rule: 'banner_r2_income',
    at: 'profile.wealth',
  },
  {
    name: 'an offer that does not exist',
    patches: one('triggers.yaml', 'offers: [fx_wallet]', 'offers: [fx_purse]'),
    code: 'offer_unknown',
    rule: 'fx-interest',
    at: 'fx_purse',
  },
  {
    name: 'a category that does not exist',
    patches: one('offers.yaml', 'category: foreign_exchange', 'category: forex'),
    code: 'category_unknown',
    rule: 'fx_wallet',
    at: 'category: forex',
  },
  {
    name: 'a channel that does not exist',
    patches: one('contact.yaml', 'channels: [email]', 'channels: [mail]'),
    code: 'channel_unknown',
    rule: 'email-marketing-month',
    at: 'channels: [mail]',
  },
  {
    name: 'a placement that does not exist',
    patches: one('triggers.yaml', 'placement: email_letter', 'placement: email'),
    code: 'placement_unknown',
    rule: 'study-abroad-search',
    at: 'placement: email',
  },
  {
    name: 'a content type that no placement takes',
    patches: one(
      'offers.yaml',
      'contentType: message\n    channels: [push]',
      'contentType: poster\n    channels: [push]',
    ),
    code: 'content_type_unknown',
    rule: 'honeymoon_instalments',
    at: 'contentType: poster',
  },
]

const types: readonly Mistake[] = [
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
    at: 'kind: growth',
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

const durations: readonly Mistake[] = [
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

const impossible: readonly Mistake[] = [
  {
    name: 'a condition that contradicts itself',
    patches: one('offers.yaml', 'eligible: fx_views_24h >= 3', 'eligible: fx_views_24h >= 3 && fx_views_24h < 2'),
    code: 'condition_never_true',
    rule: 'fx_wallet',
    at: 'fx_views_24h < 2',
  },
  {
    name: 'a trigger that can never fire',
    patches: one('triggers.yaml', 'event.kind == "marriage"', 'event.kind == "marriage" && event.kind == "birth"'),
    code: 'condition_never_true',
    rule: 'wedding',
    at: 'event.kind == "birth"',
  },
  {
    name: 'a trigger that an earlier one makes superfluous',
    patches: one(
      'triggers.yaml',
      '  - id: study-abroad-reading\n',
      `  - id: fx-eager
    on: page.viewed
    when: event.pageGroup == "fx" && fx_views_24h >= 5
    offers: [fx_wallet]
    placement: push_message
  - id: study-abroad-reading
`,
    ),
    code: 'rule_shadowed',
    rule: 'fx-eager',
    at: 'fx-eager',
  },
  {
    name: 'a banner that another one always beats',
    patches: one(
      'offers.yaml',
      '  - id: banner_card_statement',
      `  - id: banner_gold
    title: { en: Gold, zh: 黄金 }
    category: wealth
    class: marketing
    contentType: banner
    channels: [in_app]
    eligible: profile.totalAssets >= money("2000000.00")
    riskGrade: 2
    validFor: 24h
  - id: banner_card_statement`,
    ),
    code: 'rule_shadowed',
    rule: 'banner_gold',
    at: 'id: banner_gold',
  },
  {
    name: 'a cap that a stricter one swallows',
    patches: one('contact.yaml', '    limit: 2\n    per: 1d', '    limit: 9\n    per: 1d'),
    code: 'rule_shadowed',
    rule: 'push-marketing-day',
    at: 'id: push-marketing-day',
  },
  {
    name: 'two caps that contradict each other',
    patches: one('contact.yaml', '    limit: 1\n    per: 1d', '    limit: 1\n    per: 7d'),
    code: 'rule_conflict',
    rule: 'sms-marketing-week',
    at: 'id: sms-marketing-week',
  },
  {
    name: 'an offer for exactly those whom a guardrail protects',
    patches: one(
      'offers.yaml',
      'eligible: salaries_90d >= 2 && loan_views_7d >= 2',
      'eligible: profile.employmentStatus == "unemployed"',
    ),
    code: 'rule_conflict',
    rule: 'consumer_loan',
    at: '- id: consumer_loan',
  },
  {
    name: 'a guardrail that always closes its category',
    patches: one(
      'guardrails.yaml',
      'when: penalty_interest_90d >= 1',
      'when: penalty_interest_90d >= 0 || penalty_interest_90d < 0',
    ),
    code: 'rule_conflict',
    file: 'offers.yaml',
    rule: 'gaming_instalments',
    at: '- id: gaming_instalments',
  },
  {
    name: 'an offer riskier than anybody it is meant for may buy',
    patches: one('offers.yaml', '    riskGrade: 2\n    priority: 10', '    riskGrade: 4\n    priority: 10'),
    code: 'rule_conflict',
    rule: 'banner_r2_income',
    at: '    riskGrade: 4\n    priority: 10',
  },
  {
    name: 'a trigger whose offer is never eligible then',
    patches: one('triggers.yaml', 'fx_views_24h >= 3', 'fx_views_24h < 3'),
    code: 'rule_conflict',
    rule: 'fx-interest',
    at: 'offers: [fx_wallet]',
  },
  {
    name: 'a trigger whose offer does not fit the placement',
    patches: one(
      'triggers.yaml',
      'offers: [fx_wallet]\n    placement: push_message',
      'offers: [fx_wallet]\n    placement: sms_message',
    ),
    code: 'rule_conflict',
    rule: 'fx-interest',
    at: 'offers: [fx_wallet]',
  },
  {
    name: 'a trigger for a placement that an app asks for',
    patches: one(
      'triggers.yaml',
      'offers: [fx_wallet]\n    placement: push_message',
      'offers: [fx_wallet]\n    placement: app_offers',
    ),
    code: 'rule_conflict',
    rule: 'fx-interest',
    at: 'placement: app_offers',
  },
  {
    name: 'an offer that no placement can show',
    patches: one(
      'offers.yaml',
      'contentType: message\n    channels: [push]',
      'contentType: message\n    channels: [adviser]',
    ),
    code: 'reference_dead',
    rule: 'honeymoon_instalments',
    at: 'channels: [adviser]\n    propensity: 0.3',
  },
]

const holes: readonly Mistake[] = [
  {
    name: 'a risk grade without an entry in the table',
    patches: one('arbitration.yaml', '    balanced: 3\n', ''),
    code: 'grade_gap',
    rule: 'suitability',
    at: 'allows:',
  },
  {
    name: 'an unknown risk grade that allows more than a careful one',
    patches: one('arbitration.yaml', 'whenUnknown: 1', 'whenUnknown: 3'),
    code: 'guardrail_bypass',
    rule: 'suitability',
    at: 'whenUnknown: 3',
  },
  {
    name: 'a ladder with a gap of one cent',
    patches: one(
      'offers.yaml',
      'eligible: profile.totalAssets >= money("1000000.00")\n',
      'eligible: profile.totalAssets > money("1000000.00")\n',
    ),
    code: 'band_gap',
    rule: 'home-banner-by-assets',
    at: 'offers: [banner_first_savings',
  },
  {
    name: 'a ladder with a gap between two edges',
    patches: one(
      'offers.yaml',
      'eligible: profile.totalAssets < money("50000.00")',
      'eligible: profile.totalAssets <= money("49998.00")',
    ),
    code: 'band_gap',
    rule: 'home-banner-by-assets',
    at: 'offers: [banner_first_savings',
  },
  {
    name: 'a ladder on which two offers stand on one step',
    patches: one(
      'offers.yaml',
      'eligible: profile.totalAssets < money("50000.00")',
      'eligible: profile.totalAssets <= money("50000.00")',
    ),
    code: 'band_overlap',
    rule: 'home-banner-by-assets',
    at: 'offers: [banner_first_savings',
  },
  {
    name: 'an exception that lets consumer loans past the guardrail for students',
    patches: one(
      'guardrails.yaml',
      '    when: profile.studentStatus || profile.employmentStatus == "student"',
      '      exceptCategories: [beauty_loan]\n    when: profile.studentStatus || profile.employmentStatus == "student"',
    ),
    code: 'guardrail_bypass',
    file: 'offers.yaml',
    rule: 'beauty_instalments',
    at: '- id: beauty_instalments',
  },
  {
    name: 'a loan dressed up as a service message to get past a guardrail that stops marketing',
    patches: [
      {
        file: 'guardrails.yaml',
        from: '    when: profile.studentStatus || profile.employmentStatus == "student"',
        to: '      classes: [marketing]\n    when: profile.studentStatus || profile.employmentStatus == "student"',
      },
      {
        file: 'offers.yaml',
        from: 'category: gaming_loan\n    class: marketing',
        to: 'category: gaming_loan\n    class: service',
      },
    ],
    code: 'guardrail_bypass',
    file: 'offers.yaml',
    rule: 'gaming_instalments',
    at: '- id: gaming_instalments',
  },
  {
    name: 'marketing on a channel without a consent guardrail',
    patches: one('guardrails.yaml', 'channels: [push], classes', 'channels: [email], classes'),
    code: 'guardrail_bypass',
    file: 'offers.yaml',
    rule: 'fx_wallet',
    at: '- id: fx_wallet',
  },
  {
    name: 'unlawful data allowed for a category',
    patches: one('guardrails.yaml', 'exceptCategories: [information]', 'exceptCategories: [information, study]'),
    code: 'guardrail_bypass',
    file: 'offers.yaml',
    rule: 'study_loan',
    at: '- id: study_loan',
  },
  {
    name: 'a guardrail that never closes anything',
    patches: one('guardrails.yaml', '    when: penalty_interest_90d >= 1\n', ''),
    code: 'guardrail_empty',
    rule: 'no-credit-while-overdrawn',
    at: 'id: no-credit-while-overdrawn',
  },
  {
    name: 'an inbound placement without a fallback',
    patches: one('placements.yaml', '    fallback: newcomer_start\n', ''),
    code: 'fallback_missing',
    rule: 'app_offers',
    at: 'id: app_offers',
  },
  {
    name: 'a fallback that a guardrail closes for unknown customers',
    patches: [
      {
        file: 'guardrails.yaml',
        from: '  - id: no-credit-while-overdrawn',
        to: `  - id: no-tips-for-debtors
    reason: overdue_debt
    text: { en: No tips, zh: 不推送 }
    closes: { categories: [information] }
    when: penalty_interest_90d >= 1
  - id: no-credit-while-overdrawn`,
      },
    ],
    code: 'fallback_blocked',
    file: 'placements.yaml',
    rule: 'app_home_banner',
    at: 'fallback: banner_security_tips',
  },
  {
    name: 'a fallback that depends on the customer',
    patches: one('placements.yaml', 'fallback: banner_security_tips', 'fallback: banner_card_statement'),
    code: 'fallback_personal',
    rule: 'app_home_banner',
    at: 'fallback: banner_card_statement',
  },
  {
    name: 'a source without a lawful basis that feeds marketing',
    patches: one('sources.yaml', 'purposes: []', 'purposes: [marketing]'),
    code: 'source_unlawful',
    rule: 'dataharvest-crawler',
    at: 'purposes: [marketing]',
  },
]

/** Every mistake; the groups are the chapters of the list of codes. */
export const mistakes: readonly Mistake[] = [...names, ...types, ...durations, ...impossible, ...holes]
