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

test.each<[string, Patch]>([
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
])('%s', async (_name, patch) => {
  const { result } = await loadPatched([patch])
  expect(result.kind === 'refused' ? formatProblems(result.problems) : '').toBe('')
})
