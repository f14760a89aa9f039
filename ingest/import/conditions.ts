/** Conditions on columns, compiled once a mapping. */
import { compareDecimals, type Decimal, parseDecimal } from './decimal.ts'
import type { ConditionsMapping } from './mapping.ts'

/** The values of a row by slot. */
export type Values = readonly (string | null)[]

type Test = ConditionsMapping[string]
type ValueTest = (value: string | null) => boolean

/** Makes the test of all conditions together; `slotOf` gives the slot of a column. No conditions: always true. */
export function compileConditions(
  conditions: ConditionsMapping,
  slotOf: (column: string) => number,
): (values: Values) => boolean {
  const tests = Object.entries(conditions).map(([column, test]) => ({ slot: slotOf(column), test: compileTest(test) }))
  return (values) => tests.every(({ slot, test }) => test(values[slot] ?? null))
}

function compileTest(test: Test): ValueTest {
  if (Array.isArray(test)) return oneOf(test)
  const parts: ValueTest[] = []
  if (test.not !== undefined) {
    const excluded = oneOf(test.not)
    parts.push((value) => !excluded(value))
  }
  if (test.empty !== undefined) parts.push((value) => (value === null) === test.empty)
  if (test.above !== undefined) parts.push(compared(test.above, (order) => order > 0))
  if (test.atLeast !== undefined) parts.push(compared(test.atLeast, (order) => order >= 0))
  if (test.below !== undefined) parts.push(compared(test.below, (order) => order < 0))
  if (test.atMost !== undefined) parts.push(compared(test.atMost, (order) => order <= 0))
  return (value) => parts.every((part) => part(value))
}

/** An empty column equals the empty text. */
function oneOf(wanted: readonly string[]): ValueTest {
  const set = new Set(wanted)
  return (value) => set.has(value ?? '')
}

const zero: Decimal = { digits: 0n, scale: 0 }

function compared(bound: string, holds: (order: number) => boolean): ValueTest {
  const limit = parseDecimal(bound) ?? zero
  return (value) => {
    const decimal = value === null ? null : parseDecimal(value)
    return decimal !== null && holds(compareDecimals(decimal, limit))
  }
}
