import assert from 'node:assert/strict'
import type { ReasonCode } from '../../rules/reasons.ts'
import { everyPurpose } from '../../rules/source-table.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { GivenAnswer, Slot } from '../state/states.ts'
import { answerAgain } from './answer-again.ts'
import { answerKey } from './answer-key.ts'
import { buildDecision, emptyReason, recordClaims, recordContacts } from './build-decision.ts'
import { proposeForPlacement } from './candidates.ts'
import { hasHistory } from './cold-start.ts'
import { decisionId, decisionNumber } from './decision-id.ts'
import { everybody, wantsNothingPersonal } from './funnel/everybody.ts'
import { stoppedBy } from './funnel/final-gate.ts'
import { resetRun } from './funnel/run.ts'
import { runFunnel } from './run-funnel.ts'
import { scratchContact } from './scratch-contact.ts'
import type { RequestInput, RequestOutcome, StepContext } from './step.ts'
import { nowhere } from './step-context.ts'
import { fillFrame } from './triggers.ts'

const idHash = new Uint32Array(2)
const contact = scratchContact()
const nothing = { outcome: 'none', reason: 'no_candidate' } as const

/**
 * Answers a live request: every offer that fits the placement is a candidate. When nothing is left the placement's
 * fallback answers, through the final gate like everything else. Only an answer that reserves changes the state: a contact, of
 * resources, or that what is kept was shown. One with a contact is remembered for its request id, so that a retry within ten minutes takes nothing twice. Any other answer
 * is computed again, from the state of then, and is another decision. A placement that the pack does not have, or that is not inbound, gets nothing.
 */
export function stepRequest(context: StepContext, slot: Slot, input: RequestInput): RequestOutcome {
  const { run, states, pack } = context
  run.slot = slot
  run.now = input.now
  run.asOf = input.now
  run.anonymous = input.personalised === false || wantsNothingPersonal(run)
  if (!run.anonymous) return answerRequest(context, slot, input)
  run.states = everybody(states, pack)
  try {
    return answerRequest(context, slot, input)
  } finally {
    run.states = states
    run.anonymous = false
  }
}

function answerRequest(context: StepContext, slot: Slot, input: RequestInput): RequestOutcome {
  assert(input.count >= 1, 'a request asks for at least one offer')
  const { run, states } = context
  const placement = run.tables.placementById.get(input.placement)
  run.slot = slot
  run.customerId = input.customerId
  run.now = input.now
  run.asOf = input.now
  run.event = null
  run.lawful = true
  run.usableFor = everyPurpose
  run.consent = 0
  if (placement?.direction !== 'inbound') {
    resetRun(run, { ...nowhere, id: input.placement }, 0)
    const decision = requestDecision(context, input, { id: idOfAnswer(context, input), ...nothing })
    return { decision, reserves: false, repeats: false }
  }
  resetRun(run, placement, Math.min(input.count, placement.slots))
  if (states.erasedAt(slot) > 0)
    return { decision: fallbackDecision(context, input, 'erased'), reserves: false, repeats: false }
  const table = run.tables.placements[placement.index]
  fillFrame(context, table?.reads ?? [])
  if (table?.contact !== true) return passing(context, input)

  answerKey(input, !run.anonymous, idHash)
  const high = idHash[0]!
  const low = idHash[1]!
  const given = states.answerOf(slot, high, low, input.now) ?? answerOfNow(context, input)
  if (given !== null) {
    const again = repeat(context, input, given)
    return { decision: again, reserves: false, repeats: again.reason === 'repeated_request' }
  }
  const decision = decide(context, input, idOfRequest(context, input, input.now))
  if (run.chosen.length === 0) return { decision, reserves: false, repeats: false }
  recordContacts(context, decision.id, input.now)
  recordClaims(context, decision.id, input.customerId)
  const keys = run.chosen.map((candidate) => candidate.offer.key)
  states.rememberAnswer(slot, high, low, input.now, keys)
  return { decision, reserves: true, repeats: false }
}

