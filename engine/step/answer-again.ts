import { decisionNumber } from './decision-id.ts'
import { scoreCandidate } from './funnel/arbitration.ts'
import { passFinalGate } from './funnel/final-gate.ts'
import { drop, propose } from './funnel/run.ts'
import { scratchContact } from './scratch-contact.ts'
import type { StepContext } from './step.ts'

/**
 * Fills the run with the offers a request was answered with, unless one of them may no longer be made: a guardrail has
 * closed since, the pack no longer shows it there, or it is quarantined, so that none of its code is called. Takes no contact; the first answer did. The frame must hold the
 * placement's reads.
 *
 * @param given keys of the offers, best first
 * @param id the decision's id, by which its contact tells when the offers began to be valid
 * @returns that instant, or null when the answer no longer holds; then each candidate says what became of it
 */
export function answerAgain(context: StepContext, given: readonly number[], id: string): number | null {
  const { run, filters } = context
  const shown = run.tables.placements[run.placement.index]?.candidates
  let whole = true
  for (const key of given) {
    const offer = run.tables.offerByKey.get(key)
    if (offer === undefined || offer.quarantined || shown?.includes(offer) !== true) whole = false
    else scoreCandidate(run, propose(run, offer, null))
  }
  filters.suitability(run)
  filters.guardrail(run)
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    drop(candidate, 'offered', 'offered', null)
    run.chosen.push(candidate)
  }
  passFinalGate(run)
  const first = firstContact(context, id)
  if (whole && first !== null && run.chosen.length === given.length) return first
  for (const candidate of run.chosen) drop(candidate, 'placement', 'superseded', null)
  run.chosen.length = 0
  return null
}

const contact = scratchContact()

/** When the decision was made; `now` when its contact was given back since; null: it was recalled and not sent. */
function firstContact(context: StepContext, id: string): number | null {
  const { run, states } = context
  const decision = decisionNumber(id)
  for (let i = states.contactCount(run.slot) - 1; i >= 0; i--) {
    states.contactAt(run.slot, i, contact)
    if (contact.decision === decision) return contact.recalled && contact.until !== 0 ? null : contact.at
  }
  return run.now
}
