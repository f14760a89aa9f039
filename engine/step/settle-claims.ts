/** What answers and receipts come to for claims: taken for good, or given back. */
import type { Event } from '../../ingest/event.ts'
import { hash32 } from '../../ingest/hash.ts'
import type { CompiledOffer } from '../../rules/compiled.ts'
import type { Slot, States } from '../state/states.ts'
import { addClaim, claimId, claimNumber, claimsOn, openClaims, showersOf } from './claims.ts'
import { decisionNumber } from './decision-id.ts'
import type { Settlement } from './funnel/stock-view.ts'
import { scratchContact } from './scratch-contact.ts'
import type { StepContext } from './step.ts'

const contact = scratchContact()

/**
 * An answer names the offer, and counts for what is kept of it, whatever decision showed it. Accepted: the newest claim is taken for good,
 * also when its lease is over, as what was promised counts. Where none is known any more, neither open nor accepted, it is taken for good
 * under the claim of the decision that the answer names: it was given back, and may be somebody else's, which has to be known. Dismissed:
 * given back.
 *
 * @param at from when on the customer has had it, Unix milliseconds
 */
export function settleAnswer(context: StepContext, slot: Slot, event: Event, at: number): void {
  const accepted = event.type === 'offer.accepted'
  if (!accepted && event.type !== 'offer.dismissed') return
  const named = event.data['offerId']
  const offer = typeof named === 'string' ? context.run.tables.offerByKey.get(hash32(named)) : undefined
  if (offer === undefined || offer.id !== named) return
  const { states } = context
  if (accepted && offer.model.oncePerMs !== null) states.suppress(slot, offer.onceKey, at, at + offer.model.oncePerMs)
  if (offer.takes === null) return
  const open = openClaims(states, slot, offer.key)
  if (!accepted) for (const { number } of open) giveBack(context, slot, event.customerId, offer, number)
  else if (open[0] !== undefined) {
    states.confirmContact(slot, open[0].number)
    settle(context, event.customerId, offer, open[0].number, 'confirm')
  } else if (claimsOn(states, slot, offer.key).length === 0) takeAnyway(context, slot, event, offer, at)
}

/** What was given back is accepted. An acceptance that names no decision names nothing that was promised. */
function takeAnyway(context: StepContext, slot: Slot, event: Event, offer: CompiledOffer, at: number): void {
  const id = event.data['decisionId']
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)) return
  const decision = decisionNumber(id)
  addClaim(context.states, slot, { at, until: 0, decision, offerKey: offer.key, channel: 0 })
  settle(context, event.customerId, offer, claimNumber(decision, offer.key), 'confirm')
}

/**
 * What became of the message of a decision, whose contacts are still known: failed or recalled gives the claims back that it showed, unless
 * another decision shows them too; sent takes for good what an offer takes by being made, also when that was given back before.
 *
 * @param decision first 53 bits of its id
 */
export function settleMessage(
  context: StepContext,
  slot: Slot,
  customerId: string,
  decision: number,
  how: 'sent' | 'gone',
): void {
  const { states, pack } = context
  if (!context.run.tables.takesAny) return
  for (const offer of pack.offers) {
    if (offer.takes === null) continue
    if (how === 'sent' && isForgotten(states, slot, offer.key, decision))
      settle(context, customerId, offer, claimNumber(decision, offer.key), 'confirm', 'offering')
    for (const claim of openClaims(states, slot, offer.key)) {
      const { itself, others } = showersOf(states, slot, offer.key, claim, decision)
      if (!itself) continue
      if (how === 'sent') settle(context, customerId, offer, claim.number, 'confirm', 'offering')
      else if (!others && !claim.isShown) giveBack(context, slot, customerId, offer, claim.number)
    }
  }
}

/** Whether a decision has a contact of an offer of which no claim is known any more. */
function isForgotten(states: States, slot: Slot, offerKey: number, decision: number): boolean {
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (contact.decision === decision && contact.offer === offerKey)
      return claimsOn(states, slot, offerKey).length === 0
  }
  return false
}

/**
 * What is kept of an offer is shown on another channel where nobody reports, so that it is spent there as far as it is by being made. That
 * changes something the first time.
 *
 * @param channel key of the channel
 */
export function settleShown(
  context: StepContext,
  slot: Slot,
  customerId: string,
  offer: CompiledOffer,
  channel: number,
): boolean {
  const { states } = context
  const [kept] = openClaims(states, slot, offer.key)
  if (kept === undefined || kept.isShown || kept.channel === channel) return false
  states.answerContact(slot, kept.number)
  settle(context, customerId, offer, kept.number, 'confirm', 'offering')
  return true
}

/** Those that were accepted before are forgotten with it: should this one be accepted all the same, it is not taken for one of them. */
function giveBack(context: StepContext, slot: Slot, customerId: string, offer: CompiledOffer, number: number): void {
  const { states } = context
  for (const claim of claimsOn(states, slot, offer.key)) {
    if (claim.number === number || claim.until === 0) states.removeContact(slot, claim.number)
  }
  settle(context, customerId, offer, number, 'lapse')
}

/** Gives back everything that is kept for a customer and was not accepted. */
export function giveAllBack(context: StepContext, slot: Slot, customerId: string): void {
  if (!context.run.tables.takesAny) return
  for (const offer of context.pack.offers) {
    if (offer.takes === null) continue
    for (const { number } of openClaims(context.states, slot, offer.key))
      giveBack(context, slot, customerId, offer, number)
  }
}

/** Notes what has to become of a claim. `takenBy`: only of resources that are taken so; left out: of all. */
export function settle(
  { run, salt }: Pick<StepContext, 'run' | 'salt'>,
  customerId: string,
  { takes }: CompiledOffer,
  number: number,
  kind: Settlement['kind'],
  takenBy: 'offering' | null = null,
): void {
  const id = claimId(salt, customerId, number)
  for (const take of takes?.of ?? []) {
    if (takenBy !== null && take.takenBy !== takenBy) continue
    run.settlements.push({ kind, resource: take.id, id, amount: take.amount })
  }
}
