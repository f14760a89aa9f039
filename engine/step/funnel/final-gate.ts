import type { CompiledGuardrail, CompiledOffer } from '../../../rules/compiled.ts'
import type { States } from '../../state/states.ts'
import { drop, type FunnelRun } from './run.ts'
import type { GateRules } from './tables.ts'

/** What the gate looks at: the state, the rules and the input, nothing that an earlier stage has worked out. */
export type GateView = Pick<
  FunnelRun,
  | 'pack'
  | 'tables'
  | 'gateLo'
  | 'gateHi'
  | 'slot'
  | 'placement'
  | 'event'
  | 'lawful'
  | 'usableFor'
  | 'now'
  | 'asOf'
  | 'isInEffect'
> & { readonly states: Pick<States, 'evaluate' | 'suppressedUntil'> }

/** Guardrails that hold and were opened all the same, and by what: written by `stoppedBy`. */
export type Opened = { readonly guardrails: string[]; by: 'nobody' | 'role' | 'allow' }

const opened: Opened = { guardrails: [], by: 'nobody' }

/**
 * The last check, which nothing goes around: asks the state again, in a frame of its own and by scopes matched apart
 * from the guardrail stage, whether a guardrail, a running suppression, the customer's risk grade or an unlawful source
 * forbids what was chosen. It is no parameter of the step. What it stops is gone from the decision and is not refilled;
 * the fate `final_gate` is the alarm: an earlier stage let through what it must not. What leaves although a guardrail
 * holds, because a role or the pack opened it, says so in its fate.
 */
export function passFinalGate(run: FunnelRun): void {
  let kept = 0
  for (const candidate of run.chosen) {
    const rule = stoppedBy(run, candidate.offer, opened)
    if (rule !== null) {
      drop(candidate, 'final_gate', 'final_gate', rule)
      continue
    }
    run.chosen[kept++] = candidate
    if (opened.by === 'nobody') continue
    candidate.reason = opened.by === 'role' ? 'offered_by_override' : 'offered_by_allow'
    candidate.rule = opened.guardrails.join(', ')
  }
  run.chosen.length = kept
}

/**
 * The rule that forbids an offer on the view's placement now: a guardrail's id, or the kind of check; null: none does.
 *
 * Precedence: a guardrail that nothing may open closes; else an override of the role it names opens it for the customer,
 * or an allow whose scope holds the offer and whose condition must be true; else it closes.
 */
export function stoppedBy(view: GateView, offer: CompiledOffer, into: Opened = opened): string | null {
  into.guardrails.length = 0
  into.by = 'nobody'
  if (!view.lawful) return 'unlawful_source'
  if ((offer.purposes & ~view.usableFor) !== 0) return 'other_purpose'
  const { pack, states, slot, asOf, now, gateLo, gateHi } = view
  const rules = view.tables.placements[view.placement.index]?.gate[offer.index]
  if (rules === undefined) return 'unknown_placement'
  states.evaluate(slot, asOf, now, rules.reads, gateLo, gateHi)
  gateLo[pack.lawfulVariable] = 1
  gateHi[pack.lawfulVariable] = 1
  for (let i = 0; i < rules.guardrails.length; i++) {
    const guardrail = pack.guardrails[rules.guardrails[i] ?? -1]
    if (guardrail === undefined) return 'unknown_guardrail'
    if (!holds(view, guardrail)) continue
    const { override } = guardrail
    if (override === null) return guardrail.id
    if (states.suppressedUntil(slot, override.key) > now) into.by = 'role'
    else if (!isAllowed(view, offer, rules)) return guardrail.id
    else if (into.by === 'nobody') into.by = 'allow'
    into.guardrails.push(guardrail.id)
  }
  const grade = offer.model.riskGrade
  if (grade !== null && grade > pack.gradeAllowed(gateLo, gateHi)) return 'suitability'
  return null
}

function holds(view: GateView, guardrail: CompiledGuardrail): boolean {
  if (!view.isInEffect(guardrail.window)) return false
  if (guardrail.hasSuppression && view.states.suppressedUntil(view.slot, guardrail.key) > view.now) return true
  return guardrail.condition?.may(view.gateLo, view.gateHi, view.event) === true
}

/** Asked anew for every guardrail: rare, and with no memory there is nothing that could be stale. */
function isAllowed(view: GateView, { purposes }: CompiledOffer, rules: GateRules): boolean {
  let lo = view.gateLo
  let hi = view.gateHi
  if (purposes !== 0) {
    // What opens reads only data that may be used for it; what closes has read all of it.
    const reads = rules.allows.flatMap((index) => view.pack.allows[index]?.condition?.reads ?? [])
    lo = lo.slice()
    hi = hi.slice()
    view.states.evaluate(view.slot, view.asOf, view.now, reads, lo, hi, purposes)
  }
  for (let i = 0; i < rules.allows.length; i++) {
    const allow = view.pack.allows[rules.allows[i] ?? -1]
    if (allow === undefined || !view.isInEffect(allow.window)) continue
    if (allow.condition === null || allow.condition.must(lo, hi, view.event)) return true
  }
  return false
}
