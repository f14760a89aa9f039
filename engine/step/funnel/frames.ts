import type { CompiledOffer } from '../../../rules/compiled.ts'
import type { FunnelRun } from './run.ts'

/** What conditions read. */
export type Frame = { readonly lo: Float64Array; readonly hi: Float64Array }

/** Forgets what was worked out of the customer before: the frame was filled anew. */
export function frameFilled(run: FunnelRun, reads: readonly number[]): void {
  run.reads = reads
  run.limits = -1
  run.limitedTo = 0
}

/**
 * The frame that what opens an offer reads. Data that may not be used for the offer's purposes is unknown there. Nearly nobody has
 * such data, and then it is the frame that guardrails read, too.
 */
export function frameOf(run: FunnelRun, { purposes }: Pick<CompiledOffer, 'purposes'>): Frame {
  if (purposes === 0) return run
  if (run.limits < 0) run.limits = run.states.limitsOf(run.slot)
  if ((run.limits & purposes) === 0) return run
  if (run.limitedTo !== purposes) {
    run.limitedTo = purposes
    fillLimited(run, run.asOf, run.reads, purposes)
  }
  return run.limited
}

/** The frame as of an instant of what is usable for an offer, of some variables; null: nothing is limited. */
export function limitedAt(
  run: FunnelRun,
  asOf: number,
  reads: readonly number[],
  { purposes }: Pick<CompiledOffer, 'purposes'>,
): Frame | null {
  if (purposes === 0) return null
  if (run.limits < 0) run.limits = run.states.limitsOf(run.slot)
  if ((run.limits & purposes) === 0) return null
  run.limitedTo = 0
  fillLimited(run, asOf, reads, purposes)
  return run.limited
}

function fillLimited(run: FunnelRun, asOf: number, reads: readonly number[], purposes: number): void {
  const { lo, hi } = run.limited
  run.states.evaluate(run.slot, asOf, run.now, reads, lo, hi, purposes)
  const { lawfulVariable } = run.pack
  lo[lawfulVariable] = run.lawful ? 1 : 0
  hi[lawfulVariable] = run.lawful ? 1 : 0
}
