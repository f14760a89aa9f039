/** What looks like a mistake and is none: each change of the shipped pack is accepted, so that no check cries wolf. */
import { expect, test } from 'vitest'
import { formatProblems } from '../../rules/pack-problem.ts'
import { loadPatched, type Patch } from './patched-pack.ts'

const banner = (priority: number, extra: string): Patch => ({
  file: 'offers.yaml',
  from: '  - id: banner_card_statement',
  to: `  - id: banner_gold
    title: { en: Gold, zh: 黄金 }
    category: wealth
    class: marketing
    contentType: banner
    channels: [in_app]
    eligible: profile.totalAssets >= money("2000000.00")${extra}
    riskGrade: 2
    priority: ${priority}
    validFor: 24h
  - id: banner_card_statement`,
})
const trigger = (when: string, freshness: string): Patch => ({
  file: 'triggers.yaml',
  from: '  - id: study-abroad-reading\n',
  to: `  - id: fx-other
    on: page.viewed
    when: ${when}
    offers: [fx_wallet]
    placement: push_message
    freshness: ${freshness}
  - id: study-abroad-reading
`,
})
const cap = (limit: number, per: string, classes: string): Patch => ({
  file: 'contact.yaml',
  from: 'caps:\n',
  to: `caps:
  - id: more
    limit: ${limit}
    per: ${per}
    applies: { categories: [study], channels: [push], classes: ${classes} }
    text: { en: More, zh: 更多 }
`,
})

const nearMisses: readonly (readonly [string, Patch])[] = [
  ['a banner of the same priority as a wider one: the score decides', banner(10, '')],
  ['a banner of lower priority whose condition is not implied', banner(0, ' || profile.hasChildren')],
  ['a trigger that also fires for older events', trigger('event.pageGroup == "fx" && fx_views_24h >= 5', '2h')],
  ['a trigger for another page', trigger('event.pageGroup == "gold" && fx_views_24h >= 5', '15m')],
  ['a cap with a higher limit over a longer time', cap(6, '60d', '[marketing]')],
  ['a cap that also stops service messages', cap(3, '1d', '[service]')],
  [
    'an offer for the unemployed in a category that is open to them',
    {
      file: 'offers.yaml',
      from: 'category: hardship',
      to: 'category: account_service',
    },
  ],
  [
    'a role that may open a guardrail behind a red line: the certificate names it',
    {
      file: 'guardrails.yaml',
      from: '  - id: no-credit-without-work\n',
      to: '  - id: no-credit-without-work\n    override: { role: compliance, atMost: 7d }\n',
    },
  ],
  [
    'an allow that opens nothing',
    { file: 'guardrails.yaml', from: 'opens: { categories: [savings],', to: 'opens: { categories: [study],' },
  ],
  [
    'a trigger in hours over midnight, until an instant',
    {
      file: 'triggers.yaml',
      from: '    offers: [repayment_thanks]\n',
      to: '    offers: [repayment_thanks]\n    effective: { until: "2099-01-01T00:00+08:00", on: [friday], between: "22:00-02:00" }\n',
    },
  ],
  [
    'a guardrail with a window beside the one that is always there',
    {
      file: 'guardrails.yaml',
      from: '  - id: no-credit-without-work\n',
      to: '  - id: nobody-sells-on-sundays\n    reason: bank_policy\n    text: { en: Not on Sundays, zh: 周日不营销 }\n    closes: { categories: [wealth] }\n    when: profile.totalAssets >= money("0.00")\n    effective: { on: [sunday], otherwise: open }\n  - id: no-credit-without-work\n',
    },
  ],
  ['a wider banner that goes first on Fridays only', banner(20, '\n    effective: { on: [friday] }')],
  [
    'a trigger that another one makes superfluous on Fridays only',
    {
      file: 'triggers.yaml',
      from: '    offers: [fx_wallet]\n',
      to: '    offers: [fx_wallet]\n    effective: { on: [friday] }\n',
    },
  ],
  [
    'a cap for a campaign of one offer',
    {
      file: 'contact.yaml',
      from: '    applies: { categories: [family] }',
      to: '    applies: { categories: [family], offers: [family_bundle] }',
    },
  ],
  [
    'two conditions that look alike and differ by one',
    { file: 'guardrails.yaml', from: 'when: penalty_interest_90d >= 1', to: 'when: penalty_interest_90d > 0' },
  ],
  [
    'a guardrail that is closed for nearly everybody',
    {
      file: 'guardrails.yaml',
      from: '    when: penalty_interest_90d >= 1',
      to: '    when: penalty_interest_90d >= 1 || penalty_interest_90d < 0 || profile.age < 99',
    },
  ],
  [
    'a comparison the other way round',
    { file: 'offers.yaml', from: 'eligible: gold_views_24h >= 3', to: 'eligible: 3 <= gold_views_24h' },
  ],
  [
    'an agreement that is over, when nobody asks for the instant',
    { file: 'sources.yaml', from: 'until: "2027-12-31"', to: 'until: "2020-12-31"' },
  ],
  [
    'a ladder with an end',
    { file: 'offers.yaml', from: '    from: "0.00"\n', to: '    from: "0.00"\n    to: "2000000.00"\n' },
  ],
  [
    'a reading that may be missing, guarded by has()',
    {
      file: 'features.yaml',
      from: 'where: event.kind == "penalty_interest"',
      to: 'where: event.kind == "penalty_interest" && has(event.counterpartyBank) && event.counterpartyBank == "ours"',
    },
  ],
  [
    'a text for customers that names the product, whose name has a word that would be no reason to give',
    {
      file: 'offers.yaml',
      from: '      en: A study loan, repaid after graduation\n      zh: 助学贷款，毕业后开始还款\n',
      to: '      en: Student loan\n      zh: 学生贷款\n    unavailable: { en: Student loan is not available now. Ask in any branch., zh: 学生贷款目前暂不提供，请咨询任意网点。 }\n',
    },
  ],
]

test('the shipped pack gives no alarm, and no warning', async () => {
  const { result } = await loadPatched([], Date.parse('2026-07-01T00:00:00Z'))
  expect(result).toMatchObject({ kind: 'ok', warnings: [] })
  expect(nearMisses.length).toBeGreaterThanOrEqual(20)
})

test.each(nearMisses)('%s', async (_name, patch) => {
  const { result } = await loadPatched([patch])
  expect(result.kind === 'refused' ? formatProblems(result.problems) : '').toBe('')
})
