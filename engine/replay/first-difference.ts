import type { Decision } from '../../sinks/decision.ts'
import { decisionJson } from '../../sinks/decision-json.ts'

/** Where two decisions differ first, in the order of the record's fields, with both sides as JSON. */
export type Difference = {
  /** Such as `fates.2.score`. */
  readonly field: string
  /** What left. */
  readonly left: unknown
  /** What was computed again. */
  readonly replayed: unknown
}

/** The first difference of two decisions whose records differ; null: none that JSON shows. */
export function firstDifference(left: Decision, replayed: Decision): Difference | null {
  return differing(decisionJson(left), decisionJson(replayed), '')
}

function differing(left: unknown, replayed: unknown, field: string): Difference | null {
  if (Object.is(left, replayed)) return null
  if (!isTree(left) || !isTree(replayed)) return { field, left: left ?? null, replayed: replayed ?? null }
  const names = new Set([...Object.keys(left), ...Object.keys(replayed)])
  for (const name of names) {
    const found = differing(left[name], replayed[name], field === '' ? name : `${field}.${name}`)
    if (found !== null) return found
  }
  return null
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
