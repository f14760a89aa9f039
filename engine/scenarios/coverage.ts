/** Which rules of a pack its scenarios have met, and which guardrails nobody has seen both ways. */
import type { Model } from '../../rules/model.ts'
import type { Place } from '../../rules/model-words.ts'
import { type RuleKind, type RuleMet, ruleKinds, unknownGrade } from './rules-met.ts'

/** A rule of the pack, with the scenarios that met it. */
export type RuleCoverage = {
  readonly kind: RuleKind
  readonly id: string
  /** Where it stands in the pack; null: it has no place of its own. */
  readonly place: Place | null
  /** Names of the scenarios in which it did what it is there for. */
  readonly fired: readonly string[]
  /** Names of those in which it was asked and let things be. */
  readonly heldBack: readonly string[]
}

/** Every rule of a pack, by kind and in the order of its files. */
export type Coverage = readonly RuleCoverage[]

/** A guardrail that no scenario has seen stop a candidate, or none has seen let one pass though it knew everything it asks about. */
export type UncoveredGuardrail = {
  readonly id: string
  readonly place: Place | null
  readonly lacks: readonly ('firing' | 'non-firing')[]
}

/** What a scenario was and which rules it met. */
export type Met = { readonly scenario: { readonly name: string }; readonly met: readonly RuleMet[] }

/** Puts together what scenarios have met, over all rules of the pack. */
export function coverageOf(model: Model, results: readonly Met[]): Coverage {
  const rules = new Map(
    rulesOf(model).map(({ kind, id, place }) => {
      const fired: string[] = []
      const heldBack: string[] = []
      return [keyOf(kind, id), { kind, id, place, fired, heldBack }] as const
    }),
  )
  for (const { scenario, met } of results) {
    for (const { kind, id, fired, heldBack } of met) {
      const rule = rules.get(keyOf(kind, id))
      if (fired) rule?.fired.push(scenario.name)
      if (heldBack) rule?.heldBack.push(scenario.name)
    }
  }
  return [...rules.values()]
}

/** Guardrails without a firing or without a non-firing scenario, in the order of the pack. */
export function uncoveredGuardrails(coverage: Coverage): readonly UncoveredGuardrail[] {
  return coverage.flatMap(({ kind, id, place, fired, heldBack }) => {
    if (kind !== 'guardrail' || (fired.length > 0 && heldBack.length > 0)) return []
    const firing = fired.length === 0 ? (['firing'] as const) : []
    const nonFiring = heldBack.length === 0 ? (['non-firing'] as const) : []
    return [{ id, place, lacks: [...firing, ...nonFiring] }]
  })
}

type Rule = { readonly kind: RuleKind; readonly id: string; readonly place: Place | null }

function rulesOf(model: Model): readonly Rule[] {
  const { attribute, allows } = model.suitability
  const hasGraded = model.offers.some(({ riskGrade }) => riskGrade !== null)
  const gradeOf = (id: string): Rule => ({ kind: 'suitability', id, place: null })
  const named: Readonly<Record<Exclude<RuleKind, 'suitability'>, readonly Omit<Rule, 'kind'>[]>> = {
    trigger: model.triggers,
    offer: model.offers,
    guardrail: model.guardrails,
    allow: model.allows,
    cap: model.caps,
    gap: model.gaps,
    pause: model.pauses,
    'quiet hours': model.quietHours,
    resource: model.resources,
    holdout: model.holdouts,
  }
  return ruleKinds.flatMap((kind) => {
    if (kind !== 'suitability') return named[kind].map(({ id, place }) => ({ kind, id, place }))
    const grades = model.attributes.some(({ id }) => id === attribute) ? Object.keys(allows) : []
    return hasGraded ? [...grades, unknownGrade].map(gradeOf) : []
  })
}

function keyOf(kind: RuleKind, id: string): string {
  return `${kind} ${id}`
}
