/** When a rule counts as met: what `engine/scenarios/README.md` promises for each kind. */
import { expect, test } from 'vitest'
import { coverageOf, uncoveredGuardrails } from '../../../engine/scenarios/coverage.ts'
import type { RuleKind } from '../../../engine/scenarios/rules-met.ts'
import { createPlayer } from '../../../engine/scenarios/run-scenario.ts'
import { retailPack, scenarioOf, story } from '../../rules/scenarios/retail-names.ts'

const play = createPlayer(retailPack)
const fx = '{ event: page.viewed, data: { pageGroup: fx }, times: 3, every: 1m }'
const wedding = '{ event: life_event.reported, data: { kind: marriage } }'
const journey = '{ event: card.purchase, data: { merchantCategory: travel, amount: "6000.00" } }'
const unemployed = '{ event: life_event.reported, data: { kind: unemployment } }'
const employedAgain = '{ event: life_event.reported, data: { kind: unemployment, resolved: true } }'
const ill = '{ event: life_event.reported, data: { kind: illness } }'
const grown = 'birthDate: 1990-01-01T00:00Z, employmentStatus: employed, studentStatus: false'

/** How a story met a rule: `fired`, `held back`, `both`, or `never`. */
function met(kind: RuleKind, id: string, customer: string, ...steps: readonly string[]): string {
  const text = story(...steps, 'expect: { features: { fx_views_24h: 0 } }')
  const { met: rules } = play(scenarioOf(text.replace('steps:', `customer: ${customer}\nsteps:`)))
  const how = rules.find((rule) => rule.kind === kind && rule.id === id)
  if (how === undefined) return 'never'
  return how.fired && how.heldBack ? 'both' : how.fired ? 'fired' : 'held back'
}

test.each<readonly [string, string, string, readonly string[]]>([
  ['fired', 'what it asks about is not known', '{ consents: [push] }', [wedding]],
  ['fired', 'it holds', '{ consents: [push], profile: { employmentStatus: unemployed } }', [wedding]],
  ['held back', 'all is known and it does not hold', `{ consents: [push], profile: { ${grown} } }`, [wedding]],
  [
    'never',
    'another guardrail stops the candidate before',
    `{ consents: [push], profile: { ${grown} } }`,
    [unemployed],
  ],
  ['never', 'no candidate is in its scope', `{ consents: [push], profile: { ${grown} } }`, [fx]],
])('a guardrail with a condition: %s when %s', (how, _what, customer, steps) => {
  expect(met('guardrail', 'no-credit-without-work', customer, ...steps)).toBe(how)
})

test.each<readonly [string, string, readonly string[]]>([
  ['never', 'no event of its type has come', [journey]],
  ['held back', 'an event of its type says something else', [wedding]],
  [
    'held back',
    'one said something else before',
    [ill, '{ wait: 1d }', '{ event: life_event.reported, data: { kind: illness, resolved: true } }', journey],
  ],
  ['fired', 'it runs', [unemployed, wedding]],
  ['both', 'it was lifted', [unemployed, wedding, '{ wait: 1m }', employedAgain, wedding]],
  ['both', 'its time is over', [unemployed, wedding, '{ wait: 180d }', wedding]],
])('a guardrail with a suppression: %s when %s', (how, _what, steps) => {
  const id = 'no-credit-after-job-loss'
  expect(met('guardrail', id, `{ consents: [push], profile: { ${grown} } }`, ...steps)).toBe(how)
})

test('a guardrail that a role has opened has let nothing pass of its own', () => {
  const opened =
    '{ event: guardrail.overridden, data: { guardrail: no-credit-during-illness, role: compliance, by: A1, reason: asked, revoked: false, until: 2026-03-20T00:00Z } }'
  const customer = `{ consents: [push], profile: { ${grown} } }`
  const wait = '{ wait: 1m }'
  expect(met('guardrail', 'no-credit-during-illness', customer, ill, wait, opened, wait, wedding)).toBe('never')
  expect(met('guardrail', 'no-credit-during-illness', customer, ill, wedding)).toBe('fired')
})

test('an allow fires where an offer leaves because of it, and holds back where it could have opened', () => {
  const dispute =
    '{ event: complaint.updated, data: { kind: dispute, resolved: false, caseId: D1, openCases: 1 }, source: core-banking }'
  const read = '{ event: page.viewed, data: { pageGroup: wealth } }'
  const allow = 'savings-in-spite-of-a-dispute'
  const rich = '{ profile: { riskGrade: steady, totalAssets: "100000.00" } }'
  const poor = '{ profile: { riskGrade: steady, totalAssets: "99999.99" } }'
  const steps = [read, dispute, '{ request: app_offers }']
  expect(met('allow', allow, rich, ...steps)).toBe('fired')
  expect(met('allow', allow, poor, ...steps)).toBe('held back')
  expect(met('allow', allow, rich, read, '{ request: app_offers }')).toBe('never')
})

