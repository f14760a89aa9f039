import type { Event } from '../../ingest/event.ts'
import { isLawful } from '../../rules/lawful.ts'
import type { Slot } from '../state/states.ts'
import { eventTimeOf, refusalOf } from './admit-event.ts'
import { addEntries } from './apply-event.ts'
import { isUsable, noteOrigin } from './origins.ts'
import type { StepContext } from './step.ts'

/** An event of the log that was stepped before a pack named the series to be filled. */
export type PastEvent = { readonly event: Event; readonly acceptedAt: number }

/** Which series, by index of the layout, are filled from the event at hand. */
export type Takes = (series: number) => boolean

/**
 * Whether an event counted when it came, but for what only its customer's state could tell: whether it was a duplicate, or
 * the customer erased or too large.
 */
export function isAdmitted({ pack }: StepContext, { event, acceptedAt }: PastEvent): boolean {
  const time = eventTimeOf(event.time, acceptedAt)
  return refusalOf(pack, event, acceptedAt, time, pack.types.get(event.type)) === null
}

/** Whether an event has an entry for a series to be filled. One that is out of service gets none: it is not to be filled then. */
export function isFilledFrom({ pack }: StepContext, { event, acceptedAt }: PastEvent, takes: Takes): boolean {
  const plan = pack.types.get(event.type)
  if (plan === undefined || !isLawful(pack, event.source, acceptedAt)) return false
  return plan.series.some(({ series, where }) => takes(series) && (where === null || where(event.data)))
}

/**
 * Adds the entries of an event of the past to the series to be filled, as the step would have, and does nothing else: no attribute,
 * suppression, contact or event id changes, no trigger looks. Of an erased customer nothing is taken. False: nothing was added.
 */
export function fillEvent(context: StepContext, slot: Slot, past: PastEvent, takes: Takes): boolean {
  const { event, acceptedAt } = past
  const plan = context.pack.types.get(event.type)
  if (plan === undefined || context.states.erasedAt(slot) > 0 || !isFilledFrom(context, past, takes)) return false
  if (!isUsable(context, slot, event, acceptedAt)) return false
  const time = eventTimeOf(event.time, acceptedAt)
  if (addEntries(context, slot, event, time, plan, takes)) noteOrigin(context, slot, event, time, plan)
  return true
}
