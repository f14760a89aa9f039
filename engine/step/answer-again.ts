import { runningClaim } from './claims.ts'
import { decisionNumber } from './decision-id.ts'
import { scoreCandidate } from './funnel/arbitration.ts'
import { passFinalGate } from './funnel/final-gate.ts'
import { drop, propose } from './funnel/run.ts'
import { scratchContact } from './scratch-contact.ts'
import type { StepContext } from './step.ts'

/**
 * Fills the run with the offers a request was answered with, unless one of them may no longer be made: a guardrail has
 * closed since, the pack no longer shows it there, it is quarantined, so that none of its code is called, or what it takes of resources is kept
 * for the customer no longer. Takes no contact; the first answer did. The frame must hold the
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
    else {
      const candidate = propose(run, offer, null)
      scoreCandidate(run, candidate)
      candidate.keptUntil = offer.takes === null ? 0 : runningClaim(run, offer)
      if (offer.takes !== null && candidate.keptUntil === 0) whole = false
    }
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
