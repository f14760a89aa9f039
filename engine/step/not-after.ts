import { receiptMs } from '../../rules/compiled.ts'
import type { Contact } from '../state/states.ts'

import type { StepContext } from './step.ts'

/**
 * Until when an offer of a contact was valid (`notAfter` of its decision), Unix milliseconds. Told by the contact while it waits for a receipt;
 * behind that, or where its channel has none, worked out by the pack as it is now. 0: the pack does not have the offer any more.
 */
export function notAfterOf(
  { run }: StepContext,
  { at, offer, until, recalled }: Pick<Contact, 'at' | 'offer' | 'until' | 'recalled'>,
): number {
  // What was recalled has lapsed at once: that says nothing of its offer.
  if (until > 0 && !recalled) return until - receiptMs
  const validForMs = run.tables.offerByKey.get(offer)?.model.validForMs
  return validForMs === undefined ? 0 : at + validForMs
}
