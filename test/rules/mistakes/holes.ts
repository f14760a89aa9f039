import { type Mistake, one } from './mistake.ts'

function manySuppressions(i: number): string {
  return `  - id: many-${i}
    reason: bank_policy
    text: { en: One of many, zh: 众多之一 }
    closes: { categories: [study] }
    suppression: { event: nps.answered, for: 1d }
`
}

/** Gaps, and ways around a guardrail. */
export const holes: readonly Mistake[] = [
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
    name: 'a holdout that holds no marketing back',
    patches: one(
      'arbitration.yaml',
      'holdouts: []',
      'holdouts:\n  - { id: nobody, percent: 5, applies: { categories: [information] } }\n',
    ),
    code: 'reference_dead',
    rule: 'nobody',
    at: '- { id: nobody',
  },
  {
    name: 'a holdout of what is shown in the app alone, and that is open there',
    patches: one(
      'arbitration.yaml',
      'holdouts: []',
      'holdouts:\n  - { id: app, percent: 5, applies: { categories: all, channels: [in_app] } }\n',
    ),
    code: 'reference_dead',
    rule: 'app',
    at: '- { id: app',
  },
  {
    name: 'a ladder with a gap of one cent',
    patches: one(
      'offers.yaml',
      'eligible: profile.totalAssets >= money("1000000.00")\n',
      'eligible: profile.totalAssets > money("1000000.00")\n',
    ),
    code: 'band_gap',
    sure: 'best_effort',
    counterexample: 'profile.totalAssets = 1000000.00',
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
    sure: 'best_effort',
    counterexample: 'profile.totalAssets = 49998.01',
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
    sure: 'best_effort',
    counterexample: 'profile.totalAssets = 50000.00',
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
    counterexample: 'beauty_instalments on sms, although student',
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
    counterexample: 'gaming_instalments on sms, although do_not_contact',
    file: 'offers.yaml',
    rule: 'gaming_instalments',
    at: '- id: gaming_instalments',
  },
  {
    name: 'marketing on a channel without a consent guardrail',
    patches: one('guardrails.yaml', 'channels: [push], classes', 'channels: [email], classes'),
    code: 'guardrail_bypass',
    counterexample: 'fx_wallet on push, although no_consent',
    file: 'offers.yaml',
    rule: 'fx_wallet',
    at: '- id: fx_wallet',
  },
  {
    name: 'unlawful data allowed for a category',
    patches: one('guardrails.yaml', 'exceptCategories: [information]', 'exceptCategories: [information, study]'),
    code: 'guardrail_bypass',
    counterexample: 'study_loan on push, although unlawful_source',
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
    name: 'a role that may set the consent of the customer aside',
    patches: one(
      'guardrails.yaml',
      '    when: "!profile.smsConsent"',
      '    when: "!profile.smsConsent"\n    override: { role: compliance, atMost: 1d } # consent',
    ),
    code: 'guardrail_bypass',
    rule: 'no-sms-marketing-without-consent',
    at: '# consent',
  },
  {
    name: 'an allow that opens the guardrail behind a red line',
    patches: one(
      'guardrails.yaml',
      'opens: { categories: [savings], channels: [in_app, adviser] }',
      'opens: { categories: [gaming_loan] }',
    ),
    code: 'guardrail_bypass',
    counterexample: 'gaming_instalments on sms, although divorce',
    file: 'offers.yaml',
    rule: 'gaming_instalments',
    at: '- id: gaming_instalments',
  },
  {
    name: 'an override that lasts longer than anything may',
    patches: one(
      'guardrails.yaml',
      'override: { role: credit_officer, atMost: 30d }',
      'override: { role: credit_officer, atMost: 9000d }',
    ),
    code: 'duration_too_long',
    rule: 'no-credit-while-overdrawn',
    at: 'atMost: 9000d',
  },
  {
    name: 'an allow that is called like a guardrail',
    patches: one('guardrails.yaml', '- id: savings-in-spite-of-a-dispute', '- id: no-credit-while-overdrawn # allow'),
    code: 'id_duplicate',
    rule: 'no-credit-while-overdrawn',
    at: '# allow',
  },
  {
    name: 'an allow for a category that does not exist',
    patches: one('guardrails.yaml', 'opens: { categories: [savings],', 'opens: { categories: [saving],'),
    code: 'category_unknown',
    rule: 'savings-in-spite-of-a-dispute',
    at: 'categories: [saving],',
  },
  {
    name: 'more suppressions than are kept for a customer',
    patches: one(
      'guardrails.yaml',
      '# Opens guardrails that a role may open, in its scope,',
      `${Array.from({ length: 120 }, (_, i) => manySuppressions(i)).join('')}# Opens guardrails that a role may open,`,
    ),
    code: 'too_many_rules',
    // The pack has 12 suppressions and 5 overrides of its own.
    rule: 'many-111',
    at: 'id: many-111',
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
    counterexample: 'a customer of whom nothing is known',
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
  {
    name: 'a source with an agreement and without a lawful basis',
    patches: one(
      'sources.yaml',
      'id: tax-office-data\n    lawfulBasis: consent\n    purposes: [service, marketing]',
      'id: tax-office-data\n    lawfulBasis: none\n    purposes: []',
    ),
    code: 'source_unlawful',
    rule: 'tax-office-data',
    at: 'authorisation: { id: DP-2026-031',
  },
  {
    name: 'an agreement that ends on a day that does not exist',
    patches: one('sources.yaml', 'until: "2027-12-31"', 'until: "2027-02-30"'),
    code: 'value_invalid',
    rule: 'tax-office-data',
    at: 'until: "2027-02-30"',
  },
]
