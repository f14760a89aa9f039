import { type Mistake, one } from './mistake.ts'

const rate = `value: 'profile.totalAssets >= money("500000.00") ? 0.0215 : 0.0185'`
const published = 'mayDependOn: [profile.totalAssets]'
const fee = '{ id: instalment_fee, kind: fee, value: "0.00" }'
const byFee = (value: string): Mistake['patches'] =>
  one('offers.yaml', fee, `{ id: instalment_fee, kind: fee, value: '${value}', otherwise: "5.00" }`)

/** Prices that are not the same for whoever is alike in what the pack publishes. */
export const unfairPrices: readonly Mistake[] = [
  {
    name: 'a price that depends on an attribute that is not published',
    patches: one('offers.yaml', rate, 'value: "profile.hasChildren ? 0.0215 : 0.0185"'),
    code: 'price_dependence',
    rule: 'wealth_r1_deposit',
    at: 'value: "profile.hasChildren ? 0.0215',
    counterexample: 'yearly_rate -> profile.hasChildren -> profile.updated.hasChildren',
  },
  {
    name: 'a price that depends on what customers buy, through a feature',
    patches: byFee('card_spend_30d > money("100.00") ? money("0.00") : money("5.00")'),
    code: 'price_dependence',
    rule: 'family_bundle',
    at: 'card_spend_30d > money',
    counterexample: 'instalment_fee -> card_spend_30d -> card.purchase.amount',
  },
  {
    name: 'a price that depends on what customers buy, through the filter of a feature',
    patches: byFee('beauty_purchases_30d >= 1 ? money("0.00") : money("5.00")'),
    code: 'price_dependence',
    rule: 'family_bundle',
    at: 'beauty_purchases_30d >= 1 ?',
    counterexample:
      'instalment_fee -> beauty_purchases_30d -> card.purchase.merchantCategory where event.merchantCategory == "beauty"',
  },
  {
    name: 'a price that depends on what is not published besides what is',
    patches: one(
      'offers.yaml',
      rate,
      'value: "profile.totalAssets >= money(\\"500000.00\\") && profile.riskGrade == \\"steady\\" ? 0.02 : 0.01"',
    ),
    code: 'price_dependence',
    rule: 'wealth_r1_deposit',
    at: 'profile.riskGrade == \\"steady\\" ? 0.02',
    counterexample: 'yearly_rate -> profile.riskGrade -> profile.updated.riskGrade',
  },
  {
    name: 'a price that depends on whether its data is lawful',
    patches: one('offers.yaml', rate, 'value: "source.lawful ? 0.0215 : 0.0185"'),
    code: 'price_dependence',
    rule: 'wealth_r1_deposit',
    at: 'source.lawful ? 0.0215',
    counterexample: 'yearly_rate -> source.lawful',
  },
  {
    name: 'prices that depend on being a student, published or not',
    patches: one('pack.yaml', published, 'mayDependOn: [profile.totalAssets, profile.studentStatus]'),
    code: 'price_vulnerable',
    sure: 'best_effort',
    rule: 'pricing',
    at: 'profile.studentStatus]',
    counterexample: 'profile.studentStatus -> profile.updated.studentStatus: student',
  },
  {
    name: 'prices that depend on a life event, through a feature',
    patches: one('pack.yaml', published, 'mayDependOn: [profile.totalAssets, unemployment_reports_180d]'),
    code: 'price_vulnerable',
    sure: 'best_effort',
    rule: 'pricing',
    at: 'unemployment_reports_180d]',
    counterexample:
      'unemployment_reports_180d -> life_event.reported.kind and life_event.reported.resolved where event.kind == "unemployment" && !event.resolved: unemployment',
  },
  {
    name: 'prices that depend on what a guardrail for a vulnerable situation reads, whatever it is called',
    patches: one('pack.yaml', published, 'mayDependOn: [profile.totalAssets, penalty_interest_90d]'),
    code: 'price_vulnerable',
    sure: 'best_effort',
    rule: 'pricing',
    at: 'penalty_interest_90d]',
    counterexample: 'guardrail no-credit-while-overdrawn: overdue_debt',
  },
  {
    name: 'a list of what prices may depend on with an attribute that does not exist',
    patches: one('pack.yaml', published, 'mayDependOn: [profile.totalAssets, profile.tier]'),
    code: 'attribute_unknown',
    rule: 'pricing',
    at: 'profile.tier]',
  },
  {
    name: 'a list of what prices may depend on with a feature that does not exist',
    patches: one('pack.yaml', published, 'mayDependOn: [profile.totalAssets, tenure]'),
    code: 'feature_unknown',
    rule: 'pricing',
    at: ', tenure]',
  },
  {
    name: 'what prices may depend on and none does',
    patches: one('pack.yaml', published, 'mayDependOn: [profile.totalAssets, card_spend_30d]'),
    code: 'reference_dead',
    warns: true,
    rule: 'pricing',
    at: 'card_spend_30d]',
  },
  {
    name: 'a price that depends on something without what holds otherwise',
    patches: one('offers.yaml', '        otherwise: 0.0185\n', ''),
    code: 'value_missing',
    rule: 'wealth_r1_deposit',
    at: rate,
  },
  {
    name: 'a price for everybody with what holds otherwise',
    patches: byFee('0.00'),
    code: 'value_unexpected',
    rule: 'family_bundle',
    at: 'kind: fee, value',
  },
  {
    name: 'a rate in percent',
    patches: one('offers.yaml', 'otherwise: 0.0185', 'otherwise: 1.85'),
    code: 'price_out_of_bounds',
    rule: 'wealth_r1_deposit',
    at: 'otherwise: 1.85',
  },
  {
    name: 'a fee below nothing',
    patches: one('offers.yaml', fee, '{ id: instalment_fee, kind: fee, value: "-5.00" }'),
    code: 'price_out_of_bounds',
    rule: 'family_bundle',
    at: 'value: "-5.00"',
  },
  {
    name: 'a fee that is a plain number',
    patches: one('offers.yaml', fee, '{ id: instalment_fee, kind: fee, value: 5 }'),
    code: 'value_invalid',
    rule: 'family_bundle',
    at: 'kind: fee, value: 5',
  },
  {
    name: 'a fee by an expression that is no amount',
    patches: byFee('profile.totalAssets > money("1.00") ? 1.0 : 2.0'),
    code: 'condition_type',
    rule: 'family_bundle',
    at: '? 1.0 : 2.0',
  },
  {
    name: 'a price by an attribute that does not exist',
    patches: one('offers.yaml', rate, 'value: "profile.tier == \\"gold\\" ? 0.0215 : 0.0185"'),
    code: 'attribute_unknown',
    rule: 'wealth_r1_deposit',
    at: 'profile.tier == ',
  },
  {
    name: 'a price by chance',
    patches: one('offers.yaml', rate, 'value: "random() > 0.5 ? 0.0215 : 0.0185"'),
    code: 'condition_invalid',
    rule: 'wealth_r1_deposit',
    at: 'random() > 0.5',
  },
  {
    name: 'two prices of one name',
    patches: one(
      'offers.yaml',
      `      - ${fee}\n`,
      `      - ${fee}\n      - { id: instalment_fee, kind: discount, value: 0.5 }\n`,
    ),
    code: 'id_duplicate',
    rule: 'family_bundle',
    at: 'kind: discount',
  },
  {
    name: 'more prices than an offer may have',
    patches: one(
      'offers.yaml',
      `    prices:\n      - ${fee}\n`,
      `    prices: # nine\n${Array.from({ length: 9 }, (_, i) => `      - { id: p${i}, kind: multiplier, value: 1 }\n`).join('')}`,
    ),
    code: 'value_invalid',
    rule: 'family_bundle',
    at: '# nine',
  },
  {
    name: 'a fallback with a price that is not the same for everybody',
    patches: one(
      'offers.yaml',
      '  - id: banner_security_tips\n',
      `  - id: banner_security_tips\n    prices: [{ id: r, kind: rate, value: 'profile.totalAssets > money("1.00") ? 0.02 : 0.01', otherwise: 0.01 }]\n`,
    ),
    code: 'fallback_personal',
    file: 'placements.yaml',
    rule: 'app_home_banner',
    at: 'fallback: banner_security_tips',
  },
]
