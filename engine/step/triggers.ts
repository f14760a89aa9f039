import type { EventData, TypePlan } from '../../rules/compiled.ts'
import type { StepContext } from './step.ts'

/**
 * Finds the triggers of an event's type whose condition must be true at `run.asOf`, the event's time.
 *
 * @returns how many hit; `context.hits` holds their positions in `plan.triggerIndex`, ascending
 */
export function findTriggers(context: StepContext, data: EventData, plan: TypePlan): number {
  const { triggers } = plan
  if (triggers.size === 0) return 0
  fillFrame(context, triggers.reads)
  return triggers.evaluate(context.lo, context.hi, data, context.hits)
}

/** Fills the frame at the given indexes as of the run's times, and whether its cause is lawful. */
export function fillFrame(context: StepContext, reads: readonly number[]): void {
  const { lo, hi, pack, run } = context
  context.states.evaluate(run.slot, run.asOf, run.now, reads, lo, hi)
  const lawful = run.lawful ? 1 : 0
  lo[pack.lawfulVariable] = lawful
  hi[pack.lawfulVariable] = lawful
}
