import { type Mistake, one } from './mistake.ts'

/** Rules that can never act, or never matter. */
export const impossibleRules: readonly Mistake[] = [
  {
    name: 'a condition that contradicts itself',
    patches: one('offers.yaml', 'eligible: fx_views_24h >= 3', 'eligible: fx_views_24h >= 3 && fx_views_24h < 2'),
    code: 'condition_never_true',
    sure: 'best_effort',
    counterexample: 'fx_views_24h >= 3; fx_views_24h < 2',
    rule: 'fx_wallet',
    at: 'fx_views_24h < 2',
  },
  {
    name: 'a trigger that can never fire',
    patches: one('triggers.yaml', 'event.kind == "marriage"', 'event.kind == "marriage" && event.kind == "birth"'),
    code: 'condition_never_true',
    sure: 'best_effort',
    counterexample: 'event.kind == "marriage"; event.kind == "birth"',
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
    sure: 'best_effort',
    counterexample: 'fx-interest',
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
    sure: 'best_effort',
    counterexample: 'banner_private_banking',
    rule: 'banner_gold',
    at: 'id: banner_gold',
  },
  {
    name: 'a cap that a stricter one swallows',
    patches: one('contact.yaml', '    limit: 2\n    per: 1d', '    limit: 9\n    per: 1d'),
    code: 'rule_shadowed',
    sure: 'best_effort',
    counterexample: 'all-contacts-week',
    rule: 'push-marketing-day',
    at: 'id: push-marketing-day',
  },
  {
    name: 'two caps that contradict each other',
    patches: one('contact.yaml', '    limit: 1\n    per: 1d', '    limit: 1\n    per: 7d'),
    code: 'rule_misfit',
    counterexample: 'sms-marketing-day',
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
    sure: 'best_effort',
    counterexample: 'profile.employmentStatus == "unemployed"; profile.employmentStatus == "unemployed"',
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
    sure: 'best_effort',
    counterexample: 'gaming_purchases_30d >= 3; penalty_interest_90d >= 0 || penalty_interest_90d < 0',
    file: 'offers.yaml',
    rule: 'gaming_instalments',
    at: '- id: gaming_instalments',
  },
  {
    name: 'an offer riskier than anybody it is meant for may buy',
    patches: one('offers.yaml', '    riskGrade: 2\n    priority: 10', '    riskGrade: 4\n    priority: 10'),
    code: 'rule_conflict',
    sure: 'best_effort',
    counterexample: 'R4',
    rule: 'banner_r2_income',
    at: '    riskGrade: 4\n    priority: 10',
  },
  {
    name: 'a trigger whose offer is never eligible then',
    patches: one('triggers.yaml', 'fx_views_24h >= 3', 'fx_views_24h < 3'),
    code: 'rule_conflict',
    sure: 'best_effort',
    counterexample: 'event.pageGroup == "fx" && fx_views_24h < 3; fx_views_24h >= 3',
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
    code: 'rule_misfit',
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
    code: 'rule_misfit',
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
