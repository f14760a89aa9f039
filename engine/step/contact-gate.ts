import { everyPurpose } from '../../rules/source-table.ts'
import type { Contact, Slot } from '../state/states.ts'
import { stoppedBy } from './funnel/final-gate.ts'
import type { StepContext } from './step.ts'

/** Sets the run up to ask about contacts of a customer, as of `now`; what it stood at is lost. */
export function takeUpContacts(
  { run }: StepContext,
  slot: Slot,
  { now, asOf }: { readonly now: number; readonly asOf: number },
): void {
  run.slot = slot
  run.now = now
  run.asOf = asOf
  run.event = null
  run.lawful = true
  run.usableFor = everyPurpose
  run.consent = 0
}

/**
 * What the final gate has against a contact's offer on its channel now: a guardrail's id or the kind of check; null: nothing. What
 * the pack does not have any more cannot be asked about, and that is an answer too: `pack_changed`. Behind `takeUpContacts`.
 */
export function contactStoppedBy(
  { run }: StepContext,
  { channel, offer: key }: Pick<Contact, 'channel' | 'offer'>,
): string | null {
  const offer = run.tables.offerByKey.get(key)
  const placement = run.tables.placementByChannel.get(channel)
  if (offer === undefined || placement === undefined) return 'pack_changed'
  run.placement = placement
  return stoppedBy(run, offer)
}
