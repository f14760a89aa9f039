import { erasureType } from '../../ingest/erasure.ts'
import type { CompiledOffer, CompiledPlacement, CompiledTrigger, TypePlan } from '../../rules/compiled.ts'
import { consentKey } from '../../rules/source-table.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { Slot } from '../state/states.ts'
import { admitEvent, eventTimeOf } from './admit-event.ts'
import { applyEvent, applySuppressions, clearAttributes } from './apply-event.ts'
import { takeBackOverride } from './apply-override.ts'
import { buildDecision, emptyReason, recordClaims, recordContacts } from './build-decision.ts'
import { hitAt, proposeFromTriggers } from './candidates.ts'
import { decisionId, decisionNumber, decisionParts } from './decision-id.ts'
import { candidateReads, withTriggerReads } from './features-used.ts'
import { propose, resetRun } from './funnel/run.ts'
import { holdOffers } from './hold-offers.ts'
import { acceptedAfterExpiry, expiredAcceptance } from './late-acceptance.ts'
import { findEntries, missEntries } from './missing-events.ts'
import { applyRevocation, isUsable } from './origins.ts'
import { recallForbidden, sentAfterRecall } from './recall.ts'
import { runFunnel } from './run-funnel.ts'
import { giveAllBack } from './settle-claims.ts'
import type { EventInput, EventOutcome, StepContext } from './step.ts'
import { fillFrame, findTriggers } from './triggers.ts'

/**
 * Takes one event of the log into its customer's state and decides what its triggers asked for: one decision for each
 * outbound placement, in the pack's order of placements, with a fate for every candidate. Pure but for the state in
 * `slot`, which it changes. An event without a hit allocates no outcome.
 *
 * A decision that was adopted (it left although the store lost its commit) is not made again.
 *
 * Of an event that comes too late, or that cannot be taken because a rule or the shard failed on it (`poison`), only what closes
 * is done.
 *
 * The triggers look at the event's time, the funnel at the later of that and `now`.
 */
export function stepEvent(context: StepContext, slot: Slot, input: EventInput): EventOutcome {
  const { event, acceptedAt, now } = input
  const time = eventTimeOf(event.time, acceptedAt)
  const plan = context.pack.types.get(event.type)
  const status = admitEvent(context, slot, input, time, plan)
  const settled = time === event.time ? undecided : undecidedClamped
  if (event.type === erasureType) return eraseCustomer(context, slot, input, status)
  if ((status === 'too_late' || status === 'poison') && plan !== undefined) {
    applySuppressions(context, slot, event, { time, acceptedAt, liftAt: null }, plan)
    applyRevocation(context, slot, event, Math.max(time, acceptedAt), false)
    if (isUsable(context, slot, event, acceptedAt)) takeBackOverride(context, slot, event, Math.min(time, acceptedAt))
    if (status === 'poison') {
      clearAttributes(context, slot, input, Math.min(time, acceptedAt), plan)
      missEntries(context, slot, input, time, plan)
    }
    const recalls = recallForbidden(context, slot, input, time)
    return recalls.length === 0 ? settled[status] : { status, clamped: time !== event.time, decisions: recalls }
  }
  if (status === 'accepted' || status === 'duplicate') findEntries(context, slot, input)
  if (status !== 'accepted' || plan === undefined) return settled[status]

  const usable = isUsable(context, slot, event, acceptedAt)
  const before = applyAndRecall(context, slot, input, time, plan, usable)
  const { run } = context
  run.slot = slot
  run.customerId = event.customerId
  run.now = now
  run.asOf = time
  run.event = event.data
  run.lawful = usable
  run.usableFor = context.pack.sources.get(event.source)?.purposes ?? 0
  run.consent = event.provenance.consentId === null ? 0 : consentKey(event.provenance.consentId)
  const hits = findTriggers(context, event.data, plan)
  if (hits === 0 && before.length === 0) return settled.accepted
  const decisions = hits === 0 ? before : [...before, ...decidePlacements(context, input, time, plan, hits)]
  return { status, clamped: time !== event.time, decisions }
}

/** What the event says goes into the state; then what it forbids is recalled. The records of it, mostly none. */
function applyAndRecall(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  time: number,
  plan: TypePlan,
  lawful: boolean,
): readonly Decision[] {
  const { event, acceptedAt } = input
  const expired = lawful ? expiredAcceptance(context, slot, event, time) : -1
  const sent = applyEvent(context, slot, event, time, acceptedAt, plan, lawful)
  const recalls = context.run.tables.closingTypes.has(event.type) ? recallForbidden(context, slot, input, time) : none
  const late = sent === -1 ? null : sentAfterRecall(context, slot, input, time, sent)
  const tooLate = expired === -1 ? null : acceptedAfterExpiry(context, slot, input, time, expired)
  if (late === null && tooLate === null) return recalls
  return [...recalls, ...(late === null ? [] : [late]), ...(tooLate === null ? [] : [tooLate])]
}

/** Erasing is never too late: whatever the event claims, the customer is erased as of its arrival. What is kept for them is given back. */
function eraseCustomer(
  context: StepContext,
  slot: Slot,
  { event, acceptedAt }: EventInput,
  status: EventOutcome['status'],
): EventOutcome {
  if (status === 'duplicate') return undecided.duplicate
  giveAllBack(context, slot, event.customerId)
  context.states.erase(slot, acceptedAt)
  return undecided.accepted
}

