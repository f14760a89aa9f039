import { passFinalGate } from './funnel/final-gate.ts'
import { noteTrials } from './funnel/holdout-trials.ts'
import { dropMisfits, fillPlacement } from './funnel/placement.ts'
import type { StepContext } from './step.ts'

/**
 * Takes the run's candidates through every stage in order. The frame must hold the placement's reads. Afterwards each
 * candidate has a fate and `run.chosen` is what may be offered: drops + chosen = candidates.
 */
export function runFunnel(context: StepContext): void {
  const { run, filters } = context
  dropMisfits(run)
  filters.eligibility(run)
  filters.suitability(run)
  filters.guardrail(run)
  filters.contact(run)
  filters.fatigue(run)
  filters.stock(run)
  filters.holdout(run)
  filters.arbitration(run)
  fillPlacement(run)
  passFinalGate(run)
  noteTrials(run)
}