test('a trigger fires when it proposes, and holds back when its event leaves it silent or comes too late', () => {
  const person = `{ consents: [push], profile: { ${grown} } }`
  expect(met('trigger', 'wedding', person, wedding)).toBe('fired')
  expect(met('trigger', 'wedding', person, ill)).toBe('held back')
  expect(met('trigger', 'wedding', person, '{ event: life_event.reported, data: { kind: marriage }, late: 2d }')).toBe(
    'held back',
  )
  expect(met('trigger', 'wedding', person, fx)).toBe('never')
})

test('a rule of contact holds back only where it could have stopped the candidate', () => {
  const person = '{ consents: [push, sms] }'
  expect(met('cap', 'fx-offer-week', person, fx)).toBe('held back')
  expect(met('cap', 'fx-offer-week', person, fx, fx)).toBe('both')
  expect(met('cap', 'sms-marketing-day', person, '{ event: account.opened }')).toBe('never')
  expect(met('cap', 'service-day', person, '{ event: account.opened }')).toBe('held back')
  expect(met('quiet hours', 'no-fx-at-night', person, fx)).toBe('held back')
  expect(met('quiet hours', 'no-fx-at-night', person, '{ wait: 13h }', fx)).toBe('fired')
})

test('a risk grade fires where it keeps a product away', () => {
  const read = '{ event: page.viewed, data: { pageGroup: wealth } }'
  const steady = '{ profile: { riskGrade: steady, totalAssets: "400000.00" } }'
  expect(met('suitability', 'steady', steady, read, '{ request: app_offers }')).toBe('both')
  expect(met('suitability', 'unknown', steady, read, '{ request: app_offers }')).toBe('never')
  expect(met('suitability', 'unknown', '{}', read, '{ request: app_offers }')).toBe('held back')
})

test('a resource fires where it runs out, and holds back where it is given', () => {
  const parent = '{ profile: { hasChildren: true } }'
  expect(met('resource', 'child-health-checks', parent, '{ request: app_offers }')).toBe('held back')
  expect(met('resource', 'child-health-checks', '{}', '{ request: app_offers }')).toBe('never')
})

test('what a message is recalled for was no candidate', () => {
  const customer = `{ consents: [push], profile: { ${grown} } }`
  expect(met('guardrail', 'no-credit-after-job-loss', customer, wedding, unemployed)).toBe('held back')
})

test('guardrails that were seen one way only, or not at all, are named with what they lack', () => {
  const stories = [
    story(fx, 'expect: { offered: fx_wallet }').replace('steps:', 'customer: { consents: [push] }\nsteps:'),
    story(fx, 'expect: { offered: [] }'),
  ]
  const results = stories.map((text) => play(scenarioOf(text)))
  const coverage = coverageOf(retailPack.model, results)
  const uncovered = new Map(uncoveredGuardrails(coverage).map(({ id, lacks }) => [id, lacks]))
  expect(uncovered.get('no-push-marketing-without-consent')).toBeUndefined()
  expect(uncovered.get('no-personal-offers-after-objection')).toEqual(['firing'])
  expect(uncovered.get('no-credit-without-work')).toEqual(['firing', 'non-firing'])
  expect(uncovered.size).toBe(retailPack.model.guardrails.length - 1)
})

test('every rule of the pack is in the coverage, with where it stands', () => {
  const { model } = retailPack
  const coverage = coverageOf(model, [])
  const kinds = [model.triggers, model.offers, model.guardrails, model.allows, model.caps, model.gaps, model.pauses]
  const others = [model.quietHours, model.resources, model.holdouts]
  const named = [...kinds, ...others].flatMap((rules) => rules.map(({ id }) => id))
  const grades = ['conservative', 'steady', 'balanced', 'aggressive', 'unknown']
  expect(coverage.map(({ id }) => id).sort()).toEqual([...named, ...grades].sort())
  expect(coverage.find(({ id }) => id === 'fx-offer-week')?.place?.file).toBe('contact.yaml')
})

test('out of its days and hours a guardrail is not asked, so that it has not let anything pass', () => {
  const { model } = retailPack
  const id = 'no-credit-without-work'
  const over = { fromMs: null, untilMs: 1_000, weekly: null, zone: 'Asia/Shanghai' }
  const guardrails = model.guardrails.map((rule) => (rule.id === id ? { ...rule, effective: over } : rule))
  const playOther = createPlayer({ ...retailPack, model: { ...model, guardrails } })
  const text = story(wedding, 'expect: { offered: honeymoon_instalments }')
  const scenario = scenarioOf(text.replace('steps:', `customer: { consents: [push], profile: { ${grown} } }\nsteps:`))
  expect(play(scenario).met.find((rule) => rule.id === id)).toMatchObject({ fired: false, heldBack: true })
  const other = playOther(scenario)
  expect(other.failures).toEqual([])
  expect(other.met.find((rule) => rule.id === id)).toBeUndefined()
})
