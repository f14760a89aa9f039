/**
 * The step of a triggered event, written out stage by stage from the engine's own functions, so that each can be timed and the record left
 * out. The benchmark compares its decisions with those of `stepEvent` before it measures anything.
 */

import type { Slot } from '../../engine/state/states.ts'
import { admitEvent, eventTimeOf } from '../../engine/step/admit-event.ts'
import { applyEvent } from '../../engine/step/apply-event.ts'
import { buildDecision, emptyReason, recordContacts } from '../../engine/step/build-decision.ts'
import { hitAt, proposeFromTriggers } from '../../engine/step/candidates.ts'
import { decisionId, decisionNumber, decisionParts } from '../../engine/step/decision-id.ts'
import { candidateReads, withTriggerReads } from '../../engine/step/features-used.ts'
import { passFinalGate } from '../../engine/step/funnel/final-gate.ts'
import { noteTrials } from '../../engine/step/funnel/holdout-trials.ts'
import { dropMisfits, fillPlacement } from '../../engine/step/funnel/placement.ts'
import { resetRun } from '../../engine/step/funnel/run.ts'
import { holdOffers } from '../../engine/step/hold-offers.ts'
import type { EventInput, StepContext } from '../../engine/step/step.ts'
import { fillFrame, findTriggers } from '../../engine/step/triggers.ts'
import { isLawful } from '../../rules/lawful.ts'
import type { Decision } from '../../sinks/decision.ts'

/** The stages that are timed, in order. */
export const timedStages = [
  'admit and apply',
  'triggers',
  'id and candidates',
  'features into the frame',
  'eligibility',
  'suitability',
  'guardrail',
  'contact',
  'holdout',
  'arbitration',
  'placement',
  'final gate',
  'contacts and holds into the state',
  'record with all reasons',
] as const

/** Told the position in `timedStages` of each stage that ended. */
export type Mark = (stage: number) => void

/** What is left when no reasons are kept: what may be offered. */
export type BareOutcome = { readonly id: string; readonly offers: readonly string[] }

/**
 * Steps one event that hits triggers of one outbound placement and that nothing was adopted for.
 * @param keeps whether the record is made: fates, features, terms; else only what is offered
 * @throws Error when the event is not accepted or hits nothing
 */
export function stagedStep(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  mark: Mark,
  keeps: 'reasons' | 'offers',
): Decision | BareOutcome {
  const { run, pack, filters } = context
  const { event, acceptedAt, now } = input
  const time = eventTimeOf(event.time, acceptedAt)
  const plan = pack.types.get(event.type)
  if (admitEvent(context, slot, input, time, plan) !== 'accepted' || plan === undefined)
    throw new Error('an event was not accepted')
  run.slot = slot
  run.customerId = event.customerId
  run.now = now
  run.asOf = time
  run.event = event.data
  run.lawful = isLawful(pack, event.source, acceptedAt)
  applyEvent(context, slot, event, time, acceptedAt, plan, run.lawful)
  mark(0)

  const hits = findTriggers(context, event.data, plan)
  mark(1)
  const placement = pack.placements[hitAt(context, plan, 0)?.placement ?? -1]
  if (hits === 0 || placement === undefined) throw new Error('an event hit nothing')

  const id = decisionId(context.salt, 'event', [event.source, event.id, placement.id])
  if (context.states.settle(slot, decisionNumber(id))) throw new Error('a decision was adopted')
  resetRun(run, placement, placement.slots)
  run.decisionId = id
  proposeFromTriggers(context, plan, hits, now - time)
  mark(2)

  fillFrame(context, plan.triggers.reads)
  run.asOf = Math.max(time, now)
  const reads = candidateReads(run)
  fillFrame(context, reads)
  dropMisfits(run)
  mark(3)
  filters.eligibility(run)
  mark(4)
  filters.suitability(run)
  mark(5)
  filters.guardrail(run)
  mark(6)
  filters.contact(run)
  filters.fatigue(run)
  filters.stock(run)
  mark(7)
  filters.holdout(run)
  mark(8)
  filters.arbitration(run)
  mark(9)
  fillPlacement(run)
  mark(10)
  passFinalGate(run)
  noteTrials(run)
  mark(11)

  const offered = run.chosen.length > 0
  const variables = keeps === 'reasons' ? withTriggerReads(run, reads) : []
  if (offered) recordContacts(context, id, now)
  const held = holdOffers(context, event.customerId, () => decisionParts(id))
  mark(12)
  if (keeps === 'offers') return { id, offers: run.chosen.map(({ offer }) => offer.id) }
  const decision = buildDecision(context, {
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
  mark(13)
  return decision
}
