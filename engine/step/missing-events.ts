import type { Event } from '../../ingest/event.ts'
import { hash64 } from '../../ingest/hash.ts'
import type { TypePlan } from '../../rules/compiled.ts'
import type { Slot } from '../state/states.ts'
import { refusalOf } from './admit-event.ts'
import { isUsable } from './origins.ts'
import type { EventInput, StepContext } from './step.ts'

/**
 * Keeps that an event, which would have counted, is not in the series of its type: they are not complete any more where it may lie.
 * Which of them it belongs to is not asked, as a filter may be what failed.
 */
export function missEntries(
  context: StepContext,
  slot: Slot,
  { event, acceptedAt }: Pick<EventInput, 'event' | 'acceptedAt'>,
  time: number,
  plan: TypePlan,
): void {
  const { pack, states } = context
  if (plan.series.length === 0 || !isUsable(context, slot, event, acceptedAt)) return
  if (refusalOf(pack, event, acceptedAt, time, plan) !== null) return
  states.miss(slot, event.type, missingKeyOf(event), time)
}

/** What was missing of an event is there, as it is counted now or was before. */
export function findEntries(
  context: StepContext,
  slot: Slot,
  { event, acceptedAt }: Pick<EventInput, 'event' | 'acceptedAt'>,
): void {
  const { states } = context
  if (states.missingCount(slot) === 0 || !isUsable(context, slot, event, acceptedAt)) return
  states.found(slot, event.type, missingKeyOf(event))
}

/** By which 32 bits an event is told, should it come again. */
function missingKeyOf({ source, id }: Event): number {
  hash64(`${source}\0${id}`, idHash)
  return idHash[0]!
}

const idHash = new Uint32Array(2)
