import type { CompiledGuardrail, CompiledPack } from '../../../rules/compiled.ts'
import { overrideKey } from '../../../rules/override-key.ts'
import type { States } from '../../state/states.ts'
import type { FunnelRun } from './run.ts'

/** What the funnel asks of a customer's state. */
export type AskedStates = Pick<
  States,
  'evaluate' | 'suppressedUntil' | 'limitsOf' | 'originsOf' | 'classOf' | 'contactCount' | 'contactAt'
>

/**
 * The state of a customer of whom nothing may be known: every value is unknown, no override is given. So what is known opens nothing. What
 * closes still closes: a suppression runs as it does, so that who objects keeps the protection of everybody else. What the bank itself did
 * stays too: contacts count under caps, claims are kept.
 */
export function everybody(states: AskedStates, { guardrails }: Pick<CompiledPack, 'guardrails'>): AskedStates {
  const overrides = new Set(guardrails.map(({ id }) => overrideKey(id)))
  return {
    evaluate: (_slot, _asOf, _now, reads, lo, hi) => {
      for (const variable of reads) {
        lo[variable] = Number.NEGATIVE_INFINITY
        hi[variable] = Number.POSITIVE_INFINITY
      }
    },
    suppressedUntil: (slot, key) => (overrides.has(key) ? 0 : states.suppressedUntil(slot, key)),
    limitsOf: () => 0,
    originsOf: () => undefined,
    classOf: () => 'unknown',
    contactCount: (slot) => states.contactCount(slot),
    contactAt: (slot, i, into) => states.contactAt(slot, i, into),
  }
}

/** Whether a guardrail that asks for an answer without personal data may close for the run's customer. Overwrites the gate's frame. */
export function wantsNothingPersonal(run: FunnelRun): boolean {
  const { impersonal } = run.tables
  for (let i = 0; i < impersonal.length; i++) {
    const guardrail = impersonal[i]
    if (guardrail !== undefined && mayClose(run, guardrail)) return true
  }
  return false
}

function mayClose(run: FunnelRun, { condition, hasSuppression, key, override, window }: CompiledGuardrail): boolean {
  const { states, slot, now, asOf, gateLo, gateHi } = run
  if (!run.isInEffect(window)) return false
  if (override !== null && states.suppressedUntil(slot, override.key) > now) return false
  if (hasSuppression && states.suppressedUntil(slot, key) > now) return true
  if (condition === null) return false
  states.evaluate(slot, asOf, now, condition.reads, gateLo, gateHi)
  return condition.may(gateLo, gateHi, null)
}
