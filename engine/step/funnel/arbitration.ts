import type { EventData, NumberExpression } from '../../../rules/compiled.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'

/**
 * Scores the candidates, score = propensity x context x value x lever, each by its guaranteed lowest value, and drops
 * marketing that is worth less than doing nothing. Doing nothing is a candidate of the class `marketing`: regulatory
 * and service messages are owed to the customer and do not compete with silence.
 */
export function arbitrate(run: FunnelRun): void {
  const { nothing } = run.pack.loaded.model.arbitration
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    scoreCandidate(run, candidate)
    candidate.competes = candidate.offer.model.class !== 'marketing' || candidate.score >= nothing
    if (!candidate.competes) drop(candidate, 'arbitration', 'below_nothing', null)
  }
}

/** Writes the terms and their product to the candidate. */
export function scoreCandidate(run: FunnelRun, candidate: Candidate): void {
  const { propensity, context, value, lever } = candidate.offer.terms
  candidate.propensity = term(propensity, run.lo, run.hi, run.event)
  candidate.context = term(context, run.lo, run.hi, run.event)
  candidate.value = term(value, run.lo, run.hi, run.event)
  candidate.lever = term(lever, run.lo, run.hi, run.event)
  candidate.score = Math.min(
    candidate.propensity * candidate.context * candidate.value * candidate.lever,
    Number.MAX_VALUE,
  )
}

/**
 * Whether `a` goes before `b`: class, then priority, then score, then offer id, then trigger id. Total, so that the
 * order in which candidates arrived never shows.
 */
export function goesBefore(run: FunnelRun, a: Candidate, b: Candidate): boolean {
  const rank = (run.tables.classRanks[a.offer.index] ?? 0) - (run.tables.classRanks[b.offer.index] ?? 0)
  if (rank !== 0) return rank < 0
  const priority = a.offer.model.priority - b.offer.model.priority
  if (priority !== 0) return priority > 0
  if (a.score !== b.score) return a.score > b.score
  if (a.offer.id !== b.offer.id) return a.offer.id < b.offer.id
  return (a.trigger?.id ?? '') < (b.trigger?.id ?? '')
}

/** A factor counts as far as it is guaranteed and positive: a product of lower bounds is one only for factors >= 0. */
function term(expression: NumberExpression, lo: Float64Array, hi: Float64Array, event: EventData | null): number {
  const low = expression.low(lo, hi, event)
  return low > 0 ? Math.min(low, Number.MAX_VALUE) : 0
}
