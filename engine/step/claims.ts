/**
 * Claims: what is kept for a customer of the resources an offer takes, from the decision until it is taken for good, given back, or its
 * lease is over. A customer has one running claim on an offer: while it runs the offer is the same one, whatever decision shows it.
 * In the state a claim is a contact of a class of its own, which no rule of contact looks at.
 */
import { hash53 } from '../../ingest/hash.ts'
import type { CompiledOffer } from '../../rules/compiled.ts'
import { type Contact, claimClass, type Slot, type States } from '../state/states.ts'
import type { FunnelRun } from './funnel/run.ts'
import { saltedHash } from './salted-hash.ts'
import { scratchContact } from './scratch-contact.ts'

/** What stored states know a claim by: the first 53 bits of its decision's id and the offer's key. */
export function claimNumber(decision: number, offerKey: number): number {
  return hash53(`claim\0${decision}\0${offerKey}`)
}

/** The name of a claim among reservations: says nothing of the customer. 32 hex digits. */
export function claimId(salt: string, customerId: string, number: number): string {
  return saltedHash(salt, 'claim', [customerId, String(number)]).slice(0, 32)
}

const contact = scratchContact()

/** When the lease of the customer's running claim on an offer ends; 0: there is none, or the offer does not hold any more. */
export function runningClaim(run: FunnelRun, offer: CompiledOffer): number {
  const { states, slot, now } = run
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (!isClaimOn(contact, offer.key) || contact.until === 0) continue
    if (now < contact.until - (offer.takes?.graceMs ?? 0)) return contact.until
  }
  return 0
}

/** Remembers a claim on an offer, and of those before it, all over by now, the newest: they never fill the places of contacts. Idempotent. */
export function addClaim(
  states: States,
  slot: Slot,
  claim: { readonly at: number; readonly until: number; readonly decision: number; readonly offerKey: number },
): void {
  const { at, until, decision, offerKey } = claim
  const number = claimNumber(decision, offerKey)
  const before: number[] = []
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (!isClaimOn(contact, offerKey)) continue
    if (contact.decision === number) return
    before.push(contact.decision)
  }
  for (const old of before.slice(1)) states.removeContact(slot, old)
  states.addContact(slot, {
    at,
    channel: 0,
    category: 0,
    offer: offerKey,
    class: claimClass,
    decision: number,
    until,
    answered: false,
    recalled: false,
  })
}

/** Claims of an offer that are neither accepted nor given back, newest first; also those whose lease is over. */
export function openClaims(states: States, slot: Slot, offerKey: number): readonly { number: number; until: number }[] {
  const open: { number: number; until: number }[] = []
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (isClaimOn(contact, offerKey) && contact.until !== 0)
      open.push({ number: contact.decision, until: contact.until })
  }
  return open
}

function isClaimOn({ class: kind, offer }: Contact, offerKey: number): boolean {
  return kind === claimClass && offer === offerKey
}
