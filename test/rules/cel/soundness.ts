/** The claims about a compiled condition that random conditions are held to. */
import type { Condition } from '../../../rules/compiled.ts'
import { oracleAnswer, readingOf, type Value, type Values } from './arbitrary-condition.ts'

/** On fully known values both answers are the library's. */
export function agreesWhenKnown(condition: Condition, source: string, values: Values): boolean {
  const { lo, hi, event } = readingOf(values, new Set())
  const expected = oracleAnswer(source, values)
  return condition.must(lo, hi, event) === expected && condition.may(lo, hi, event) === expected
}

/** What is not known: nothing at all of `unknown`; of the `ranges` only that they lie between two values. */
export type Unknowns = {
  readonly unknown: ReadonlySet<string>
  readonly ranges: ReadonlyMap<string, readonly [number, number]>
}

/** `must` is true only when every substitution is, `may` is true when one is. */
export function isSound(
  condition: Condition,
  source: string,
  values: Values,
  unknowns: Unknowns,
  substitutes: ReadonlyMap<string, readonly Value[]>,
): boolean {
  const { lo, hi, event } = readingOf(values, unknowns.unknown, unknowns.ranges)
  const must = condition.must(lo, hi, event)
  const may = condition.may(lo, hi, event)
  if (must && !may) return false
  for (const substituted of substitutions(values, [...substitutes])) {
    const answer = oracleAnswer(source, substituted, unknowns.unknown)
    if ((must && answer !== true) || (!may && answer !== false)) return false
  }
  return true
}

function* substitutions(
  values: Values,
  [first, ...rest]: readonly (readonly [string, readonly Value[]])[],
): Generator<Values> {
  if (first === undefined) {
    yield values
    return
  }
  const [name, candidates] = first
  for (const value of candidates) yield* substitutions(new Map([...values, [name, value]]), rest)
}
