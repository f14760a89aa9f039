/** Windows of effect in the funnel as it runs, to the millisecond, each in a story of its own. */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { resultLines } from '../../../engine/scenarios/report.ts'
import { createPlayer } from '../../../engine/scenarios/run-scenario.ts'
import { readScenarios } from '../../../rules/scenarios/read-scenarios.ts'
import { namesOf } from '../../../rules/scenarios/reading.ts'
import { loadPatched, type Patch } from '../../rules/patched-pack.ts'

const fridays = 'effective: { on: [friday], between: "12:00-18:00" }'
const london = 'effective: { on: [friday], between: "12:00-18:00", zone: Europe/London }'
const dated = 'effective: { from: "2026-12-24", until: "2026-12-26", zone: Asia/Shanghai }'
const seconds = 'effective: { from: "2026-12-24T09:00:00", until: "2026-12-24T09:00:01" }'
const repayment = '{ event: repayment.made, data: { amount: "5000.00" } }'

const onTrigger = (window: string): Patch => ({
  file: 'triggers.yaml',
  from: '    offers: [repayment_thanks]\n',
  to: `    offers: [repayment_thanks]\n    ${window}\n`,
})
const onOffer = (window: string): Patch => ({
  file: 'offers.yaml',
  from: '  - id: repayment_thanks\n',
  to: `  - id: repayment_thanks\n    ${window}\n`,
})

/** What the story comes to on the shipped pack with changes; empty: as expected. */
async function play(patches: readonly Patch[], start: string, ...steps: readonly string[]): Promise<readonly string[]> {
  const { result } = await loadPatched(patches, 0)
  assert(result.kind === 'ok', result.kind === 'refused' ? JSON.stringify(result.problems) : '')
  const text = ['name: a story', `start: ${start}`, 'steps:', ...steps.map((step) => `  - ${step}`), ''].join('\n')
  const { scenarios, problems } = readScenarios(text, 'story.yaml', namesOf(result.pack.model))
  assert.deepEqual(problems, [])
  const [scenario] = scenarios
  assert(scenario !== undefined)
  const player = createPlayer(result.pack)(scenario)
  return player.failures.length === 0 ? [] : resultLines(player, 'Asia/Shanghai')
}

const inEffect = 'expect: { offered: repayment_thanks }'
const silent = 'expect: nothing'
const dropped = 'expect: { not offered: { repayment_thanks: { reason: not_in_effect } } }'

const edges: readonly (readonly [string, string, boolean])[] = [
  [fridays, '2026-03-06T11:59:59.999+08:00', false],
  [fridays, '2026-03-06T12:00:00+08:00', true],
  [fridays, '2026-03-06T17:59:59.999+08:00', true],
  [fridays, '2026-03-06T18:00:00+08:00', false],
  [fridays, '2026-03-07T12:00:00+08:00', false],
  // The weekends on which London changes its clocks: the Friday before, and the one after.
  [london, '2026-03-27T11:59:59.999+00:00', false],
  [london, '2026-03-27T12:00:00+00:00', true],
  [london, '2026-04-03T11:59:59.999+01:00', false],
  [london, '2026-04-03T12:00:00+01:00', true],
  [london, '2026-04-03T17:59:59.999+01:00', true],
  [london, '2026-04-03T18:00:00+01:00', false],
  [london, '2026-10-23T12:00:00+01:00', true],
  [london, '2026-10-30T11:59:59.999+00:00', false],
  [london, '2026-10-30T12:00:00+00:00', true],
  [london, '2026-10-30T18:00:00+00:00', false],
  [dated, '2026-12-23T23:59:59.999+08:00', false],
  [dated, '2026-12-24T00:00:00+08:00', true],
  [dated, '2026-12-26T23:59:59.999+08:00', true],
  [dated, '2026-12-27T00:00:00+08:00', false],
  [seconds, '2026-12-24T08:59:59.999+08:00', false],
  [seconds, '2026-12-24T09:00:00+08:00', true],
  [seconds, '2026-12-24T09:00:00.999+08:00', true],
  [seconds, '2026-12-24T09:00:01+08:00', false],
]

test.each(edges)('a trigger with %s at %s: %s', { timeout: 20_000 }, async (window, start, fires) => {
  expect(await play([onTrigger(window)], start, repayment, fires ? inEffect : silent)).toEqual([])
})

test.each(edges)('an offer with %s at %s: %s', { timeout: 20_000 }, async (window, start, made) => {
  expect(await play([onOffer(window)], start, repayment, made ? inEffect : dropped)).toEqual([])
})

test('why, and when next, is told: of the offer with its fate, of the trigger where it was silent', async () => {
  const start = '2026-03-06T18:00:00+08:00'
  const offer = await play([onOffer(fridays)], start, repayment, inEffect)
  expect(offer.join('\n')).toContain('not_in_effect')
  expect(offer.join('\n')).toContain('Possible again on 2026-03-13 12:00:00')
  const trigger = await play([onTrigger(fridays)], start, repayment, inEffect)
  expect(trigger.join('\n')).toContain('it is not in effect at this time, next from 2026-03-13 12:00:00')
})

test('a cap counts in its window only', { timeout: 20_000 }, async () => {
  const cap: Patch = {
    file: 'contact.yaml',
    from: 'caps:\n',
    to: `caps:
  - id: friday-thanks
    limit: 1
    per: 1d
    applies: { categories: [account_service], classes: [service] }
    ${fridays}
    text: { en: One a day on Fridays, zh: 周五每天一次 }
`,
  }
  const start = '2026-03-06T17:59:00+08:00'
  const capped = 'expect: { not offered: { repayment_thanks: { reason: cap_reached, rule: friday-thanks } } }'
  const after = (time: string) => repayment.replace(' }', ' }').replace(/ }$/, `, after: ${time} }`)
  expect(await play([cap], start, repayment, inEffect, after('1m - 1ms'), capped)).toEqual([])
  expect(await play([cap], start, repayment, inEffect, after('1m'), inEffect)).toEqual([])
})
