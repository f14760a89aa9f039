import { isReasonCode, type ReasonCode } from '../../rules/reasons.ts'
import { type Decision, recallDigits } from '../../sinks/decision.ts'
import { claimClass, type Slot, type States } from '../state/states.ts'
import { buildDecision } from './build-decision.ts'
import { contactStoppedBy, takeUpContacts } from './contact-gate.ts'
import { decisionId, decisionNumber } from './decision-id.ts'
import { type Candidate, drop, propose, resetRun } from './funnel/run.ts'
import { scratchContact } from './scratch-contact.ts'
import { settleMessage } from './settle-claims.ts'
import type { EventInput, StepContext } from './step.ts'
import { nowhere } from './step-context.ts'
import { fillFrame } from './triggers.ts'

/** One contact of a decision whose message may still be on its way. Keys as in `Contact`. */
type Waiting = { readonly channel: number; readonly offer: number; readonly decision: number }

const contact = scratchContact()
const none: readonly Decision[] = Object.freeze([])

/**
 * Takes messages back that are decided but not sent as far as we know, when the final gate forbids one of their offers now: a record
 * with reason `recalled` for each decision, and its contacts count no longer. To be asked behind everything that an event
 * changed in the state. The same event recalls a decision once; one that was recalled is never recalled again.
 */
export function recallForbidden(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  time: number,
): readonly Decision[] {
  const { states } = context
  const waiting = waitingOf(states, slot, input.now)
  if (waiting === null) return none
  takeUpContacts(context, slot, { now: input.now, asOf: Math.max(time, input.now) })
  const decisions: Decision[] = []
  for (const [prefix, contacts] of waiting) {
    const stops = contacts.map((one) => contactStoppedBy(context, one))
    if (stops.every((rule) => rule === null)) continue
    decisions.push(recallOf(context, input, time, { prefix, contacts, stops }))
    states.recallContact(slot, prefix)
    for (const { decision } of contacts) settleMessage(context, slot, input.event.customerId, decision, 'gone')
  }
  return decisions
}

/** The record that a message went out which had been recalled: its recall came too late. `null`: it left before the store lost it. */
export function sentAfterRecall(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  time: number,
  prefix: number,
): Decision | null {
  const { states } = context
  const { event } = input
  const id = decisionId(context.salt, 'sent_after_recall', [event.source, event.id])
  if (states.settle(slot, decisionNumber(id))) return null
  return recordOn(context, slot, input, time, { id, reason: 'sent_after_recall', prefix })
}

/** A record without candidates about an earlier decision. */
export function recordOn(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  time: number,
  about: { readonly id: string; readonly reason: ReasonCode; readonly prefix: number },
): Decision {
  takeUpContacts(context, slot, { now: input.now, asOf: Math.max(time, input.now) })
  resetRun(context.run, nowhere, 0)
  return record(context, input, time, { ...about, variables: [] })
}

/** Contacts that lapse unless they are confirmed, by the first 52 bits of their decision's id; null: there are none. */
function waitingOf(states: States, slot: Slot, now: number): ReadonlyMap<number, Waiting[]> | null {
  let found: Map<number, Waiting[]> | null = null
  for (let i = 0; i < states.contactCount(slot); i++) {
    states.contactAt(slot, i, contact)
    if (contact.until <= now || contact.recalled || contact.class === claimClass) continue
    // Adopted, and its event is still to come by again: it was decided with this one known already.
    if (states.isAdopted(slot, contact.decision)) continue
    found ??= new Map()
    const prefix = Math.floor(contact.decision / 2)
    const known = found.get(prefix) ?? []
    known.push({ channel: contact.channel, offer: contact.offer, decision: contact.decision })
    found.set(prefix, known)
  }
  return found
}

type Found = {
  readonly prefix: number
  readonly contacts: readonly Waiting[]
  /** What forbids each of them; null: nothing. */
  readonly stops: readonly (string | null)[]
}

function recallOf(context: StepContext, input: EventInput, time: number, found: Found): Decision {
  const { run } = context
  const { tables } = run
  const { prefix, contacts, stops } = found
  const placement = tables.placementByChannel.get(contacts[0]?.channel ?? -1) ?? nowhere
  resetRun(run, placement, 0)
  const reads = new Set<number>()
  contacts.forEach(({ offer: key }, i) => {
    const offer = tables.offerByKey.get(key)
    const rule = stops[i] ?? null
    if (offer === undefined || rule === null) return
    for (const variable of tables.placements[placement.index]?.gate[offer.index]?.reads ?? []) reads.add(variable)
    dropFor(context, propose(run, offer, null), rule)
  })
  const variables = [...reads].sort((a, b) => a - b)
  fillFrame(context, variables)
  const id = decisionId(context.salt, 'recall', [input.event.source, input.event.id, digitsOf(prefix)])
  return record(context, input, time, { id, reason: 'recalled', prefix, variables })
}

/** Says which rule forbids it, as the funnel's own stages would. */
function dropFor({ pack }: StepContext, candidate: Candidate, rule: string): void {
  const guardrail = pack.guardrails.find(({ id }) => id === rule)
  if (guardrail !== undefined) {
    const { reason } = guardrail
    drop(candidate, 'guardrail', isReasonCode(reason) ? reason : 'bank_policy', guardrail.id)
  } else if (rule === 'suitability') drop(candidate, 'suitability', 'unsuitable_risk_grade', null)
  else drop(candidate, 'placement', 'channel_mismatch', null)
}

function record(
  context: StepContext,
  { event, acceptedAt, now }: EventInput,
  time: number,
  parts: {
    readonly id: string
    readonly reason: ReasonCode
    readonly prefix: number
    readonly variables: readonly number[]
  },
): Decision {
  return buildDecision(context, {
    id: parts.id,
    customerId: event.customerId,
    cause: { kind: 'event', id: event.id, source: event.source, type: event.type },
    times: { eventTime: time, acceptedAt, now },
    outcome: 'none',
    reason: parts.reason,
    validFrom: now,
    variables: parts.variables,
    recalls: [digitsOf(parts.prefix)],
  })
}

function digitsOf(prefix: number): string {
  return prefix.toString(16).padStart(recallDigits, '0')
}
