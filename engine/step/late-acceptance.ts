import type { Event } from '../../ingest/event.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { Slot } from '../state/states.ts'
import { decisionId, decisionNumber } from './decision-id.ts'
import { notAfterOf } from './not-after.ts'
import { recordOn } from './recall.ts'
import { scratchContact } from './scratch-contact.ts'
import type { EventInput, StepContext } from './step.ts'

const contact = scratchContact()

/**
 * The decision that an acceptance is too late for: its first 52 bits; -1: it is in time, or no contact of it is known (answers on channels
 * that count no contacts leave none, see `outcomes` of the history). To be asked before the event is applied, which confirms the contact.
 *
 * @param time when the customer accepted; at `notAfter` itself it is in time
 */
export function expiredAcceptance(context: StepContext, slot: Slot, { type, data }: Event, time: number): number {
  if (type !== 'offer.accepted') return -1
  const id = data['decisionId']
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)) return -1
  const decision = decisionNumber(id)
  const { states } = context
  let notAfter = Number.POSITIVE_INFINITY
  for (let i = 0; i < states.contactCount(slot); i++) {
    states.contactAt(slot, i, contact)
    // A decision is valid as long as the shortest of its offers. What the pack no longer has is not judged.
    if (contact.decision === decision) notAfter = Math.min(notAfter, notAfterOf(context, slot, contact) || notAfter)
  }
  return time > notAfter ? Math.floor(decision / 2) : -1
}

/**
 * The record that an offer was accepted when it had expired: the acceptance counts as the answer it is, and whoever carries it out knows that
 * the terms no longer held. null: it left before the store lost it.
 */
export function acceptedAfterExpiry(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  time: number,
  prefix: number,
): Decision | null {
  const { event } = input
  const id = decisionId(context.salt, 'accepted_after_expiry', [event.source, event.id])
  if (context.states.settle(slot, decisionNumber(id))) return null
  return recordOn(context, slot, input, time, { id, reason: 'accepted_after_expiry', prefix })
}
