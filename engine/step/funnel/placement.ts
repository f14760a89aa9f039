import { goesBefore } from './arbitration.ts'
import { takeContact } from './contact.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'

/**
 * Fills the placement's slots with the best candidates: distinct offers, each with room under every cap. The one that
 * would have been next is told apart from those that lost.
 */
export function fillPlacement(run: FunnelRun): void {
  while (run.chosen.length < run.wanted) {
    const best = bestOf(run)
    if (best === null) return
    if (run.chosen.some((chosen) => chosen.offer === best.offer)) {
      drop(best, 'placement', 'duplicate_offer', null)
      continue
    }
    const full = takeContact(run, best)
    if (full !== null) {
      drop(best, 'contact', 'cap_reached', full.id)
      continue
    }
    drop(best, 'offered', 'offered', null)
    run.chosen.push(best)
  }
  dropTheRest(run)
}

/** Drops candidates that cannot be shown there at all, before anything is asked about the customer. */
export function dropMisfits(run: FunnelRun): void {
  const table = run.tables.placements[run.placement.index]
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const { model, index } = candidate.offer
    if (!model.channels.includes(run.placement.channel)) drop(candidate, 'placement', 'channel_mismatch', null)
    else if (table?.contentTypes.has(model.contentType) !== true || !run.placement.offers.includes(index))
      drop(candidate, 'placement', 'content_type_mismatch', null)
  }
}

function dropTheRest(run: FunnelRun): void {
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate?.alive === true && run.chosen.some((chosen) => chosen.offer === candidate.offer))
      drop(candidate, 'placement', 'duplicate_offer', null)
  }
  const next = bestOf(run)
  if (next !== null) drop(next, 'placement', 'placement_full', null)
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate?.alive === true) drop(candidate, 'arbitration', 'lost_arbitration', null)
  }
}

function bestOf(run: FunnelRun): Candidate | null {
  let best: Candidate | null = null
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate?.alive === true && (best === null || goesBefore(run, candidate, best))) best = candidate
  }
  return best
}
