import { ruleName } from '../../../rules/rule-names.ts'
import { drop, type FunnelRun } from './run.ts'

/**
 * Keeps the candidates whose condition must be true. What is not known opens nothing, and the reason tells it apart
 * from what is known to be false. An offer that is quarantined is not asked.
 */
export function filterEligible(run: FunnelRun): void {
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const condition = candidate.offer.eligible
    if (condition === null || condition.must(run.lo, run.hi, run.event)) continue
    if (candidate.offer.quarantined) {
      drop(candidate, 'eligibility', 'rule_quarantined', ruleName('offer', candidate.offer.id))
      continue
    }
    const known = !condition.may(run.lo, run.hi, run.event)
    drop(candidate, 'eligibility', known ? 'not_eligible' : 'eligibility_unknown', null)
  }
}
