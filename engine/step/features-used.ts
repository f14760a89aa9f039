import type { FeatureUsed } from '../../sinks/decision.ts'
import type { FunnelRun } from './funnel/run.ts'

/** Most features a decision record holds; what triggers read comes first. */
export const featuresUsedMax = 64

/** Frame indexes that the run's candidates and their triggers read, each once: triggers first, then ascending. */
export function collectEventVariables(run: FunnelRun): readonly number[] {
  const fromTriggers = new Set<number>()
  const fromOffers = new Set<number>()
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined) continue
    for (const variable of candidate.trigger?.condition?.reads ?? []) fromTriggers.add(variable)
    for (const variable of run.tables.placements[run.placement.index]?.offerReads[candidate.offer.index] ?? [])
      fromOffers.add(variable)
  }
  const rest = [...fromOffers].filter((variable) => !fromTriggers.has(variable)).sort((a, b) => a - b)
  return [...fromTriggers, ...rest]
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
