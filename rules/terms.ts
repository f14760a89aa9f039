/** The terms of the score: which there are, how far they may go, what they read. */
import type { LearnedPropensity, Term } from './model.ts'

/** score = propensity x context x value x lever. */
export const termNames = ['propensity', 'context', 'value', 'lever'] as const
export type TermName = (typeof termNames)[number]

/**
 * The widest bounds a pack may give a term, and those of a pack that gives none. A propensity is a probability; the product of the
 * highest of all is 10^13, so that a score is always a finite number.
 */
export const termLimits: { readonly [name in TermName]: readonly [number, number] } = {
  propensity: [0, 1],
  context: [0, 100],
  value: [0, 1_000_000_000],
  lever: [0, 100],
}

/** The CEL texts of a term that give a number. */
export function textsOf(term: Term | LearnedPropensity): readonly string[] {
  if (typeof term === 'number' || isLearned(term)) return []
  return [typeof term === 'string' ? term : term.from]
}

/** The numbers of a term that the pack writes out. */
export function numbersOf(term: Term | LearnedPropensity): readonly number[] {
  if (typeof term === 'number') return [term]
  if (isLearned(term)) return [term.learned.floor]
  return typeof term === 'string' ? [] : [term.whenUnknown]
}

/** Whether a propensity is learned. */
export function isLearned(term: Term | LearnedPropensity): term is LearnedPropensity {
  return typeof term === 'object' && 'learned' in term
}
