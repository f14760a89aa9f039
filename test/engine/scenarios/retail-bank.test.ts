/**
 * The shipped pack keeps its scenarios, and they hold it: take any guardrail, allow, trigger, cap, gap, pause or quiet hours away, or
 * change who may open a guardrail, and one of them fails. A rule that is added needs a scenario.
 */
import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { createPlayer } from '../../../engine/scenarios/run-scenario.ts'
import type { GuardrailModel, Model, OfferModel, OverrideModel } from '../../../rules/model.ts'
import { loadScenarios } from '../../../rules/scenarios/load-scenarios.ts'
import type { Scenario } from '../../../rules/scenarios/scenario.ts'
import { retailBank } from '../../rules/patched-pack.ts'
import { retailPack } from '../../rules/scenarios/retail-names.ts'

const { model, hash } = retailPack
const loaded = await loadScenarios(retailBank, model)
assert(loaded.kind === 'ok')
const { scenarios } = loaded
const play = createPlayer(retailPack)
/** An override that a guardrail of the pack does not have. */
const compliance: OverrideModel = { role: 'compliance', atMostMs: 86_400_000 }

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
  expect(play(scenario).failures).toEqual([])
})

/** Those of some scenarios that another pack passes as well. */
function passingOn(some: readonly Scenario[], other: Partial<Model>): readonly Scenario[] {
  const playOther = createPlayer({ model: { ...model, ...other }, hash })
  return some.filter((scenario) => playOther(scenario).failures.length === 0)
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

test('who may open a guardrail is held by a scenario, and so is that nobody may', { timeout: 60_000 }, () => {
  const { guardrails } = model
  const free = guardrails.filter((rule) => {
    const other = { ...rule, override: rule.override === 'never' ? compliance : 'never' } satisfies GuardrailModel
    return !isNoticed({ guardrails: guardrails.map((one) => (one === rule ? other : one)) }, [rule.id])
  })
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

test('each gap is held by a scenario', { timeout: 60_000 }, () => {
  const { gaps } = model
  const free = gaps.filter((rule) => !isNoticed({ gaps: gaps.filter((one) => one !== rule) }, [rule.id]))
  expect(free.map(({ id }) => id)).toEqual([])
})

test('each pause is held by a scenario', { timeout: 60_000 }, () => {
  const { pauses } = model
  const free = pauses.filter((rule) => !isNoticed({ pauses: pauses.filter((one) => one !== rule) }, [rule.id]))
  expect(free.map(({ id }) => id)).toEqual([])
})

test('each of the quiet hours is held by a scenario', { timeout: 60_000 }, () => {
  const { quietHours } = model
  const free = quietHours.filter(
    (rule) => !isNoticed({ quietHours: quietHours.filter((one) => one !== rule) }, [rule.id]),
  )
  expect(free.map(({ id }) => id)).toEqual([])
})

test('what becomes of what quiet hours stop is held by a scenario', { timeout: 60_000 }, () => {
  const { quietHours } = model
  const other = (rule: (typeof quietHours)[number]) => ({
    ...rule,
    instead: { kind: rule.instead.kind === 'drop' ? 'hold' : 'drop' } as const,
  })
  const free = quietHours.filter(
    (rule) => !isNoticed({ quietHours: quietHours.map((one) => (one === rule ? other(rule) : one)) }, [rule.id]),
  )
  expect(free.map(({ id }) => id)).toEqual([])
})

test('each region with a clock of its own is held by a scenario', { timeout: 60_000 }, () => {
  const { region } = model.zones
  assert(region !== null)
  const free = Object.keys(region.zones).filter((name) => {
    const zones = Object.fromEntries(Object.entries(region.zones).filter(([one]) => one !== name))
    return !isNoticed({ zones: { ...model.zones, region: { ...region, zones } } }, [name])
  })
  expect(free).toEqual([])
})

test('each allow is held by a scenario', { timeout: 60_000 }, () => {
  const { allows } = model
  const free = allows.filter((rule) => !isNoticed({ allows: allows.filter((one) => one !== rule) }, []))
  expect(free.map(({ id }) => id)).toEqual([])
})

test('what an offer takes of a resource is held by a scenario, and that it is for once', { timeout: 60_000 }, () => {
  const { offers } = model
  const without = (rule: OfferModel, less: Partial<OfferModel>) => ({
    offers: offers.map((one) => (one === rule ? { ...rule, ...less } : one)),
  })
  const taking = offers.filter(({ takes }) => takes.length > 0)
  expect(taking.map(({ id }) => id)).toEqual(['child_health_check'])
  const free = taking.filter((rule) => !isNoticed(without(rule, { takes: [] }), [rule.id]))
  const often = offers.filter(
    (rule) => rule.oncePerMs !== null && !isNoticed(without(rule, { oncePerMs: null }), [rule.id]),
  )
  expect([...free, ...often].map(({ id }) => id)).toEqual([])
})

test('how long units of a resource are kept is held by a scenario', { timeout: 60_000 }, () => {
  const { resources } = model
  const free = resources.filter(
    (rule) =>
      !isNoticed({ resources: resources.map((one) => (one === rule ? { ...rule, graceMs: 1_000 } : one)) }, [rule.id]),
  )
  expect(free.map(({ id }) => id)).toEqual([])
})

test('each scenario can fail', { timeout: 60_000 }, () => {
  const others: readonly Partial<Model>[] = [
    { triggers: [] },
    { triggers: model.triggers.map((trigger) => ({ ...trigger, when: null })) },
    { guardrails: [] },
    { guardrails: model.guardrails.map((guardrail) => ({ ...guardrail, override: compliance })) },
    { caps: [] },
    { attributes: model.attributes.map((attribute) => ({ ...attribute, setBy: [] })) },
    { features: model.features.map((feature) => ({ ...feature, window: { kind: 'rolling', ms: 1 } })) },
    { offers: model.offers.map((offer) => ({ ...offer, eligible: null })) },
    { offers: model.offers.map((offer) => ({ ...offer, takes: [] })) },
    { latenessMs: 1_000 },
  ]
  const neverFail = others.reduce(passingOn, scenarios)
  expect(neverFail.map(({ name }) => name)).toEqual([])
})
