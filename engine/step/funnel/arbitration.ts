import { drawBeta } from '../beta-draw.ts'
import { frameOf } from './frames.ts'
import type { LearnedArms } from './learned-arms.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'

/**
 * Scores the candidates, score = propensity x context x value x lever, each by its guaranteed lowest value within the bounds of
 * the pack, and drops marketing that is worth less than doing nothing. Doing nothing is a candidate of the class `marketing`: regulatory
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
  const { lo, hi } = frameOf(run, candidate.offer)
  const arms = run.tables.arms[candidate.offer.index] ?? null
  candidate.propensity =
    arms === null ? propensity.low(lo, hi, run.event) : drawPropensity(run, candidate, arms, lo, hi)
  candidate.context = context.low(lo, hi, run.event)
  candidate.value = value.low(lo, hi, run.event)
  candidate.lever = lever.low(lo, hi, run.event)
  // Bounds are not negative, so a product of lower bounds is a lower bound, and the highest product is finite.
  candidate.score = candidate.propensity * candidate.context * candidate.value * candidate.lever
}

/**
 * Thompson sampling (Thompson 1933, Biometrika 25): a draw from what is known of the offer's success rate in the customer's
 * segment. It is hashed from the decision and the offer, so that a replay draws the same. Never below the floor.
 */
function drawPropensity(
  run: FunnelRun,
  candidate: Candidate,
  arms: LearnedArms,
  lo: Float64Array,
  hi: Float64Array,
): number {
  const segment = arms.segments.of(lo, hi)
  candidate.learned = arms.names[segment] ?? null
  const drawn = drawBeta(`${run.decisionId}\0${candidate.offer.id}`, arms.a[segment]!, arms.b[segment]!)
  return Math.min(Math.max(drawn, arms.floor), run.pack.loaded.model.arbitration.bounds.propensity[1])
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
