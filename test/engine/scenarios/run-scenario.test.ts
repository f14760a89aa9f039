/** The player itself: its clock, what it takes for granted, and what it tells of a scenario that fails. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resultData, resultLines } from '../../../engine/scenarios/report.ts'
import { createPlayer } from '../../../engine/scenarios/run-scenario.ts'
import { readScenarios } from '../../../rules/scenarios/read-scenarios.ts'
import { namesOf } from '../../../rules/scenarios/reading.ts'
import { retailPack, scenarioOf, story } from '../../rules/scenarios/retail-names.ts'

const play = createPlayer(retailPack)
const fx = 'event: page.viewed, data: { pageGroup: fx }'
const repaid = '{ event: repayment.made, data: { amount: "5000.00" } }'

/** What is told of a story, without the name of the file. */
function told(...steps: readonly string[]): readonly string[] {
  const text = story(...steps).replace('steps:', 'customer: { consents: [push] }\nsteps:')
  return resultLines(play(scenarioOf(text)), 'Asia/Shanghai').map((line) => line.trim().replace('story.yaml:', ''))
}

test('a scenario that comes out as expected is one line', () => {
  expect(told(repaid, 'expect: { offered: repayment_thanks }')).toEqual(['✓ a story'])
})

test('an offer that is missing is told with the stage, the reason in words and the rule', () => {
  expect(
    told(
      `{ ${fx}, times: 3, every: 1m }`,
      'expect: { offered: fx_wallet }',
      `{ ${fx}, after: 1ms }`,
      'expect: { offered: fx_wallet }',
    ),
  ).toEqual([
    '✗ a story (story.yaml)',
    '8 offered, after step 3 (page.viewed, 2026-03-02 10:02:00.001)',
    'expected  fx_wallet',
    'came      nothing',
    'fx_wallet ended at contact (cap_reached, fx-offer-week): A foreign currency wallet with a rate alert was not sent: ' +
      'the customer has been contacted often enough (Foreign exchange is offered at most once a week: 1 of 1). ' +
      'Possible again on 2026-03-09 10:02:00 (Asia/Shanghai, UTC+08:00), if nothing else changes. Proposed by trigger fx-interest.',
    'Candidates for push_message:',
    '- fx_wallet: contact, cap_reached, fx-offer-week; until 2026-03-09 10:02:00',
  ])
})

test('an offer that was no candidate is told with the trigger that was silent, and which part of it', () => {
  expect(told(`{ ${fx}, times: 2, every: 1m }`, 'expect: { placement: push_message, offered: fx_wallet }')).toEqual([
    '✗ a story (story.yaml)',
    '6 placement, after step 1 (page.viewed, 2026-03-02 10:01:00)',
    'expected  a decision for push_message',
    'came      no decision',
    'fx_wallet was no candidate:',
    'The trigger fx-interest did not fire: its condition was not met (event.pageGroup == "fx" && fx_views_24h >= 3).',
    '- fx_views_24h >= 3: not true (fx_views_24h = 2)',
  ])
})

test.each([
  [
    'no trigger proposes it',
    repaid,
    'offered: fx_wallet',
    'fx_wallet was no candidate: no trigger on repayment.made proposes it.',
  ],
  [
    'the placement does not fit',
    '{ request: app_home_banner }',
    'offered: fx_wallet',
    'fx_wallet was no candidate: its channels or its content type do not fit the placement.',
  ],
  [
    'the condition is unknown',
    '{ request: app_offers }',
    'offered: study_loan',
    'study_loan ended at eligibility (not_eligible)',
  ],
])('when %s, that is told', (_what, step, expected, sentence) => {
  expect(told(step, `expect: { ${expected} }`).join('\n')).toContain(sentence)
})

