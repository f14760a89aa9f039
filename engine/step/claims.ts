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
  claim: {
    readonly at: number
    /** 0: it is taken for good. */
    readonly until: number
    readonly decision: number
    readonly offerKey: number
    /** Key of the channel it was made on. */
    readonly channel: number
  },
): void {
  const { at, until, decision, offerKey, channel } = claim
  const number = claimNumber(decision, offerKey)
  const before = claimsOn(states, slot, offerKey)
  if (before.some((one) => one.number === number)) return
  for (const old of before.slice(1)) states.removeContact(slot, old.number)
  states.addContact(slot, {
    at,
    channel,
    category: 0,
    offer: offerKey,
    class: claimClass,
    decision: number,
    until,
    answered: false,
    recalled: false,
  })
}

/** A claim that the state knows. */
export type KnownClaim = {
  readonly number: number
  readonly at: number
  /** End of its lease, also when that is over; 0: it is taken for good. */
  readonly until: number
  /** Key of the channel it was made on. */
  readonly channel: number
  /** Whether it was shown on another channel too, where nobody reports: what becomes of a message says nothing of it any more. */
  readonly isShown: boolean
}

/** Claims on an offer that were not given back, newest first. */
export function claimsOn(states: States, slot: Slot, offerKey: number): readonly KnownClaim[] {
  const found: KnownClaim[] = []
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (!isClaimOn(contact, offerKey)) continue
    const { decision: number, at, until, channel, answered: isShown } = contact
    found.push({ number, at, until, channel, isShown })
  }
  return found
}

/** Claims of an offer that are neither accepted nor given back, newest first; also those whose lease is over. */
export function openClaims(states: States, slot: Slot, offerKey: number): readonly KnownClaim[] {
  return claimsOn(states, slot, offerKey).filter(({ until }) => until !== 0)
}

/**
 * Who showed a claim, as far as contacts tell: the decision itself, another one whose message was not taken back. The contacts of the decision
 * may be recalled.
 *
 * @param decision first 53 bits of its id
 */
export function showersOf(
  states: States,
  slot: Slot,
  offerKey: number,
  claim: KnownClaim,
  decision: number,
): { readonly itself: boolean; readonly others: boolean } {
  let itself = claim.number === claimNumber(decision, offerKey)
  let others = false
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (contact.class === claimClass || contact.offer !== offerKey) continue
    if (contact.at < claim.at || contact.at >= claim.until) continue
    if (contact.decision === decision) itself = true
    else if (!contact.recalled) others = true
  }
  return { itself, others }
}

function isClaimOn({ class: kind, offer }: Contact, offerKey: number): boolean {
  return kind === claimClass && offer === offerKey
}
