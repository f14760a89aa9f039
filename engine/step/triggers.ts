import type { EventData, TypePlan } from '../../rules/compiled.ts'
import { frameFilled } from './funnel/frames.ts'
import type { StepContext } from './step.ts'

/**
 * Finds the triggers of an event's type whose condition must be true, and which are in effect, at `run.asOf`, the event's time.
 *
 * @returns how many hit; `context.hits` holds their positions in `plan.triggerIndex`, ascending
 */
export function findTriggers(context: StepContext, data: EventData, plan: TypePlan): number {
  const { triggers } = plan
  if (triggers.size === 0) return 0
  fillFrame(context, triggers.reads)
  const hits = triggers.evaluate(context.lo, context.hi, data, context.hits)
  return inEffect(context, plan, hits)
}

/** Those of the hits whose trigger is in effect at the event's time. */
function inEffect({ hits, pack, run }: StepContext, { triggerIndex }: TypePlan, count: number): number {
  let kept = 0
  for (let i = 0; i < count; i++) {
    const hit = hits[i]!
    const window = pack.triggers[triggerIndex[hit] ?? -1]?.window ?? null
    if (window === null || window.isOpen(run.asOf)) hits[kept++] = hit
  }
  return kept
}

/** Fills the frame at the given indexes as of the run's times, and whether its cause is lawful. */
export function fillFrame(context: StepContext, reads: readonly number[]): void {
  const { lo, hi, pack, run } = context
  run.states.evaluate(run.slot, run.asOf, run.now, reads, lo, hi)
  frameFilled(run, reads)
  const lawful = run.lawful ? 1 : 0
  lo[pack.lawfulVariable] = lawful
  hi[pack.lawfulVariable] = lawful
}
