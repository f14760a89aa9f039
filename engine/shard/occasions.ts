/** Occasions to write to a customer: what triggers proposed in a decision, and whether anything of it became a contact. */
import { type Decision, type Fate, stages } from '../../sinks/decision.ts'

/** One trigger in one decision. */
export type Occasion = {
  readonly trigger: string
  /** What became of the candidate that came furthest; of stage `offered`: a message of this trigger left. */
  readonly best: Fate
}

const none: readonly Occasion[] = Object.freeze([])

/**
 * The occasions of a decision, one for each trigger that proposed something in it, in the order of the record. A hit of a trigger is one; when
 * quiet hours sent its offers to another placement, or let them wait, the decision there or then is another one. So hits + switched +
 * released = made + withheld, and without the reasons `held` and `switched` each hit counts at most once, where it ended.
 *
 * The best candidate is the one that came furthest in the funnel, then that of the higher score, then the first of the record. What
 * does not fit the placement never entered the funnel. Live requests have no occasions: nobody would have been written to. Nor have recalls.
 * The view `contact_occasions` of the history says the same in SQL.
 */
export function occasionsOf({ fates }: Decision): readonly Occasion[] {
  if (!fates.some(({ trigger }) => trigger !== null)) return none
  const best = new Map<string, Fate>()
  for (const fate of fates) {
    if (fate.trigger === null) continue
    const known = best.get(fate.trigger)
    if (known === undefined || goesFurther(fate, known)) best.set(fate.trigger, fate)
  }
  return Array.from(best, ([trigger, fate]) => ({ trigger, best: fate }))
}

function goesFurther(fate: Fate, known: Fate): boolean {
  const further = reached(fate) - reached(known)
  return further === 0 ? fate.score > known.score : further > 0
}

/** How far it came. Misfits are sorted out first, though their stage is that of the placement. */
function reached({ stage, reason }: Fate): number {
  if (reason === 'channel_mismatch' || reason === 'content_type_mismatch') return 0
  return stages.indexOf(stage)
}
