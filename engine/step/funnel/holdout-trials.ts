import { goesBefore } from './arbitration.ts'
import { takeContact } from './contact.ts'
import { stoppedBy } from './final-gate.ts'
import { holdoutAt, lowestBit } from './holdout.ts'
import type { Candidate, FunnelRun } from './run.ts'

/**
 * Notes what the run is worth to the measurement of holdouts, after its offers were chosen: `treated` for each chosen offer
 * and each holdout that would keep it back from members, `held_out` for each offer the customer would have got, had they not
 * been in that one holdout. So both groups hold customers for whom the funnel had come to the same offer, and only
 * the draw tells them apart. An offer that two holdouts keep back at once counts for neither.
 */
export function noteTrials(run: FunnelRun): void {
  const masks = run.tables.placements[run.placement.index]?.holdouts ?? null
  if (masks === null) return
  for (let i = 0; i < run.chosen.length; i++) {
    const offer = run.chosen[i]?.offer
    if (offer === undefined) continue
    for (let open = masks[offer.index] ?? 0; open !== 0; open &= open - 1)
      run.trials.push({ holdout: holdoutAt(run, lowestBit(open)), offer: offer.id, group: 'treated' })
  }
  let alone = 0
  for (let i = 0; i < run.size; i++) {
    const heldBy = run.candidates[i]?.heldBy ?? 0
    if (heldBy === lowestBit(heldBy)) alone |= heldBy
  }
  for (let open = alone; open !== 0; open &= open - 1) {
    const bit = lowestBit(open)
    for (const { offer, heldBy } of chosenWithout(run, bit))
      if (heldBy === bit) run.trials.push({ holdout: holdoutAt(run, bit), offer: offer.id, group: 'held_out' })
  }
}

/** What would have been chosen, had the customer not been in one holdout. Changes nothing of the run but the gate's frame. */
function chosenWithout(run: FunnelRun, holdout: number): readonly Candidate[] {
  const { nothing } = run.pack.loaded.model.arbitration
  const open = run.candidates
    .slice(0, run.size)
    .filter(({ competes, heldBy, score }) => competes || (heldBy === holdout && score >= nothing))
    .sort((a, b) => (goesBefore(run, a, b) ? -1 : 1))
  const counted = run.capCounts.slice()
  // Without the contacts that this run's own choices took: they are not made yet.
  run.capCounts.fill(-1)
  const chosen: Candidate[] = []
  for (const candidate of open) {
    if (chosen.length >= run.wanted) break
    if (chosen.some(({ offer }) => offer === candidate.offer)) continue
    if (stoppedBy(run, candidate.offer) !== null || takeContact(run, candidate, chosen) !== null) continue
    chosen.push(candidate)
  }
  run.capCounts.set(counted)
  return chosen
}
