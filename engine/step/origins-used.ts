import { consentName } from '../../rules/source-table.ts'
import type { FeatureUsed, Origin } from '../../sinks/decision.ts'
import { BEFORE, OTHER_CONSENTS, OTHER_SOURCES } from '../state/origins.ts'
import type { FunnelRun } from './funnel/run.ts'

/** Most origins a record holds; those of the values read first come first. */
const originsMax = 64
const none: readonly Origin[] = Object.freeze([])

/**
 * Where the known values of a decision came from, and the event that caused it: each source and consent with the positions of what it fed.
 * What is unknown rests on nothing.
 * @param source of the event that caused the decision; empty: none did
 */
export function originsUsed(
  run: FunnelRun,
  variables: readonly number[],
  features: readonly FeatureUsed[],
  source: string,
): readonly Origin[] {
  const keys: number[] = []
  const fed: number[][] = []
  let position = 0
  const visit = (key: number): void => {
    const known = keys.indexOf(key)
    if (known >= 0) fed[known]?.push(position)
    else if (keys.length < originsMax) {
      keys.push(key)
      fed.push([position])
    }
  }
  const { states, slot, asOf, pack } = run
  for (position = 0; position < features.length; position++) {
    if (features[position]!.class !== 'unknown') states.originsOf(slot, variables[position]!, asOf, visit)
  }
  const causes = [pack.sources.get(source)?.key ?? 0, run.consent]
  for (const key of causes) {
    if (key === 0 || keys.includes(key)) continue
    keys.push(key)
    fed.push([])
  }
  if (keys.length === 0) return none
  return keys.map((key, i) => ({ ...nameOf(run, key), features: fed[i] ?? [] }))
}

function nameOf({ tables }: FunnelRun, key: number): Omit<Origin, 'features'> {
  if (key === BEFORE) return { kind: 'before', id: '', basis: '' }
  if (key === OTHER_SOURCES || key === OTHER_CONSENTS) return { kind: 'others', id: '', basis: '' }
  if ((key & 1) === 1) return { kind: 'consent', id: consentName(key), basis: 'consent' }
  const source = tables.sourceByKey.get(key)
  return { kind: 'source', id: source?.id ?? '', basis: source?.lawfulBasis ?? '' }
}