test.each([
  ['an offer too many', repaid, 'expect: { offered: [] }', 'nothing', 'repayment_thanks'],
  ['a decision at all', repaid, 'expect: nothing', 'no decision at all', 'sms_message: offered repayment_thanks'],
  [
    'another order',
    '{ request: app_offers }',
    'expect: { fallback: banner_security_tips }',
    'fallback banner_security_tips',
    'fallback newcomer_start',
  ],
  [
    'another outcome',
    '{ request: app_offers, times: 2 }',
    'expect: { outcome: offered }',
    'offered',
    'fallback (2 times)',
  ],
  ['another answer', '{ request: app_offers }', 'expect: { reason: cold_start }', 'cold_start', 'all_dropped'],
  ['no decision where one is judged', '{ wait: 1d }', 'expect: { reason: cold_start }', 'cold_start', 'no decision'],
  [
    'an offer that was to be withheld',
    repaid,
    'expect: { not offered: repayment_thanks }',
    'repayment_thanks not offered',
    'repayment_thanks offered',
  ],
  [
    'another reason',
    `{ ${fx}, times: 3, late: 1h }`,
    'expect: { not offered: { fx_wallet: student } }',
    'fx_wallet not offered (student)',
    'stale_event',
  ],
  [
    'no candidate',
    repaid,
    'expect: { not offered: { fx_wallet: student } }',
    'fx_wallet not offered (student)',
    'fx_wallet was no candidate',
  ],
  ['an event that counted', repaid, 'expect: { refused: too_late }', 'too_late', 'accepted'],
  ['another value', `{ ${fx}, times: 2 }`, 'expect: { features: { fx_views_24h: 3 } }', '3', '2'],
  ['a value that is known', `{ ${fx} }`, 'expect: { features: { fx_views_24h: unknown } }', 'unknown', '1'],
  ['a value that is unknown', repaid, 'expect: { features: { profile.riskGrade: steady } }', 'steady', 'unknown'],
])('%s is told as what was expected and what came', (_what, step, expectation, expected, came) => {
  const lines = told(step, expectation)
  expect(lines.slice(0, 4).map((line) => line.replace(/^6 .*/, ''))).toEqual([
    ...['✗ a story (story.yaml)', '', `expected  ${expected}`, `came      ${came}`],
  ])
})

test('an event that does not count fails the scenario, unless that is expected', () => {
  const late = '{ event: repayment.made, data: { amount: "5000.00" }, late: 73h }'
  expect(told(late, 'expect: nothing')).toEqual([
    ...[
      '✗ a story (story.yaml)',
      '5 event, after step 1 (repayment.made, 2026-03-02 10:00:00)',
      'expected  accepted',
      'came      too_late',
    ],
  ])
  expect(told(late, 'expect: { refused: too_late }', 'expect: nothing')).toEqual(['✓ a story'])
})

test('a receipt without a message fails the scenario', () => {
  expect(told('{ event: message.failed }', 'expect: nothing').join('\n')).toContain('nothing was offered before')
  expect(told(repaid, '{ event: message.failed }', 'expect: nothing')).toEqual(['✓ a story'])
})

test('the clock stands at the step: windows end there, and what was one step ago is one step old', () => {
  expect(
    told(
      `{ ${fx} }`,
      '{ wait: 24h }',
      'expect: { features: { fx_views_24h: 1 } }',
      '{ wait: 1ms }',
      'expect: { features: { fx_views_24h: 0 } }',
      '{ event: card.purchase, data: { merchantCategory: fuel } }',
      '{ wait: 36h }',
      'expect: { features: { since_last_purchase: 36h } }',
    ),
  ).toEqual(['✓ a story'])
})

test('an expectation is of the step above it alone, of all its repeats', () => {
  expect(
    told(
      repaid,
      `{ ${fx}, times: 3, every: 1m }`,
      'expect: { offered: fx_wallet }',
      '{ request: app_offers, times: 2 }',
      'expect: { offered: [fx_wallet, fx_wallet] }',
      '{ wait: 1h }',
      'expect: nothing',
    ),
  ).toEqual(['✓ a story'])
})

test('customers do not know of each other', () => {
  expect(
    told(
      `{ ${fx}, times: 2, every: 1m }`,
      `{ ${fx}, customer: C2 }`,
      'expect: nothing',
      'expect: { features: { fx_views_24h: 1 } }',
      '{ request: app_offers, customer: C3 }',
      'expect: { reason: cold_start }',
      `{ ${fx} }`,
      'expect: { offered: fx_wallet }',
    ),
  ).toEqual(['✓ a story'])
})

