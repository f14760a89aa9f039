import type { CompiledTrigger } from '../../rules/compiled.ts'
import type { FeatureUsed } from '../../sinks/decision.ts'
import type { FunnelRun } from './funnel/run.ts'

/** Most features a decision record holds; what triggers read comes first. */
export const featuresUsedMax = 64

/** Frame indexes that the funnel needs for the run's candidates, and what every decision records, each once, ascending. Fates decided already need none. */
export function candidateReads(run: FunnelRun): readonly number[] {
  const { readMarks } = run
  readMarks.fill(0)
  const offerReads = run.tables.placements[run.placement.index]?.offerReads
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate?.alive !== true) continue
    const reads = offerReads?.[candidate.offer.index] ?? noReads
    for (let r = 0; r < reads.length; r++) readMarks[reads[r]!] = 1
  }
  for (const variable of run.tables.fairness) readMarks[variable] = 1
  const reads: number[] = []
  for (let variable = 0; variable < readMarks.length; variable++) if (readMarks[variable] === 1) reads.push(variable)
  return reads
}

const noReads: readonly number[] = []

/** Frame indexes that the conditions of the run's triggers read, then the others, each once. */
export function withTriggerReads(run: FunnelRun, others: readonly number[]): readonly number[] {
  const { readMarks } = run
  readMarks.fill(0)
  const all: number[] = []
  const add = (variables: readonly number[]): void => {
    for (const variable of variables) {
      if (readMarks[variable] === 1) continue
      readMarks[variable] = 1
      all.push(variable)
    }
  }
  let before: CompiledTrigger | null = null
  for (let i = 0; i < run.size; i++) {
    const trigger = run.candidates[i]?.trigger ?? null
    // Offers of one trigger come one after the other.
    if (trigger !== null && trigger !== before) add(trigger.condition?.reads ?? noReads)
    before = trigger
  }
  add(others)
  return all
}

/** The values of variables as the frame holds them, at most `featuresUsedMax`. */
export function readFeatures(run: FunnelRun, variables: readonly number[]): readonly FeatureUsed[] {
  const { pack, states, lo, hi } = run
  const count = Math.min(variables.length, featuresUsedMax)
  const features: FeatureUsed[] = []
  for (let i = 0; i < count; i++) {
    const variable = variables[i] ?? 0
    features.push({
      name: pack.variables[variable]?.name ?? '',
      lo: lo[variable]!,
      hi: hi[variable]!,
      class: states.classOf(variable, lo, hi),
    })
  }
  return features
}
