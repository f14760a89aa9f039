import { hash32 } from '../../ingest/hash.ts'
import type { Contact, Slot } from '../state/states.ts'
import { runningClaim } from './claims.ts'
import { contactStoppedBy, takeUpContacts } from './contact-gate.ts'
import { decisionNumber } from './decision-id.ts'
import { notAfterOf } from './not-after.ts'
import { scratchContact } from './scratch-contact.ts'
import type { StepContext } from './step.ts'

/** Why a message may or may not be sent. */
export const permitReasons = [
  'permitted',
  /** No contact of the decision is known: it is of another customer, not of a contact channel, failed, forgotten or erased. */
  'decision_unknown',
  'channel_differs',
  'recalled',
  /** A receipt said so already. */
  'already_sent',
  /** Its `notAfter` is over, or what it takes of resources is kept for it no longer. */
  'lapsed',
  /** The final gate forbids it now. Which rule does is nobody's business but the bank's own: see the recall, or explain. */
  'final_gate',
  /** Events wait to be counted, so that nothing can be promised. */
  'stale_state',
] as const
export type PermitReason = (typeof permitReasons)[number]

/** Whether a message may be sent now. */
export type Permit = {
  readonly permitted: boolean
  readonly reason: PermitReason
  /** To be sent by then at the latest, Unix milliseconds; 0: not at all. */
  readonly until: number
}

const contact = scratchContact()

/** A refusal. */
export function refusedPermit(reason: Exclude<PermitReason, 'permitted'>): Permit {
  return { permitted: false, reason, until: 0 }
}

/**
 * Whether the message of a decision may be sent on a channel as of `now`: every offer of it is asked about at the final gate again. What is
 * not known is refused. Changes nothing.
 */
export function permitMessage(
  context: StepContext,
  slot: Slot,
  { decisionId, channel }: { readonly decisionId: string; readonly channel: string },
  now: number,
): Permit {
  const contacts = contactsOf(context, slot, decisionNumber(decisionId))
  if (contacts.length === 0) return refusedPermit('decision_unknown')
  takeUpContacts(context, slot, { now, asOf: now })
  let until = Number.POSITIVE_INFINITY
  for (const one of contacts) {
    if (one.channel !== hash32(channel)) return refusedPermit('channel_differs')
    if (one.until === 0 && hasReceipts(context, one.channel)) return refusedPermit('already_sent')
    if (one.recalled) return refusedPermit('recalled')
    until = Math.min(until, notAfterOf(context, slot, one))
  }
  if (until <= now || !contacts.every(({ offer }) => isKept(context, offer))) return refusedPermit('lapsed')
  if (contacts.some((one) => contactStoppedBy(context, one) !== null)) return refusedPermit('final_gate')
  return { permitted: true, reason: 'permitted', until }
}

type Known = Pick<Contact, 'at' | 'channel' | 'offer' | 'until' | 'recalled'>

function contactsOf({ states }: StepContext, slot: Slot, decision: number): readonly Known[] {
  const found: Known[] = []
  for (let i = 0; i < states.contactCount(slot); i++) {
    states.contactAt(slot, i, contact)
    if (contact.decision === decision) found.push({ ...contact })
  }
  return found
}

/** Whether an offer takes nothing of resources, or what it takes is kept for the customer. */
function isKept({ run }: StepContext, key: number): boolean {
  const offer = run.tables.offerByKey.get(key)
  return offer === undefined || offer.takes === null || runningClaim(run, offer) > 0
}

/** Where nobody reports what was sent, a contact counts from the start and says nothing of whether its message has left. */
function hasReceipts({ run }: StepContext, channel: number): boolean {
  const placement = run.tables.placementByChannel.get(channel)
  return run.tables.placements[placement?.index ?? -1]?.receipts !== false
}
