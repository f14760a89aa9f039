import type { CompiledOffer } from '../../../rules/compiled.ts'
import { drop, type FunnelRun } from './run.ts'

/**
 * The last check, which nothing goes around: asks the state again, in a frame of its own and by scopes matched apart
 * from the guardrail stage, whether a guardrail, a running suppression, the customer's risk grade or an unlawful source
 * forbids what was chosen. It is no parameter of the step. What it stops is gone from the decision and is not refilled;
 * the fate `final_gate` is the alarm: an earlier stage let through what it must not.
 */
export function passFinalGate(run: FunnelRun): void {
  let kept = 0
  for (const candidate of run.chosen) {
    const rule = stoppedBy(run, candidate.offer)
    if (rule === null) run.chosen[kept++] = candidate
    else drop(candidate, 'final_gate', 'final_gate', rule)
  }
  run.chosen.length = kept
}

/** The rule that forbids an offer on the run's placement now: a guardrail's id, or the kind of check; null: none does. */
export function stoppedBy(run: FunnelRun, offer: CompiledOffer): string | null {
  if (!run.lawful) return 'unlawful_source'
  const { pack, states, slot, now, gateLo, gateHi } = run
  const rules = run.tables.placements[run.placement.index]?.gate[offer.index]
  if (rules === undefined) return 'unknown_placement'
  states.evaluate(slot, run.asOf, now, rules.reads, gateLo, gateHi)
  gateLo[pack.lawfulVariable] = 1
  gateHi[pack.lawfulVariable] = 1
  for (let i = 0; i < rules.guardrails.length; i++) {
    const guardrail = pack.guardrails[rules.guardrails[i] ?? -1]
    if (guardrail === undefined) return 'unknown_guardrail'
    if (guardrail.hasSuppression && states.suppressedUntil(slot, guardrail.key) > now) return guardrail.id
    if (guardrail.condition?.may(gateLo, gateHi, run.event)) return guardrail.id
  }
  const grade = offer.model.riskGrade
  if (grade !== null && grade > pack.gradeAllowed(gateLo, gateHi)) return 'suitability'
  return null
}