/** More requests than are remembered may be answered at one instant: then their contacts still tell what was, so that no id gets a second content. */
function answerOfNow(context: StepContext, input: RequestInput): GivenAnswer | null {
  const { states, run } = context
  const { now: at } = input
  const count = states.contactCount(run.slot)
  if (count === 0) return null
  states.contactAt(run.slot, count - 1, contact)
  if (contact.at < at) return null
  const decision = decisionNumber(idOfRequest(context, input, at))
  const offers: number[] = []
  for (let i = 0; i < count; i++) {
    states.contactAt(run.slot, i, contact)
    if (contact.decision === decision) offers.push(contact.offer)
  }
  return offers.length === 0 ? null : { at, offers }
}

/**
 * An answer on a channel that counts no contacts: it changes something only when an offer takes of a resource that nothing is kept of yet. Nothing
 * remembers it: asked again it is another one, with a claim of its own should this one's be over.
 */
function passing(context: StepContext, input: RequestInput): RequestOutcome {
  const decision = decide(context, input, idOfAnswer(context, input))
  const reserves = recordClaims(context, decision.id, input.customerId)
  return { decision, reserves, repeats: false }
}

/** @param id of the answer, should something be chosen */
function decide(context: StepContext, input: RequestInput, id: string): Decision {
  const { run } = context
  run.decisionId = id
  proposeForPlacement(context)
  runFunnel(context)
  if (run.chosen.length > 0) {
    const reason = run.anonymous ? 'not_personalised' : 'offered'
    return requestDecision(context, input, { id, outcome: 'offered', reason })
  }
  if (run.anonymous) return fallbackDecision(context, input, 'not_personalised')
  return fallbackDecision(context, input, hasHistory(run) ? emptyReason(run) : 'cold_start')
}

/** The answer given before, as far as no guardrail has closed since; else the fallback, under an id of its own. */
function repeat(context: StepContext, input: RequestInput, { at, offers }: GivenAnswer): Decision {
  const id = idOfRequest(context, input, at)
  context.run.decisionId = id
  const validFrom = answerAgain(context, offers, id)
  if (validFrom === null) return fallbackDecision(context, input, 'superseded')
  return requestDecision(context, input, { id, outcome: 'offered', reason: 'repeated_request', validFrom })
}

/** The placement's safe offer, when the final gate lets it through; else nothing. */
function fallbackDecision(context: StepContext, input: RequestInput, reason: ReasonCode): Decision {
  const { run, pack } = context
  const fallback = pack.offers[run.placement.fallback]
  const id = idOfAnswer(context, input)
  if (fallback === undefined || stoppedBy(run, fallback) !== null)
    return requestDecision(context, input, { id, outcome: 'none', reason: 'final_gate' })
  return requestDecision(context, input, { id, outcome: 'fallback', reason })
}

function requestDecision(
  context: StepContext,
  input: RequestInput,
  answer: Pick<Decision, 'id' | 'outcome'> & { readonly reason: ReasonCode; readonly validFrom?: number },
): Decision {
  const { run } = context
  const { now } = input
  return buildDecision(context, {
    customerId: input.customerId,
    cause: { kind: 'request', id: input.requestId, source: '', type: '' },
    times: { eventTime: now, acceptedAt: now, now },
    validFrom: now,
    ...answer,
    // The frame holds nothing of an erased customer, nor of one of whom nothing may be read.
    variables:
      answer.reason === 'erased' || run.anonymous ? [] : (run.tables.placements[run.placement.index]?.reads ?? []),
  })
}

/** Of the answer that reserves a contact, which is given again to the same request. `at`: when it was given first; once forgotten, the next one is another. */
function idOfRequest(context: StepContext, { customerId, requestId, placement }: RequestInput, at: number): string {
  const personal = context.run.anonymous ? ['not personal'] : []
  return decisionId(context.salt, 'request', [customerId, requestId, placement, String(at), ...personal])
}

/** Of an answer that nothing remembers: asked again, the same request gets another one, with another content. */
function idOfAnswer(context: StepContext, input: RequestInput): string {
  const { customerId, requestId, placement, now, turn } = input
  return decisionId(context.salt, 'answer', [customerId, requestId, placement, String(now), turn])
}
