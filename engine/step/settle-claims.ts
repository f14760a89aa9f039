/** What answers and receipts come to for claims: taken for good, or given back. */
import type { Event } from '../../ingest/event.ts'
import { hash32 } from '../../ingest/hash.ts'
import type { CompiledOffer } from '../../rules/compiled.ts'
import type { Slot } from '../state/states.ts'
import { claimId, claimNumber, openClaims } from './claims.ts'
import type { Settlement } from './funnel/stock-view.ts'
import type { StepContext } from './step.ts'

/**
 * An answer names the offer, and counts for what is kept of it, whatever decision showed it. Accepted: the newest claim is taken for good,
 * also when its lease is over, as what was promised counts. Dismissed: given back.
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
  const [newest, ...others] = openClaims(states, slot, offer.key)
  if (newest === undefined) return
  if (accepted) {
    states.confirmContact(slot, newest.number)
    settle(context, event.customerId, offer, newest.number, 'confirm')
    return
  }
  for (const { number } of [newest, ...others]) giveBack(context, slot, event.customerId, offer, number)
}

/**
 * What became of the message of a decision: failed or recalled gives its claims back, sent takes for good what an offer takes by being
 * made.
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
    const number = claimNumber(decision, offer.key)
    if (!openClaims(states, slot, offer.key).some((claim) => claim.number === number)) continue
    if (how === 'gone') giveBack(context, slot, customerId, offer, number)
    else settle(context, customerId, offer, number, 'confirm', 'offering')
  }
}

function giveBack(context: StepContext, slot: Slot, customerId: string, offer: CompiledOffer, number: number): void {
  context.states.removeContact(slot, number)
  settle(context, customerId, offer, number, 'lapse')
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
