import { hash32, hash64 } from '../../ingest/hash.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { Slot, States } from '../state/states.ts'
import { decisionNumber } from './decision-id.ts'
import { classCodes } from './funnel/tables.ts'
import { scratchContact } from './scratch-contact.ts'

const idHash = new Uint32Array(2)
const known = scratchContact()

/**
 * Takes the effects of a decision that left although the store lost its commit: the contacts it took, the answer a request
 * was given, and, for a decision that an event caused, that it is made. Idempotent by the decision's id. Pure; does not
 * depend on the pack. Of an erased customer nothing is taken.
 */
export function adoptDecision(states: States, slot: Slot, decision: Decision): void {
  if (states.erasedAt(slot) > 0) return
  const number = decisionNumber(decision.id)
  if (decision.cause.kind === 'event') states.adopt(slot, number)
  if (decision.contacts.length === 0 || hasContact(states, slot, number)) return
  const channel = hash32(decision.channel)
  for (const { offer, category, class: messageClass } of decision.contacts) {
    states.addContact(slot, {
      at: decision.now,
      channel,
      category: hash32(category),
      offer: hash32(offer),
      class: classCodes[messageClass],
      decision: number,
    })
  }
  if (decision.cause.kind !== 'request') return
  hash64(`${decision.cause.id}\0${decision.placement}`, idHash)
  const offers = decision.contacts.map(({ offer }) => hash32(offer))
  states.rememberAnswer(slot, idHash[0]!, idHash[1]!, decision.now, offers)
}

function hasContact(states: States, slot: Slot, number: number): boolean {
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, known)
    if (known.decision === number) return true
  }
  return false
}
