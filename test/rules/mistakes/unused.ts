import type { Patch } from '../patched-pack.ts'
import { type Mistake, one } from './mistake.ts'

const senders = [
  'core-banking',
  'card-system',
  'wealth-platform',
  'crm',
  'mobile-app',
  'web\n',
  'survey',
  'messaging',
].concat(...['scoring', 'file-import', 'tax-office-data', 'dataharvest-crawler'])

/** Everybody says what they send, and page views are all of it; the call centre alone sends one type, and its data are for service. */
export const onlyFromCalls = (event: string): readonly Patch[] => [
  ...senders.map((id) => ({
    file: 'sources.yaml',
    from: `  - id: ${id}`,
    to: `  - sends: [page.viewed]\n    id: ${id}`,
  })),
  { file: 'sources.yaml', from: '  - id: call-centre', to: `  - sends: [${event}]\n    id: call-centre` },
]

/** What is there and does nothing, or nothing any more: told, not refused. */
export const doingNothing: readonly Mistake[] = [
  {
    name: 'a source whose agreement is over',
    patches: one('sources.yaml', 'until: "2027-12-31"', 'until: "2026-06-30"'),
    code: 'agreement_over',
    rule: 'tax-office-data',
    warns: true,
    at: 'until: "2026-06-30"',
  },
  {
    name: 'marketing for who answered in a call, from where nothing may be used for marketing',
    patches: onlyFromCalls('nps.answered'),
    code: 'purpose_missing',
    file: 'offers.yaml',
    rule: 'card_interest_guide',
    sure: 'best_effort',
    warns: true,
    counterexample: 'call-centre',
    at: 'eligible: search_topics_30d >= 3 && latest_nps >= 7',
  },
  {
    name: 'a marketing trigger on what only a source for service sends',
    patches: onlyFromCalls('search.made'),
    code: 'purpose_missing',
    file: 'triggers.yaml',
    rule: 'mother-and-baby-search',
    sure: 'best_effort',
    warns: true,
    counterexample: 'call-centre',
    at: 'on: search.made\n    when: |\n      event.category == "early_education"',
  },
  {
    name: 'a resource of which there is nothing',
    patches: one('offers.yaml', '    units: 100\n', '    units: 0\n'),
    code: 'resource_empty',
    rule: 'child-health-checks',
    warns: true,
    at: 'units: 0',
  },
  {
    name: 'a resource that no offer takes of',
    patches: one('offers.yaml', '    takes: [{ resource: child-health-checks }]\n    oncePer: 365d\n', ''),
    code: 'reference_dead',
    rule: 'child-health-checks',
    warns: true,
    at: '- id: child-health-checks',
  },
  {
    name: 'a feature that nobody reads',
    patches: one('offers.yaml', 'search_topics_30d >= 3 && latest_nps >= 7', 'latest_nps >= 7'),
    code: 'reference_dead',
    file: 'features.yaml',
    rule: 'search_topics_30d',
    warns: true,
    at: '- id: search_topics_30d',
  },
  {
    name: 'an attribute that nobody reads',
    patches: one('offers.yaml', '{ from: profile.studyAbroadScore, whenUnknown: 0.4 }', '0.4'),
    code: 'reference_dead',
    file: 'profile.yaml',
    rule: 'studyAbroadScore',
    warns: true,
    at: '- id: studyAbroadScore',
  },
  {
    name: 'a channel without a placement',
    patches: one('placements.yaml', 'channels:\n', 'channels:\n  - { id: fax, contact: true }\n'),
    code: 'reference_dead',
    rule: 'fax',
    warns: true,
    at: 'id: fax',
  },
  {
    name: 'a category without an offer',
    patches: one('pack.yaml', 'categories:\n', 'categories:\n  - { id: boats, guardedBy: [] }\n'),
    code: 'reference_dead',
    rule: 'boats',
    warns: true,
    at: 'id: boats',
  },
  {
    name: 'an allow that opens nothing',
    patches: one('guardrails.yaml', 'opens: { categories: [savings],', 'opens: { categories: [hardship],'),
    code: 'reference_dead',
    rule: 'savings-in-spite-of-a-dispute',
    warns: true,
    at: '- id: savings-in-spite-of-a-dispute',
  },
  {
    name: 'an offer on a channel where nothing takes it',
    patches: one(
      'offers.yaml',
      'channels: [push, email, in_app, adviser]\n    eligible: study_abroad_views_7d >= 2 || study_abroad_searches_30d >= 1\n',
      'channels: [push, email, in_app, adviser, sms]\n    eligible: study_abroad_views_7d >= 2 || study_abroad_searches_30d >= 1\n',
    ),
    code: 'reference_dead',
    rule: 'study_abroad_package',
    warns: true,
    counterexample: 'sms',
    at: 'channels: [push, email, in_app, adviser, sms]',
  },
  {
    name: 'an offer for a channel of messages that no trigger names',
    patches: one('triggers.yaml', 'offers: [gaming_instalments]', 'offers: [beauty_instalments]'),
    code: 'reference_dead',
    file: 'offers.yaml',
    rule: 'gaming_instalments',
    warns: true,
    at: '- id: gaming_instalments',
  },
]