function decidePlacements(
  context: StepContext,
  input: EventInput,
  time: number,
  plan: TypePlan,
  hits: number,
): readonly Decision[] {
  const wanted = new Set<number>()
  for (let i = 0; i < hits; i++) wanted.add(hitAt(context, plan, i)?.placement ?? -1)
  const { placements } = context.pack
  const { switchTargets } = context.run.tables
  const decisions: Decision[] = []
  const switched: Switched[] = []
  const decide = (placement: CompiledPlacement, targets: boolean): void => {
    if (switchTargets.has(placement.index) !== targets || placement.direction !== 'outbound') return
    const come = switched.filter(({ to }) => to === placement.index)
    if (!wanted.has(placement.index) && come.length === 0) return
    const decision = decidePlacement(context, input, { placement, time, plan, hits, come })
    if (decision === null) return
    decisions.push(decision)
    if (!targets) switched.push(...switchedOf(context))
  }
  for (const placement of placements) decide(placement, false)
  for (const placement of switchTargets.size === 0 ? [] : placements) decide(placement, true)
  return decisions
}

/** An offer that goes another way because of quiet hours. */
type Switched = { readonly to: number; readonly offer: CompiledOffer; readonly trigger: CompiledTrigger }

function switchedOf({ run }: StepContext): readonly Switched[] {
  const switched: Switched[] = []
  for (let i = 0; i < run.size; i++) {
    const { offer, trigger, switchTo } = run.candidates[i] ?? {}
    if (offer !== undefined && trigger != null && switchTo !== undefined && switchTo >= 0)
      switched.push({ to: switchTo, offer, trigger })
  }
  return switched
}

function decidePlacement(
  context: StepContext,
  input: EventInput,
  parts: {
    readonly placement: CompiledPlacement
    readonly time: number
    readonly plan: TypePlan
    readonly hits: number
    readonly come: readonly Switched[]
  },
): Decision | null {
  const { run } = context
  const { placement, time, plan, hits, come } = parts
  const id = decisionId(context.salt, 'event', [input.event.source, input.event.id, placement.id])
  // It left before the store lost it: its effects are adopted, and a second content must not follow.
  if (context.states.settle(run.slot, decisionNumber(id))) return null
  resetRun(run, placement, placement.slots)
  run.decisionId = id
  proposeFromTriggers(context, plan, hits, input.now - time)
  for (const { offer, trigger } of come) propose(run, offer, trigger)
  run.asOf = time
  fillFrame(context, plan.triggers.reads)
  run.asOf = Math.max(time, input.now)
  const reads = candidateReads(run)
  fillFrame(context, reads)
  runFunnel(context)
  return decisionOf(context, input, { id, time, variables: withTriggerReads(run, reads) })
}

function decisionOf(
  context: StepContext,
  input: EventInput,
  { id, time, variables }: { readonly id: string; readonly time: number; readonly variables: readonly number[] },
): Decision {
  const { event, acceptedAt, now } = input
  const { run } = context
  if (run.chosen.length > 0) {
    recordContacts(context, id, now)
    recordClaims(context, id, event.customerId)
  }
  const held = holdOffers(context, event.customerId, () => decisionParts(id))
  const offered = run.chosen.length > 0
  return buildDecision(context, {
    id,
    customerId: event.customerId,
    cause: { kind: 'event', id: event.id, source: event.source, type: event.type },
    times: { eventTime: time, acceptedAt, now },
    outcome: offered ? 'offered' : 'none',
    reason: offered ? 'offered' : emptyReason(run),
    validFrom: now,
    variables,
    held,
  })
}

const none: readonly Decision[] = Object.freeze([])

type Undecided = Readonly<Record<EventOutcome['status'], EventOutcome>>

/** Outcomes without decisions, made once: the hot path hands them out and allocates nothing. */
const undecided = outcomesWithoutDecisions({ clamped: false })
const undecidedClamped = outcomesWithoutDecisions({ clamped: true })

function outcomesWithoutDecisions({ clamped }: { readonly clamped: boolean }): Undecided {
  const decisions: readonly Decision[] = Object.freeze([])
  const outcome = (status: EventOutcome['status']): EventOutcome => Object.freeze({ status, clamped, decisions })
  return {
    accepted: outcome('accepted'),
    duplicate: outcome('duplicate'),
    undecodable: outcome('undecodable'),
    schema_unknown: outcome('schema_unknown'),
    type_unknown: outcome('type_unknown'),
    field_missing: outcome('field_missing'),
    field_invalid: outcome('field_invalid'),
    field_unknown: outcome('field_unknown'),
    customer_invalid: outcome('customer_invalid'),
    time_invalid: outcome('time_invalid'),
    too_large: outcome('too_large'),
    too_late: outcome('too_late'),
    wrong_partition: outcome('wrong_partition'),
    wrong_currency: outcome('wrong_currency'),
    override_refused: outcome('override_refused'),
    state_too_large: outcome('state_too_large'),
    poison: outcome('poison'),
    erased: outcome('erased'),
    untrusted_source: outcome('untrusted_source'),
    customer_unknown: outcome('customer_unknown'),
    alias_taken: outcome('alias_taken'),
    aliases_full: outcome('aliases_full'),
  }
}
