import type { CompiledPlacement, CompiledTrigger } from '../../rules/compiled.ts'
import { everyPurpose } from '../../rules/source-table.ts'
import { type Decision, released } from '../../sinks/decision.ts'
import type { Held, Slot } from '../state/states.ts'
import { buildDecision, emptyReason, recordClaims, recordContacts } from './build-decision.ts'
import { decisionId, decisionNumber, decisionOf } from './decision-id.ts'
import { candidateReads } from './features-used.ts'
import { drop, propose, resetRun } from './funnel/run.ts'
import { holdOffers } from './hold-offers.ts'
import { runFunnel } from './run-funnel.ts'
import type { StepContext, TimerInput } from './step.ts'
import { nowhere } from './step-context.ts'
import { fillFrame } from './triggers.ts'

/**
 * Takes up what waited and is due at `now`: the offers of each trigger go through the whole funnel again, as if they were proposed
 * then, and one decision says what became of them. Pure but for the state in `slot`. Nothing due: no decisions.
 *
 * A decision that was adopted (it left although the store lost its commit) is not made again.
 */
export function stepTimer(context: StepContext, slot: Slot, input: TimerInput): readonly Decision[] {
  const { states } = context
  const decisions: Decision[] = []
  if (states.erasedAt(slot) > 0) return decisions
  for (const held of states.heldOf(slot)) {
    if (held.at > input.now) break
    states.letGo(slot, held.trigger, held.placement)
    const decision = decideHeld(context, slot, input, held)
    if (decision !== null) decisions.push(decision)
  }
  return decisions
}

function decideHeld(context: StepContext, slot: Slot, input: TimerInput, held: Held): Decision | null {
  const { run, states } = context
  const origin = decisionOf(held.origin)
  const named = [String(held.trigger), String(held.placement), String(held.at)]
  const id = decisionId(context.salt, 'timer', [input.customerId, origin, ...named])
  if (states.settle(slot, decisionNumber(id))) return null
  run.slot = slot
  run.customerId = input.customerId
  run.now = input.now
  run.asOf = input.now
  run.event = null
  run.lawful = true
  run.usableFor = everyPurpose
  run.consent = 0
  run.decisionId = id
  const trigger = run.tables.triggerByKey.get(held.trigger)
  const placement = run.tables.placementByKey.get(held.placement)
  const parts = { id, origin, held }
  if (trigger === undefined || placement === undefined) {
    resetRun(run, placement ?? { ...nowhere, id: '' }, 0)
    return record(context, input, { ...parts, outcome: 'none', reason: 'pack_changed', variables: [] })
  }
  proposeHeld(context, placement, trigger, held, input.now)
  const variables = candidateReads(run)
  fillFrame(context, variables)
  runFunnel(context)
  if (run.chosen.length > 0) {
    recordContacts(context, id, input.now)
    recordClaims(context, id, input.customerId)
  }
  const again = holdOffers(context, input.customerId, () => held.origin)
  const offered = run.chosen.length > 0
  return record(context, input, {
    ...parts,
    outcome: offered ? 'offered' : 'none',
    reason: offered ? 'offered' : emptyReason(run),
    variables,
    again,
  })
}

function proposeHeld(
  { run, pack }: StepContext,
  placement: CompiledPlacement,
  trigger: CompiledTrigger,
  held: Held,
  now: number,
): void {
  resetRun(run, placement, placement.slots)
  for (const index of trigger.offers) {
    const offer = pack.offers[index]
    if (offer === undefined) continue
    const candidate = propose(run, offer, trigger)
    if (now >= held.expiresAt) drop(candidate, 'trigger', 'hold_expired', null)
  }
}

function record(
  context: StepContext,
  { customerId, now }: TimerInput,
  parts: Pick<Parameters<typeof buildDecision>[1], 'id' | 'outcome' | 'reason' | 'variables'> & {
    readonly origin: string
    readonly held: Held
    readonly again?: Decision['held']
  },
): Decision {
  const { id, outcome, reason, variables, origin, held, again = [] } = parts
  return buildDecision(context, {
    id,
    customerId,
    cause: { kind: 'event', id: origin, ...released },
    times: { eventTime: held.at, acceptedAt: held.at, now },
    outcome,
    reason,
    validFrom: now,
    variables,
    held: again,
  })
}
