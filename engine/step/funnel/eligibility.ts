import type { EffectiveWindow } from '../../../rules/effective.ts'
import { ruleName } from '../../../rules/rule-names.ts'
import { frameOf } from './frames.ts'
import { drop, type FunnelRun } from './run.ts'

/**
 * Keeps the candidates whose condition must be true. What is not known opens nothing, and the reason tells it apart
 * from what is known to be false. An offer that is quarantined is not asked, nor one whose window is closed.
 */
export function filterEligible(run: FunnelRun): void {
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const { window } = candidate.offer
    if (window !== null && !window.isOpen(run.now)) {
      drop(candidate, 'eligibility', 'not_in_effect', null)
      candidate.possibleAt = nextOpening(window, run.now)
      continue
    }
    const condition = candidate.offer.eligible
    if (condition === null) continue
    const { lo, hi } = frameOf(run, candidate.offer)
    if (condition.must(lo, hi, run.event)) continue
    if (candidate.offer.quarantined) {
      drop(candidate, 'eligibility', 'rule_quarantined', ruleName('offer', candidate.offer.id))
      continue
    }
    const known = !condition.may(lo, hi, run.event)
    drop(candidate, 'eligibility', known ? 'not_eligible' : 'eligibility_unknown', null)
  }
}

/** When a window that is closed opens next; 0: never again. */
function nextOpening(window: EffectiveWindow, now: number): number {
  const at = window.opensAt(now)
  return Number.isFinite(at) ? at : 0
}
