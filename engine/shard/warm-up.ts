import type { Slices } from '../../rules/slices.ts'
import type { StepContext } from '../step/step.ts'

/**
 * Asks every rule of a pack once about a customer of whom nothing is known, so that no decision waits for V8 to compile them.
 * Changes nothing and keeps nothing.
 */
export function* warmUp({ pack }: StepContext): Slices<void> {
  const lo = new Float64Array(pack.layout.variables).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(pack.layout.variables).fill(Number.POSITIVE_INFINITY)
  for (const { condition } of [...pack.guardrails, ...pack.allows]) {
    condition?.must(lo, hi, null)
    condition?.may(lo, hi, null)
    yield
  }
  for (const { eligible, terms } of pack.offers) {
    eligible?.must(lo, hi, null)
    for (const term of Object.values(terms)) term.low(lo, hi, null)
    yield
  }
  for (const { triggers } of pack.types.values()) {
    triggers.evaluate(lo, hi, null, new Int32Array(triggers.size))
    yield
  }
}
