/** The check of a pack as a whole: every rule alone, and the rules against each other. */
import { eventTypes } from '../ingest/event-types.ts'
import { createChecking, type Locate } from './check/checking.ts'
import { checkConditions } from './check/conditions.ts'
import { checkConflicts } from './check/conflicts.ts'
import { checkContactRules } from './check/contact-rules.ts'
import { checkDefinitions } from './check/definitions.ts'
import { checkGuardrails } from './check/guardrails.ts'
import { checkHoldouts } from './check/holdouts.ts'
import { checkLadders } from './check/ladders.ts'
import { checkLearned } from './check/learned.ts'
import { checkNames } from './check/names.ts'
import { checkStock } from './check/stock.ts'
import { checkTelling } from './check/telling.ts'
import { checkTerms } from './check/terms.ts'
import { checkUnused } from './check/unused.ts'
import { checkWinners } from './check/winners.ts'
import type { Model } from './model.ts'
import type { PackProblem } from './pack-problem.ts'
import { variablesOf, vocabulariesOf } from './pack-vocabulary.ts'

/** What a check found: any problem refuses the pack, warnings do not. */
export type Findings = { readonly problems: readonly PackProblem[]; readonly warnings: readonly PackProblem[] }

/**
 * Checks a normalised pack. Which checks are complete: names, types, guardrail coverage, fallbacks, risk grades, ladders.
 * Never-true, shadowed and conflicting rules are found when their conditions are conjunctions of comparisons with
 * constants; others pass. What depends on broken parts is looked at once those are mended.
 */
export function checkPack(model: Model, locate: Locate): Findings {
  const variables = variablesOf(model, eventTypes)
  const checking = createChecking(model, eventTypes, { variables, ...vocabulariesOf(variables, eventTypes) }, locate)
  checkNames(checking)
  checkDefinitions(checking)
  checkContactRules(checking)
  checkStock(checking)
  if (checking.problems.some((problem) => problem.code === 'id_duplicate' || problem.code === 'name_reserved')) {
    return checking
  }
  const conditions = checkConditions(checking)
  checkGuardrails(checking, conditions)
  checkLadders(checking, conditions)
  checkTerms(checking)
  checkLearned(checking)
  checkTelling(checking)
  if (checking.problems.length > 0) return checking
  checkConflicts(checking, conditions)
  checkWinners(checking)
  checkHoldouts(checking)
  checkUnused(checking, conditions)
  return checking
}
