import type { CompiledOffer } from '../../../rules/compiled.ts'
import { goesBefore } from './arbitration.ts'
import { stopContact, takeContact } from './contact.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'
import { shortOf, stopStock, takeStock } from './stock.ts'

/**
 * Fills the placement's slots with the best candidates: distinct offers, each with room under every cap and what it takes left. The one that
 * would have been next is told apart from those that lost.
 */
export function fillPlacement(run: FunnelRun): void {
  while (run.chosen.length < run.wanted) {
    const best = bestOf(run)
    if (best === null) return
    if (isChosen(run, best.offer)) {
      drop(best, 'placement', 'duplicate_offer', null)
      continue
    }
    const short = shortOf(run, best)
    if (short !== null) {
      stopStock(best, short)
      continue
    }
    const stopped = takeContact(run, best, run.chosen)
    if (stopped !== null) {
      stopContact(best, stopped)
      continue
    }
    takeStock(run, best)
    drop(best, 'offered', 'offered', null)
    run.chosen.push(best)
  }
  dropTheRest(run)
}

/** Drops candidates that cannot be shown there at all, before anything is asked about the customer. */
export function dropMisfits(run: FunnelRun): void {
  const misfits = run.tables.placements[run.placement.index]?.misfits
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const misfit = misfits?.[candidate.offer.index]
    if (misfit !== null) drop(candidate, 'placement', misfit ?? 'channel_mismatch', null)
  }
}

function dropTheRest(run: FunnelRun): void {
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate?.alive === true && isChosen(run, candidate.offer))
      drop(candidate, 'placement', 'duplicate_offer', null)
  }
  const next = bestOf(run)
  if (next !== null) drop(next, 'placement', 'placement_full', null)
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate?.alive === true) drop(candidate, 'arbitration', 'lost_arbitration', null)
  }
}

function isChosen(run: FunnelRun, offer: CompiledOffer): boolean {
  for (let i = 0; i < run.chosen.length; i++) if (run.chosen[i]?.offer === offer) return true
  return false
}

function bestOf(run: FunnelRun): Candidate | null {
  let best: Candidate | null = null
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate?.alive === true && (best === null || goesBefore(run, candidate, best))) best = candidate
  }
  return best
}
