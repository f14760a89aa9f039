import { isHoldoutMember } from '../holdout-member.ts'
import { scoreCandidate } from './arbitration.ts'
import { drop, type FunnelRun } from './run.ts'

/**
 * Drops marketing that a holdout keeps back from the customer: on outbound placements always, on inbound ones where the
 * holdout says so. What is held back is scored all the same, so that the record shows what the member would have got. The
 * fate names the first holdout of the pack that keeps it back.
 */
export function filterHeldOut(run: FunnelRun): void {
  const masks = run.tables.placements[run.placement.index]?.holdouts ?? null
  if (masks === null) return
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const asked = masks[candidate.offer.index] ?? 0
    if (asked === 0) continue
    candidate.heldBy = asked & membership(run, asked)
    if (candidate.heldBy === 0) continue
    scoreCandidate(run, candidate)
    drop(candidate, 'holdout', 'holdout', holdoutAt(run, lowestBit(candidate.heldBy)))
  }
}

/** Id of a holdout by its bit. */
export function holdoutAt({ pack }: FunnelRun, bit: number): string {
  return pack.loaded.model.holdouts[31 - Math.clz32(bit)]?.id ?? ''
}

/** The first of several holdouts, as a bit; 0 of none. */
export function lowestBit(mask: number): number {
  return mask & -mask
}

/** Which holdouts the customer belongs to, right at least for those asked about. */
function membership(run: FunnelRun, asked: number): number {
  for (let open = asked & ~run.holdoutsAsked; open !== 0; open &= open - 1) {
    const bit = lowestBit(open)
    const holdout = run.pack.loaded.model.holdouts[31 - Math.clz32(bit)]
    run.holdoutsAsked |= bit
    if (holdout !== undefined && isHoldoutMember(run.salt, holdout, run.customerId)) run.memberOf |= bit
  }
  return run.memberOf
}
