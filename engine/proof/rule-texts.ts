/**
 * The rules of a pack as its author wrote them, apart from what was compiled: their conditions are read by the interpreter,
 * on known values only, so that nothing here can repeat a mistake of the compiler.
 */
import { strict as assert } from 'node:assert'
import { eventTypes } from '../../ingest/event-types.ts'
import { conditionTree } from '../../rules/cel/elaborate.ts'
import { type BoolTree, readsOf } from '../../rules/cel/expression.ts'
import { answerOf } from '../../rules/cel/interpret.ts'
import type { AllowModel, GuardrailModel, Model } from '../../rules/model.ts'
import { variablesOf } from '../../rules/pack-vocabulary.ts'
import type { Variable } from '../../rules/vocabulary.ts'

/** A condition of a rule; `tree` null: it has none. */
export type RuleText = {
  readonly tree: BoolTree | null
  /** Frame indexes it reads, ascending. */
  readonly reads: readonly number[]
}

export type GuardrailText = RuleText & { readonly model: GuardrailModel; readonly index: number }
export type AllowText = RuleText & { readonly model: AllowModel; readonly index: number }

/** What of a pack the proof is about. */
export type RuleTexts = {
  readonly variables: readonly Variable[]
  readonly guardrails: readonly GuardrailText[]
  readonly allows: readonly AllowText[]
}

/** The rules of a checked pack. */
export function ruleTexts(model: Model): RuleTexts {
  const variables = variablesOf(model, eventTypes)
  const text = (when: string | null): RuleText => {
    if (when === null) return { tree: null, reads: [] }
    const checked = conditionTree(when, { variables, event: null })
    assert(checked.kind === 'ok', 'the conditions of a checked pack compile')
    return { tree: checked.value, reads: readsOf([checked.value]).variables }
  }
  return {
    variables,
    guardrails: model.guardrails.map((rule, index) => ({ ...text(rule.when), model: rule, index })),
    allows: model.allows.map((rule, index) => ({ ...text(rule.when), model: rule, index })),
  }
}

/** Whether a condition is true of known values: `values[i]` is the i-th variable. */
export function isTrue(tree: BoolTree, values: Float64Array): boolean {
  return answerOf(tree, { lo: values, hi: values, event: {}, bound: [] }) === 'true'
}
