import type { CompiledOffer, CompiledTrigger, TypePlan } from '../../rules/compiled.ts'
import { limitedAt } from './funnel/frames.ts'
import { drop, propose } from './funnel/run.ts'
import type { StepContext } from './step.ts'

/**
 * Makes a candidate of every offer of the triggers that hit for the run's placement. Those of a trigger whose freshness
 * is over have their fate at once: the event counts, but it no longer sends.
 *
 * @param hits how many of `context.hits` hold
 * @param ageMs how old the event is at `now`
 */
export function proposeFromTriggers(context: StepContext, plan: TypePlan, hits: number, ageMs: number): void {
  const { pack, run } = context
  for (let i = 0; i < hits; i++) {
    const trigger = hitAt(context, plan, i)
    if (trigger?.placement !== run.placement.index) continue
    for (const index of trigger.offers) {
      const offer = pack.offers[index]
      if (offer === undefined) continue
      const candidate = propose(run, offer, trigger)
      if (ageMs > trigger.freshnessMs) drop(candidate, 'trigger', 'stale_event', null)
      else if (!hitsFor(context, trigger, offer, run.now - ageMs)) drop(candidate, 'trigger', 'other_purpose', null)
    }
  }
}

/** Whether a trigger that hits does so by data that may be used for an offer. */
function hitsFor({ run }: StepContext, { condition }: CompiledTrigger, offer: CompiledOffer, time: number): boolean {
  if (condition === null) return true
  const frame = limitedAt(run, time, condition.reads, offer)
  return frame === null || condition.must(frame.lo, frame.hi, run.event)
}

/** Makes a candidate of every offer that fits the run's placement, but its fallback, which competes with nothing. */
export function proposeForPlacement(context: StepContext): void {
  const { run } = context
  const offers = run.tables.placements[run.placement.index]?.candidates ?? []
  for (let i = 0; i < offers.length; i++) {
    const offer = offers[i]
    if (offer !== undefined) propose(run, offer, null)
  }
}

/** The trigger of the i-th hit. */
export function hitAt(context: StepContext, plan: TypePlan, i: number): CompiledTrigger | undefined {
  const index = plan.triggerIndex[context.hits[i]!]
  return index === undefined ? undefined : context.pack.triggers[index]
}
