import type { CompiledGuardrail } from '../../../rules/compiled.ts'
import { isReasonCode, type ReasonCode } from '../../../rules/reasons.ts'
import { purposeBit } from '../../../rules/source-table.ts'
import { frameOf } from './frames.ts'
import { drop, type FunnelRun } from './run.ts'

const no = 1
const marketing = { purposes: purposeBit('marketing') }
const yes = 2

/**
 * Drops what a guardrail forbids: its condition may be true, or its suppression runs at `now`, and neither a role has
 * opened it for the customer nor an allow of the pack holds the offer. What comes from a source the bank may not use is
 * dropped whether or not the pack has a guardrail that says so.
 */
export function filterGuarded(run: FunnelRun): void {
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const guardrail = run.pack.guardrails[closedBy(run, candidate.offer.index)]
    if (guardrail !== undefined) {
      drop(candidate, 'guardrail', reasonOf(guardrail), guardrail.id)
      candidate.possibleAt = opensAt(run, guardrail)
    } else if (!run.lawful) drop(candidate, 'guardrail', 'unlawful_source', null)
    else if ((candidate.offer.purposes & ~run.usableFor) !== 0) drop(candidate, 'guardrail', 'other_purpose', null)
  }
}

/** The index of the guardrail that closes an offer, -1: none does. Asked once for all offers of a kind. */
function closedBy(run: FunnelRun, offer: number): number {
  const kind = run.tables.kinds[offer] ?? 0
  if (run.kindClosedBy[kind] === -2) run.kindClosedBy[kind] = firstClosed(run, offer)
  return run.kindClosedBy[kind]!
}

function firstClosed(run: FunnelRun, offer: number): number {
  const guardrails = run.pack.guardrailsOf(offer, run.placement.channel)
  for (let i = 0; i < guardrails.length; i++) {
    const index = guardrails[i]
    const guardrail = index === undefined ? undefined : run.pack.guardrails[index]
    if (index === undefined || guardrail === undefined) continue
    if (run.guardrailStates[index] === 0) run.guardrailStates[index] = isClosed(run, guardrail) ? yes : no
    if (run.guardrailStates[index] === no) continue
    if (guardrail.override === null || !isAllowed(run, offer)) return index
  }
  return -1
}

/** When a guardrail that is closed by a suppression alone, or in a window, opens again; 0: no passing of time opens it. */
function opensAt(run: FunnelRun, guardrail: CompiledGuardrail): number {
  const { window } = guardrail
  const closed = window?.closesAt(run.now) ?? Number.POSITIVE_INFINITY
  const held = guardrail.condition?.may(run.lo, run.hi, run.event) === true
  const asks = !held && guardrail.hasSuppression
  const suppressed = !asks ? 0 : run.states.suppressedUntil(run.slot, guardrail.key)
  if (!Number.isFinite(closed)) return suppressed
  return suppressed > 0 ? Math.min(suppressed, closed) : closed
}

/** Whether it closes for this customer, allows of the pack apart. */
function isClosed(run: FunnelRun, guardrail: CompiledGuardrail): boolean {
  const { states, slot, now } = run
  if (guardrail.window !== null && !guardrail.window.isOpen(now)) return false
  const holds =
    guardrail.condition?.may(run.lo, run.hi, run.event) === true ||
    (guardrail.hasSuppression && states.suppressedUntil(slot, guardrail.key) > now)
  if (!holds || guardrail.override === null) return holds
  return states.suppressedUntil(slot, guardrail.override.key) <= now
}

function isAllowed(run: FunnelRun, offer: number): boolean {
  const allows = run.pack.allowsOf(offer, run.placement.channel)
  for (let i = 0; i < allows.length; i++) {
    const index = allows[i]
    const allow = index === undefined ? undefined : run.pack.allows[index]
    if (index === undefined || allow === undefined) continue
    if (run.allowStates[index] === 0) {
      const isInEffect = allow.window === null || allow.window.isOpen(run.now)
      // An allow opens: it reads only what everything may be opened by.
      const { lo, hi } = frameOf(run, marketing)
      const holds = isInEffect && (allow.condition === null || allow.condition.must(lo, hi, run.event))
      run.allowStates[index] = holds ? yes : no
    }
    if (run.allowStates[index] === yes) return true
  }
  return false
}

/** The pack loader lets only codes of the closed list through; another word could come from a pack of a later release. */
function reasonOf(guardrail: CompiledGuardrail): ReasonCode {
  return isReasonCode(guardrail.reason) ? guardrail.reason : 'bank_policy'
}
