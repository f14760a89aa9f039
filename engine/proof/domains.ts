/** What a variable of the frame can be, as far as the conditions of a pack can tell: finitely many values. */
import type { BoolTree } from '../../rules/cel/expression.ts'
import { thresholdsOf } from '../../rules/cel/thresholds.ts'
import type { Variable } from '../../rules/vocabulary.ts'

/** A value as the frame holds it, and the known values it may stand for. */
export type AbstractValue = {
  readonly lo: number
  readonly hi: number
  /** Representatives between `lo` and `hi`; at least one. */
  readonly points: readonly number[]
}

/** The values of one variable that have to be looked at. */
export type Domain = {
  readonly variable: Variable
  readonly values: readonly AbstractValue[]
  /** All known values among them. */
  readonly points: readonly number[]
  /** Whether every value the variable can have is answered like one of these. */
  readonly exact: boolean
}

/** Distance to the values beside a constant: the smallest step there is, and a millionth for numbers without one. */
const doubleStep = 1e-6

/**
 * The domain of a variable under conditions. A bool or an enum: each value, and unknown. A number: every constant it is
 * compared with and one unit to either side, and unknown; a feature, which may be known between bounds, also every stretch
 * between two of these. Where it is not only compared with constants, nothing and very much as well.
 *
 * @param bounded whether it may be known between bounds (features may, attributes are known or not)
 */
export function domainOf(variable: Variable, trees: readonly BoolTree[], bounded: boolean): Domain {
  if (variable.type === 'bool' || variable.type === 'enum') {
    const codes = variable.type === 'bool' ? [0, 1] : variable.values.map((_, code) => code)
    return { variable, values: eachAndUnknown(codes), points: codes, exact: true }
  }
  const { constants, exact } = thresholdsOf(trees, variable.index)
  const points = pointsAt(exact ? constants : withFarPoints(constants), variable.type === 'double' ? doubleStep : 1)
  const values = eachAndUnknown(points)
  if (!bounded) return { variable, values, points, exact }
  const ends = [Number.NEGATIVE_INFINITY, ...points, Number.POSITIVE_INFINITY]
  const stretches = ends.flatMap((lo, i) =>
    ends.slice(i + 1).map((hi) => ({ lo, hi, points: between(points, lo, hi) })),
  )
  const known = stretches.filter(({ lo, hi, points: inside }) => (lo > -Infinity || hi < Infinity) && inside.length > 0)
  return { variable, values: [...values, ...known], points, exact }
}

function eachAndUnknown(points: readonly number[]): readonly AbstractValue[] {
  const known = points.map((point) => ({ lo: point, hi: point, points: [point] }))
  return [...known, { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY, points }]
}

/** Where nothing is promised between constants, values far away are tried too. */
function withFarPoints(constants: readonly number[]): readonly number[] {
  return [...new Set([-1e12, 0, 1e12, ...constants])].sort((a, b) => a - b)
}

/** Every constant, one step to either side, and the middle between constants that are close. */
function pointsAt(constants: readonly number[], step: number): readonly number[] {
  const points = new Set<number>()
  for (const [i, constant] of constants.entries()) {
    for (const point of [constant - step, constant, constant + step]) points.add(point)
    const next = constants[i + 1]
    if (next !== undefined && step < 1) points.add((constant + next) / 2)
  }
  if (points.size === 0) points.add(0)
  return [...points].sort((a, b) => a - b)
}

function between(points: readonly number[], lo: number, hi: number): readonly number[] {
  return points.filter((point) => lo <= point && point <= hi)
}
