import { hash32 } from '../../ingest/hash.ts'
import { type Decision, released } from '../../sinks/decision.ts'
import type { Slot, States } from '../state/states.ts'
import { answerKey } from './answer-key.ts'
import { addClaim } from './claims.ts'
import { decisionNumber, decisionParts } from './decision-id.ts'
import { classCodes } from './funnel/key-scope.ts'
import { scratchContact } from './scratch-contact.ts'

const idHash = new Uint32Array(2)
const known = scratchContact()

/**
 * Takes the effects of a decision that left although the store lost its commit: the contacts it took, the answer a request
 * was given, what is kept for the customer of resources, what it let wait, what it recalled, and, for another decision that an event caused, that it is made. What waits and was taken up again is due once more then, and
 * finds its decision made. Idempotent by the decision's id. Pure; does not
 * depend on the pack. Of an erased customer nothing is taken.
 */
export function adoptDecision(states: States, slot: Slot, decision: Decision): void {
  if (states.erasedAt(slot) > 0) return
  const number = decisionNumber(decision.id)
  if (decision.reason === 'recalled') {
    // Known by the contact that it took back: its event finds nothing more to recall.
    for (const digits of decision.recalls) states.recallContact(slot, Number.parseInt(digits, 16))
    return
  }
  if (decision.cause.kind === 'event') states.adopt(slot, number)
  const isReleased = decision.cause.source === released.source && decision.cause.type === released.type
  for (const { trigger, at, expiresAt } of decision.held) {
    const origin = decisionParts(isReleased ? decision.cause.id : decision.id)
    states.hold(slot, { at, expiresAt, trigger: hash32(trigger), placement: hash32(decision.placement), origin })
  }
  const channel = hash32(decision.channel)
  for (const { offer, claim, until } of decision.stock) {
    if (claim === null) continue
    addClaim(states, slot, { at: decision.now, until, decision: number, offerKey: hash32(offer), channel })
  }
  if (decision.contacts.length === 0 || hasContact(states, slot, number)) return
  for (const { offer, category, class: messageClass } of decision.contacts) {
    states.addContact(slot, {
      at: decision.now,
      channel,
      category: hash32(category),
      offer: hash32(offer),
      class: classCodes[messageClass],
      decision: number,
      until: decision.confirmBy,
      answered: false,
      recalled: false,
    })
  }
  if (decision.cause.kind !== 'request') return
  const request = { requestId: decision.cause.id, placement: decision.placement }
  answerKey(request, decision.reason !== 'not_personalised', idHash)
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