test('every candidate of the first difference is told with the values that decided', () => {
  const lines = told(
    '{ event: profile.updated, data: { employmentStatus: unemployed, riskGrade: steady, totalAssets: "60000.00", birthDate: 1990-01-01T00:00Z } }',
    '{ event: transfer.made, data: { amount: "9000.00", direction: in, kind: salary }, times: 2, every: 30d }',
    '{ event: page.viewed, data: { pageGroup: loans }, times: 2 }',
    '{ event: page.viewed, data: { pageGroup: wealth } }',
    '{ request: app_offers, count: 3 }',
    'expect: { offered: consumer_loan }',
    'expect: { fallback: newcomer_start, reason: cold_start }',
  )
  const candidates = lines.slice(lines.indexOf('Candidates for app_offers:'))
  expect(candidates).toContain(
    '- consumer_loan: guardrail, unemployment, no-credit-without-work; profile.employmentStatus: unemployed',
  )
  expect(candidates.find((line) => line.startsWith('- fx_wallet: '))).toMatch(
    /^- fx_wallet: eligibility, not_eligible; fx_views_24h \(.*\): 0$/,
  )
  expect(candidates.find((line) => line.startsWith('- hardship_help: '))).toMatch(
    /^- hardship_help: offered; score 1 = /,
  )
  expect(lines.at(-1)).toBe('and 2 more, of what is expected in line 11')
})

test('who expects a decision and gets none is told what each trigger lacked', () => {
  expect(told(`{ ${fx}, times: 2 }`, 'expect: { outcome: none }')).toContain(
    '- fx_views_24h >= 3: not true (fx_views_24h = 2)',
  )
  expect(
    told(
      '{ event: offer.clicked, data: { decisionId: d, offerId: o, placement: push_message, channel: push } }',
      'expect: { outcome: none }',
    ),
  ).toContain('No trigger waits for offer.clicked.')
})

test('a scenario comes out the same each time, whatever was played before', () => {
  const scenario = scenarioOf(story(`{ ${fx}, times: 3 }`, 'expect: { offered: [] }'))
  const first = play(scenario)
  expect(first.failures).toHaveLength(0)
  const other = scenarioOf(story(repaid, 'expect: nothing'))
  expect(play(other).failures).toHaveLength(1)
  expect(play(scenario)).toEqual(first)
  expect(play(other)).toEqual(play(other))
})

test('of a scenario that fails everywhere the first twenty failures are told', () => {
  const steps = Array.from({ length: 30 }, () => [repaid, 'expect: nothing']).flat()
  expect(play(scenarioOf(story(...steps))).failures).toHaveLength(20)
})

test('the example of the README passes, and fails as it is printed there', async () => {
  const readme = await readFile(join(import.meta.dirname, '../../../rules/README.md'), 'utf8')
  const [, text = '', printed = ''] = /```yaml\n([^`]*)```\n\n```\n([^`]*)```/.exec(readme) ?? []
  const [scenario] = readScenarios(text, 'scenarios/fx.yaml', namesOf(retailPack.model)).scenarios
  assert(scenario !== undefined)
  expect(play(scenario).failures).toEqual([])
  const triggers = retailPack.model.triggers.map((trigger) => ({
    ...trigger,
    when: trigger.when?.replace('fx_views_24h >= 3', 'fx_views_24h >= 4') ?? null,
  }))
  const playOther = createPlayer({ ...retailPack, model: { ...retailPack.model, triggers } })
  expect(`${resultLines(playOther(scenario), 'Asia/Shanghai').join('\n')}\n`.startsWith(printed)).toBe(true)
  expect(printed).not.toBe('')
})

test('machines get the same as data', () => {
  const { failures, ...rest } = resultData(play(scenarioOf(story(repaid, 'expect: nothing'))))
  expect(rest).toEqual({ file: 'story.yaml', name: 'a story', passed: false })
  expect(failures).toMatchObject([
    {
      line: 5,
      step: 1,
      input: 'repayment.made',
      at: '2026-03-02T02:00:00.000Z',
      about: 'nothing',
      came: expect.any(String),
    },
  ])
})
