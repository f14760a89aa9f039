import type { FunnelRun } from './funnel/run.ts'

/**
 * Whether anything is known about the run's customer: an attribute, or a feature that at least one event has touched.
 * An observed zero is not history. Looks at every variable of the pack, so ask only when there is nothing to offer.
 * Overwrites the gate's frame.
 */
export function hasHistory(run: FunnelRun): boolean {
  const { pack, states, slot, asOf, now, gateLo, gateHi } = run
  const { attributes, features } = pack.layout
  states.evaluate(slot, asOf, now, run.tables.allVariables, gateLo, gateHi)
  for (let i = 0; i < attributes.length; i++) {
    const variable = attributes[i]?.variable ?? 0
    if (gateLo[variable]! > Number.NEGATIVE_INFINITY || gateHi[variable]! < Number.POSITIVE_INFINITY) return true
  }
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]
    if (feature !== undefined && isTouched(feature.model.kind, gateLo[feature.variable]!, gateHi[feature.variable]!))
      return true
  }
  return false
}

function isTouched(kind: string, lo: number, hi: number): boolean {
  switch (kind) {
    case 'count':
    case 'distinct':
    case 'sum':
      return lo > 0 || hi < 0
    case 'growth':
      return false
    default:
      return hi < Number.POSITIVE_INFINITY
  }
}
