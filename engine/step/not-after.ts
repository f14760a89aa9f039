import { receiptMs } from '../../rules/compiled.ts'
import type { Contact, Slot } from '../state/states.ts'
import { claimsOn } from './claims.ts'
import type { StepContext } from './step.ts'

/**
 * Until when an offer of a contact was valid (`notAfter` of its decision), Unix milliseconds. Told by the contact while it waits for a receipt;
 * behind that, or where its channel has none, worked out by the pack as it is now, and by the claim that it showed, as far as that is known. 0: the
 * pack does not have the offer any more.
 */
export function notAfterOf(
  { run, states }: StepContext,
  slot: Slot,
  { at, offer, until, recalled }: Pick<Contact, 'at' | 'offer' | 'until' | 'recalled'>,
): number {
  // What was recalled has lapsed at once: that says nothing of its offer.
  if (until > 0 && !recalled) return until - receiptMs
  const known = run.tables.offerByKey.get(offer)
  if (known === undefined) return 0
  const { takes } = known
  const end = Math.min(at + known.model.validForMs, known.window?.closesAt(at) ?? Number.POSITIVE_INFINITY)
  if (takes === null) return end
  // The newest that was made by then: it ran, or the offer made one of its own.
  const shown = claimsOn(states, slot, offer).find((claim) => claim.at <= at)
  const shownEnd = shown === undefined ? 0 : shown.at + takes.leaseMs - takes.graceMs
  return shownEnd > at ? Math.min(end, shownEnd) : end
}
