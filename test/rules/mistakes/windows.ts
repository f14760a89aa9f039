import { type Mistake, one } from './mistake.ts'

const onTrigger = (window: string) =>
  one('triggers.yaml', '    offers: [repayment_thanks]\n', `    offers: [repayment_thanks]\n    effective: ${window}\n`)
const onOffer = (id: string, window: string) =>
  one('offers.yaml', `  - id: ${id}\n    title:`, `  - id: ${id}\n    effective: ${window}\n    title:`)
const onGuardrail = (window: string) =>
  one(
    'guardrails.yaml',
    '    when: profile.age < 18 || profile.age > 110\n',
    `    when: profile.age < 18 || profile.age > 110\n    effective: ${window}\n`,
  )

/** Windows of effect that are empty, over, or where there may be none. */
export const wrongWindows: readonly Mistake[] = [
  {
    name: 'a window that ends before it begins',
    patches: onTrigger('{ from: "2026-12-26", until: "2026-12-24" }'),
    code: 'window_empty',
    counterexample: '2026-12-25T16:00:00.000Z to 2026-12-24T16:00:00.000Z',
    rule: 'large-repayment',
    at: 'effective: { from: "2026-12-26"',
  },
  {
    name: 'a window of Fridays in a week without one',
    patches: onTrigger('{ from: "2026-12-26", until: "2026-12-31", on: [friday] }'),
    code: 'window_empty',
    counterexample: '2026-12-25T16:00:00.000Z to 2026-12-31T16:00:00.000Z',
    rule: 'large-repayment',
    at: 'effective: { from: "2026-12-26"',
  },
  {
    name: 'hours that end when they begin',
    patches: onTrigger('{ on: [friday], between: "12:00-12:00" }'),
    code: 'window_empty',
    counterexample: '12:00',
    rule: 'large-repayment',
    at: 'effective: { on: [friday]',
  },
  {
    name: 'a window that says nothing',
    patches: onTrigger('{ zone: Asia/Tokyo }'),
    code: 'value_missing',
    rule: 'large-repayment',
    at: 'effective: { zone',
  },
  {
    name: 'a window in a zone that does not exist',
    patches: onTrigger('{ on: [friday], zone: Asia/Nowhere }'),
    code: 'timezone_unknown',
    rule: 'large-repayment',
    at: 'effective: { on: [friday]',
  },
  {
    name: 'a window until a day that does not exist',
    patches: onTrigger('{ until: "2026-02-30" }'),
    code: 'value_invalid',
    rule: 'large-repayment',
    at: 'effective: { until',
  },
  {
    name: 'a window that is over',
    patches: onTrigger('{ until: "2026-06-30" }'),
    code: 'window_over',
    counterexample: '2026-06-30T16:00:00.000Z',
    rule: 'large-repayment',
    warns: true,
    at: 'effective: { until',
  },
  {
    name: 'a guardrail that ends without saying that it is open then',
    patches: onGuardrail('{ until: "2027-06-30" }'),
    code: 'key_missing',
    rule: 'nothing-binding-for-minors',
    at: 'effective: { until',
  },
  {
    name: 'a red line that ends',
    patches: onGuardrail('{ until: "2027-06-30", otherwise: open }'),
    file: 'offers.yaml',
    code: 'red_line_ends',
    counterexample: 'family_bundle outside of the window of nothing-binding-for-minors',
    rule: 'family_bundle',
    at: '- id: family_bundle',
  },
  {
    name: 'a red line that holds in office hours only',
    patches: onGuardrail('{ on: [monday, tuesday], between: "09:00-17:00", otherwise: open }'),
    file: 'offers.yaml',
    code: 'red_line_ends',
    counterexample: 'consumer_loan outside of the window of nothing-binding-for-minors',
    rule: 'consumer_loan',
    at: '- id: consumer_loan',
  },
  {
    name: 'a fallback that is not always there',
    patches: onOffer('banner_security_tips', '{ on: [friday] }'),
    code: 'fallback_blocked',
    counterexample: 'a request outside of its window',
    rule: 'banner_security_tips',
    at: 'effective: { on',
  },
  {
    name: 'a step of a ladder that is not always there',
    patches: onOffer('banner_term_deposit', '{ on: [friday] }'),
    code: 'band_gap',
    sure: 'best_effort',
    counterexample: 'outside of the window of banner_term_deposit',
    rule: 'home-banner-by-assets',
    at: 'offers: [banner_first_savings, banner_term_deposit',
  },
]
