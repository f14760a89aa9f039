/** The check of a pack as a whole: every rule alone, and the rules against each other. */
import { eventTypes } from '../ingest/event-types.ts'
import { createChecking, type Locate } from './check/checking.ts'
import { checkConditions } from './check/conditions.ts'
import { checkConflicts } from './check/conflicts.ts'
import { checkContactRules } from './check/contact-rules.ts'
import { checkAgreements, checkDefinitions } from './check/definitions.ts'
import { checkEffective } from './check/effective.ts'
import { checkGuardrails } from './check/guardrails.ts'
import { checkHoldouts } from './check/holdouts.ts'
import { checkLadders } from './check/ladders.ts'
import { checkLearned } from './check/learned.ts'
import { checkNames } from './check/names.ts'
import { checkPrices } from './check/prices.ts'
import { checkPurposes } from './check/purposes.ts'
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
 * Checks a normalised pack. `check/checks.ts` says of each check whether it finds every mistake of its kind. What depends on broken
 * parts is looked at once those are mended.
 *
 * @param nowMs what is over by then is a warning, never a problem: a pack does not become wrong by waiting; null: nothing is said of that
 */
export function checkPack(model: Model, locate: Locate, nowMs: number | null): Findings {
  const variables = variablesOf(model, eventTypes)
  const checking = createChecking(model, eventTypes, { variables, ...vocabulariesOf(variables, eventTypes) }, locate)
  checkNames(checking)
  checkDefinitions(checking)
  if (nowMs !== null) checkAgreements(checking, nowMs)
  checkContactRules(checking)
  checkStock(checking)
  checkEffective(checking, nowMs)
  if (checking.problems.some((problem) => problem.code === 'id_duplicate' || problem.code === 'name_reserved')) {
    return checking
  }
  const conditions = checkConditions(checking)
  checkGuardrails(checking, conditions)
  checkLadders(checking, conditions)
  checkTerms(checking)
  const priced = checkPrices(checking, conditions)
  checkLearned(checking)
  checkTelling(checking)
  if (checking.problems.length > 0) return checking
  checkConflicts(checking, conditions)
  checkWinners(checking)
  checkHoldouts(checking)
  checkPurposes(checking, nowMs)
  checkUnused(checking, new Set([...conditions.reads, ...priced]))
  return checking
}
