import type { Event } from '../../ingest/event.ts'
import { overrideType } from '../../ingest/override.ts'
import type { TypePlan } from '../../rules/compiled.ts'
import type { Slot, States } from '../state/states.ts'
import { applyOverride, endOverride } from './apply-override.ts'
import { decisionNumber } from './decision-id.ts'
import { applyRevocation, isUsable, noteOrigin } from './origins.ts'
import { scratchContact } from './scratch-contact.ts'
import { settleAnswer, settleMessage } from './settle-claims.ts'
import type { EventInput, StepContext } from './step.ts'

/**
 * Writes what an accepted event says into the customer's state: attributes, series, receipts, overrides, suppressions, in
 * this order. An event of a source the bank may not use adds to no feature, sets no attribute, lifts no suppression, opens
 * nothing and gives no contact back; it may only set a suppression, which closes and never opens.
 *
 * What it says of the customer (attributes, lifts) holds from `acceptedAt` on at the latest: a clock that is a little ahead
 * must not outdo what another system says afterwards.
 *
 * @returns the first 52 bits of the id of a decision whose message went out although it had been recalled; -1: there is none
 */
export function applyEvent(
  context: StepContext,
  slot: Slot,
  event: Event,
  time: number,
  acceptedAt: number,
  plan: TypePlan,
  lawful: boolean,
): number {
  const heard = Math.min(time, acceptedAt)
  let sent = -1
  if (lawful) {
    const sets = setAttributes(context, slot, event, heard, plan)
    if (addEntries(context, slot, event, time, plan, null) || sets) noteOrigin(context, slot, event, time, plan)
    sent = applyReceipt(context, slot, event)
    settleAnswer(context, slot, event, heard)
    if (event.type === overrideType) applyOverride(context.pack, context.states, slot, event, heard)
  }
  applySuppressions(context, slot, event, { time, acceptedAt, liftAt: lawful ? heard : null }, plan)
  applyRevocation(context, slot, event, Math.max(time, acceptedAt), lawful)
  return sent
}

/**
 * Sets the suppressions an event asks for, and ends the overrides that were given before it was heard of; lifts them from
 * `liftAt` on, null: lifts nothing. Setting one also holds for an event that came too late to count: it only closes, and a
 * repeat changes nothing.
 */
export function applySuppressions(
  context: StepContext,
  slot: Slot,
  event: Event,
  times: { readonly time: number; readonly acceptedAt: number; readonly liftAt: number | null },
  plan: TypePlan,
): void {
  const { time, acceptedAt, liftAt } = times
  const { suppressions } = plan
  for (let i = 0; i < suppressions.length; i++) {
    const suppression = suppressions[i]
    const guardrail = suppression === undefined ? undefined : context.pack.guardrails[suppression.guardrail]
    if (suppression === undefined || guardrail === undefined) continue
    if (suppression.where !== null && !suppression.where(event.data)) continue
    if (suppression.forMs > 0) {
      context.states.suppress(slot, guardrail.key, time, time + suppression.forMs)
      if (guardrail.override !== null) endOverride(context.states, slot, guardrail.override, acceptedAt)
    } else if (liftAt !== null) context.states.lift(slot, guardrail.key, liftAt)
  }
}

function setAttributes(context: StepContext, slot: Slot, event: Event, time: number, plan: TypePlan): boolean {
  const { attributes } = plan
  let sets = false
  for (let i = 0; i < attributes.length; i++) {
    const rule = attributes[i]
    if (rule === undefined || (rule.where !== null && !rule.where(event.data))) continue
    const value = rule.read(event.data)
    // NaN clears: the source says that it no longer knows, which is not the same as saying nothing.
    if (Number.isNaN(value) && !rule.clears(event.data)) continue
    context.states.setAttribute(slot, rule.attribute, value, time)
    sets = true
    if (rule.until !== null) context.states.setAttribute(slot, rule.until.stored, rule.until.read(event.data), time)
  }
  return sets
}

/**
 * Makes unknown what an event may have said of the customer, its filters unasked: it cannot be taken, and what it would have changed
 * must not be believed any more.
 */
export function clearAttributes(
  context: StepContext,
  slot: Slot,
  { event, acceptedAt }: Pick<EventInput, 'event' | 'acceptedAt'>,
  time: number,
  plan: TypePlan,
): void {
  if (!isUsable(context, slot, event, acceptedAt)) return
  for (const { attribute, read, clears } of plan.attributes) {
    if (Number.isNaN(read(event.data)) && !clears(event.data)) continue
    context.states.setAttribute(slot, attribute, Number.NaN, time)
  }
}

/**
 * Adds an event to the series of its type that it belongs to; false: to none.
 * @param takes which series to add to; null: all
 */
export function addEntries(
  context: StepContext,
  slot: Slot,
  event: Event,
  time: number,
  plan: TypePlan,
  takes: ((series: number) => boolean) | null,
): boolean {
  const { series } = plan
  let added = false
  for (let i = 0; i < series.length; i++) {
    const rule = series[i]
    if (rule === undefined || (takes !== null && !takes(rule.series))) continue
    if (rule.where !== null && !rule.where(event.data)) continue
    context.states.addEntry(slot, rule.series, time, rule.value === null ? 0 : rule.value(event.data))
    added = true
  }
  return added
}

/**
 * What is said of a decision that went out. A message that will not reach the customer is no contact: its places under the caps are
 * free again. One that was sent counts for good, also when it had lapsed meanwhile. What the customer reacted to was sent.
 */
function applyReceipt(context: StepContext, slot: Slot, event: Event): number {
  const { states } = context
  const kind = receipts.get(event.type)
  if (kind === undefined) return -1
  const id = event.data['decisionId']
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)) return -1
  const decision = decisionNumber(id)
  if (kind === 'failed') {
    settleMessage(context, slot, event.customerId, decision, 'gone')
    // One contact for each offer of the decision.
    while (states.removeContact(slot, decision)) {}
    return -1
  }
  settleMessage(context, slot, event.customerId, decision, 'sent')
  const recalled = isRecalled(states, slot, decision)
  const isNew = states.confirmContact(slot, decision)
  if (kind === 'answered') states.answerContact(slot, decision)
  return recalled && isNew ? Math.floor(decision / 2) : -1
}

const contact = scratchContact()

function isRecalled(states: States, slot: Slot, decision: number): boolean {
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (contact.decision === decision) return contact.recalled
  }
  return false
}

const receipts: ReadonlyMap<string, 'failed' | 'sent' | 'answered'> = new Map([
  ['message.failed', 'failed'],
  ['message.sent', 'sent'],
  ['message.delivered', 'sent'],
  ['offer.clicked', 'answered'],
  ['offer.accepted', 'answered'],
  ['offer.dismissed', 'answered'],
])
