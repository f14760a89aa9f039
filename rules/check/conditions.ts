/** Every CEL text of the pack: it compiles, its names exist, it can be true. */
import { contradictionOf, neverTrue } from '../cel/analyse.ts'
import { compileCondition, compileEventPredicate, compileNumber } from '../cel/compile.ts'
import type { CelProblem } from '../cel/problem.ts'
import { compileSegments } from '../compile-segment.ts'
import type { Condition } from '../compiled.ts'
import type { PackProblemCode } from '../pack-problem.ts'
import { isLearned, termNames, textsOf } from '../terms.ts'
import type { Vocabulary } from '../vocabulary.ts'
import type { Checking, CompiledConditions, Spot } from './checking.ts'
import { checkEvent } from './names.ts'

/** Compiles everything; what is refused is reported and left out. */
export function checkConditions(checking: Checking): CompiledConditions {
  const { model, plain, on } = checking
  const reads = new Set<number>()
  const condition = (source: string | null, vocabulary: Vocabulary, spot: Spot): Condition | null => {
    if (source === null) return null
    const compiled = compileCondition(source, vocabulary)
    if (compiled.kind === 'refused') {
      refuseCel(checking, spot, source, compiled.problem)
      return null
    }
    checkPossible(checking, source, vocabulary, spot)
    for (const index of compiled.value.reads) reads.add(index)
    return compiled.value
  }
  checkFilters(checking)
  const guardrails = model.guardrails.map(({ id, when }, i) =>
    condition(when, plain, { file: 'guardrails.yaml', path: ['guardrails', i, 'when'], rule: id }),
  )
  const allows = model.allows.map(({ id, when }, i) =>
    condition(when, plain, { file: 'guardrails.yaml', path: ['allows', i, 'when'], rule: id }),
  )
  const eligible = model.offers.map((offer, i) => {
    const spot = (key: string): Spot => ({ file: 'offers.yaml', path: ['offers', i, key], rule: offer.id })
    for (const name of termNames) {
      const term = offer[name]
      const where = typeof term === 'object' ? { ...spot(name), path: [...spot(name).path, 'from'] } : spot(name)
      for (const source of textsOf(term)) {
        const compiled = compileNumber(source, plain)
        if (compiled.kind === 'refused') refuseCel(checking, where, source, compiled.problem)
        else for (const index of compiled.value.reads) reads.add(index)
      }
    }
    if (isLearned(offer.propensity)) {
      const { segment } = offer.propensity.learned
      const path = [...spot('propensity').path, 'learned', 'segment']
      const compiled = compileSegments(segment, plain)
      if (compiled.kind === 'ok') for (const index of compiled.value.reads) reads.add(index)
      else refuseCel(checking, { ...spot('propensity'), path }, segment ?? '', compiled.problem)
    }
    return condition(offer.eligible, plain, spot('eligible'))
  })
  const triggers = model.triggers.map(({ id, on: event, when }, i) =>
    checking.eventTypes.has(event)
      ? condition(when, on(event), { file: 'triggers.yaml', path: ['triggers', i, 'when'], rule: id })
      : null,
  )
  return { guardrails, allows, eligible, triggers, reads }
}

/** The filters that choose events: over the event alone, and never unknown. */
function checkFilters(checking: Checking): void {
  const { model } = checking
  for (const [i, { id, event, where }] of model.features.entries()) {
    checkFilter(checking, { file: 'features.yaml', path: ['features', i, 'where'], rule: id }, event, where)
  }
  for (const [i, { id, setBy }] of model.attributes.entries()) {
    for (const [j, { event, where }] of setBy.entries()) {
      const path = ['attributes', i, 'setBy', j, 'where']
      checkFilter(checking, { file: 'profile.yaml', path, rule: id }, event, where)
    }
  }
  for (const [i, { id, suppression }] of model.guardrails.entries()) {
    if (suppression === null) continue
    const spot = (...keys: string[]): Spot => ({
      file: 'guardrails.yaml',
      path: ['guardrails', i, 'suppression', ...keys],
      rule: id,
    })
    checkEvent(checking, spot('event'), suppression.event)
    checkFilter(checking, spot('where'), suppression.event, suppression.where)
    if (suppression.liftedBy === null) continue
    checkEvent(checking, spot('liftedBy', 'event'), suppression.liftedBy.event)
    checkFilter(checking, spot('liftedBy', 'where'), suppression.liftedBy.event, suppression.liftedBy.where)
  }
}

function checkFilter(checking: Checking, spot: Spot, event: string, where: string | null): void {
  const def = checking.eventTypes.get(event)
  if (where === null || def === undefined) return
  const compiled = compileEventPredicate(where, def)
  if (compiled.kind === 'refused') refuseCel(checking, spot, where, compiled.problem)
  else checkPossible(checking, where, { variables: [], event: def }, spot)
}

function checkPossible(checking: Checking, source: string, vocabulary: Vocabulary, spot: Spot): void {
  if (!neverTrue(source, vocabulary)) return
  const message = 'The condition can never be true: its parts contradict each other. Correct it or take the rule away.'
  checking.refuse('condition_never_true', spot, message, { counterexample: contradictionOf(source, vocabulary) })
}

/** Refuses a CEL text that does not compile. */
export function refuseCel(checking: Checking, spot: Spot, source: string, problem: CelProblem): void {
  const message = `The condition is not right: ${problem.message}${/[.?]$/.test(problem.message) ? '' : '.'}`
  checking.refuse(codeOf(problem, source), spot, message, { offset: problem.start })
}

function codeOf({ code, start, end }: CelProblem, source: string): PackProblemCode {
  switch (code) {
    case 'unknown_name': {
      const name = source.slice(start, end)
      if (name.startsWith('event')) return 'field_unknown'
      return name.startsWith('profile') ? 'attribute_unknown' : 'feature_unknown'
    }
    case 'unknown_value':
    case 'type_mismatch':
    case 'not_bool':
    case 'not_double':
      return 'condition_type'
    case 'uncertain':
      return 'filter_may_be_unknown'
    default:
      return 'condition_invalid'
  }
}
