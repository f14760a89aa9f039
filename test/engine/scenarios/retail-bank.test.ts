/**
 * The shipped pack keeps its scenarios, and they hold it: take any guardrail, trigger or cap away, and one of them fails. A rule
 * that is added needs a scenario.
 */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { createPlayer } from '../../../engine/scenarios/run-scenario.ts'
import type { Model } from '../../../rules/model.ts'
import { loadScenarios } from '../../../rules/scenarios/load-scenarios.ts'
import type { Scenario } from '../../../rules/scenarios/scenario.ts'
import { retailBank } from '../../rules/patched-pack.ts'
import { retailPack } from '../../rules/scenarios/retail-names.ts'

const { model, hash } = retailPack
const loaded = await loadScenarios(retailBank, model)
assert(loaded.kind === 'ok')
const { scenarios } = loaded
const play = createPlayer(retailPack)

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
  expect(play(scenario).failures).toEqual([])
})

/** The scenarios that another pack fails. */
function failingOn(other: Partial<Model>): readonly Scenario[] {
  const playOther = createPlayer({ model: { ...model, ...other }, hash })
  return scenarios.filter((scenario) => playOther(scenario).failures.length > 0)
}

const texts = new Map(scenarios.map((scenario) => [scenario, JSON.stringify(scenario)]))

/** Whether a scenario fails on another pack; those that speak of one of the names are tried first. */
function isNoticed(other: Partial<Model>, names: readonly string[]): boolean {
  const playOther = createPlayer({ model: { ...model, ...other }, hash })
  const speaks = (scenario: Scenario): boolean => names.some((name) => texts.get(scenario)?.includes(`"${name}"`))
  const fails = (scenario: Scenario): boolean => playOther(scenario).failures.length > 0
  return scenarios.filter(speaks).some(fails) || scenarios.some(fails)
}

test('each guardrail is held by a scenario', { timeout: 60_000 }, () => {
  const { guardrails } = model
  const free = guardrails.filter(
    (rule) => !isNoticed({ guardrails: guardrails.filter((one) => one !== rule) }, [rule.id]),
  )
  expect(free.map(({ id }) => id)).toEqual([])
})

test('each trigger is held by a scenario', { timeout: 60_000 }, () => {
  const { triggers } = model
  const free = triggers.filter((rule) => !isNoticed({ triggers: triggers.filter((one) => one !== rule) }, rule.offers))
  expect(free.map(({ id }) => id)).toEqual([])
})

test('each cap is held by a scenario, but those that other caps never let anybody reach', { timeout: 60_000 }, () => {
  const { caps } = model
  const free = caps.filter((rule) => !isNoticed({ caps: caps.filter((one) => one !== rule) }, [rule.id]))
  expect(free.map(({ id }) => id)).toEqual(['sms-marketing-week', 'email-marketing-month'])
})

test('each scenario can fail', { timeout: 60_000 }, () => {
  const others: readonly Partial<Model>[] = [
    { triggers: [] },
    { triggers: model.triggers.map((trigger) => ({ ...trigger, when: null })) },
    { guardrails: [] },
    { caps: [] },
    { attributes: model.attributes.map((attribute) => ({ ...attribute, setBy: [] })) },
    { features: model.features.map((feature) => ({ ...feature, window: { kind: 'rolling', ms: 1 } })) },
    { offers: model.offers.map((offer) => ({ ...offer, eligible: null })) },
    { latenessMs: 1_000 },
  ]
  const failed = new Set(others.flatMap(failingOn))
  expect(scenarios.filter((scenario) => !failed.has(scenario)).map(({ name }) => name)).toEqual([])
})
