import type { Mistake } from './mistake.ts'

const unavailable = (en: string, zh: string): Mistake['patches'] => [
  {
    file: 'offers.yaml',
    from: '      zh: 助学贷款，毕业后开始还款\n',
    to: `      zh: 助学贷款，毕业后开始还款\n    unavailable:\n      en: ${en}\n      zh: ${zh}\n`,
  },
]

/** Texts for customers that tell them what is inferred of them. */
export const wrongTellings: readonly Mistake[] = [
  {
    name: 'a text for customers that gives the reason away',
    patches: unavailable('We cannot offer it while you are unemployed.', '目前暂不提供。'),
    code: 'text_sensitive',
    sure: 'best_effort',
    counterexample: 'unemployed',
    rule: 'study_loan',
    at: 'while you are unemployed',
  },
  {
    name: 'a Chinese text for customers that gives the reason away',
    patches: unavailable('Not at the moment.', '因您有未结投诉，暂不提供。'),
    code: 'text_sensitive',
    sure: 'best_effort',
    counterexample: '投诉',
    rule: 'study_loan',
    at: '因您有未结投诉',
  },
  {
    name: 'a text for customers that gives the reason away in its second line',
    patches: unavailable('|-\n        Not at the moment,\n        because of your divorce.', '目前暂不提供。'),
    code: 'text_sensitive',
    sure: 'best_effort',
    counterexample: 'divorce',
    rule: 'study_loan',
    at: 'because of your divorce',
  },
]
