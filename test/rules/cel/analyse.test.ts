/** What the pack checker learns about conditions. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Constraints,
  constraintsOf,
  implies,
  largestCountConstant,
  neverTrue,
  overlaps,
} from '../../../rules/cel/analyse.ts'
import { anyValues, oracleAnswer, vocabulary } from './arbitrary-condition.ts'

/** One comparison of one of few names with a constant, so that conditions meet each other. */
const anyComparison = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('count_a', 'event.n'),
      fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
      fc.integer({ min: -3, max: 4 }),
    )
    .map(([name, operator, n]) => `${name} ${operator} ${n}`),
  fc
    .tuple(fc.constantFrom('<', '<=', '>', '>=', '==', '!='), fc.integer({ min: -3, max: 3 }))
    .map(([operator, n]) => `ratio_a ${operator} ${n}.5`),
  fc.tuple(fc.constantFrom('==', '!='), fc.constantFrom('R1', 'R2', 'R3')).map(([o, g]) => `profile.grade ${o} "${g}"`),
  fc.subarray(['a', 'b', 'ab'], { minLength: 1 }).map((all) => `event.mcc in ${JSON.stringify(all)}`),
  fc.constantFrom('profile.vip', 'event.online', 'event.mcc != "a"', 'count_a in [1, 2]', 'count_a < count_b'),
)

const { anyCondition } = fc.letrec<{ anyCondition: string }>((tie) => ({
  anyCondition: fc.oneof(
    { maxDepth: 3 },
    anyComparison,
    fc
      .tuple(tie('anyCondition'), fc.constantFrom('&&', '&&', '||'), tie('anyCondition'))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie('anyCondition').map((condition) => `!(${condition})`),
  ),
}))

function constraints(source: string): Constraints {
  const found = constraintsOf(source, vocabulary)
  if (found === null) throw new Error(`no conjunction: ${source}`)
  return found
}

test.each<[string, boolean]>([
  ['count_a > 3 && count_a < 4', true],
  ['count_a > 3 && count_a <= 4', false],
  ['ratio_a > 3.0 && ratio_a < 4.0', false],
  ['ratio_a > 3.0 && ratio_a <= 3.0', true],
  ['count_a == 3 && count_a != 3', true],
  ['count_a in [1, 2] && count_a in [3, 4]', true],
  ['profile.grade == "R1" && profile.grade == "R2"', true],
  ['profile.grade != "R1" && profile.grade != "R2" && profile.grade != "R3"', true],
  ['profile.grade != "R1" && profile.grade != "R2"', false],
  ['event.kind != "R1" && !(event.kind in ["R2", "R3"])', true],
  ['event.mcc == "a" && event.mcc != "a"', true],
  ['event.mcc != "a" && event.mcc != "b"', false],
  ['profile.vip && profile.vip == false', true],
  ['event.online && !event.online', true],
  ['count_a > 3 && (count_a < 2 || count_a == 1)', true],
  ['!(count_a > 3 || count_a <= 3)', true],
  ['count_a > count_b && count_b > count_a', false],
  ['double(count_a) > 3.0 && double(count_a) < 4.0', true],
  ['false', true],
  ['idle > duration("2h") && idle < duration("1h")', true],
  ['spend > money("5.00") && spend < money("4.00")', true],
])('that %s can never be true is %s', (source, expected) => {
  expect(neverTrue(source, vocabulary)).toBe(expected)
})

test('what is called never true is false on all values', () => {
  const conjunction = fc.array(anyCondition, { minLength: 2, maxLength: 5 }).map((all) => all.join(' && '))
  let found = 0
  const holds = fc.property(conjunction, fc.array(anyValues, { minLength: 5, maxLength: 5 }), (source, frames) => {
    if (!neverTrue(source, vocabulary)) return true
    found++
    return frames.every((values) => oracleAnswer(source, values) === false)
  })
  fc.assert(holds, { numRuns: 1_500 })
  expect(found).toBeGreaterThan(20)
})

test('a condition that is stricter in every variable implies the wider one', () => {
  const implied = (a: string, b: string) => implies(constraints(a), constraints(b))
  expect(implied('count_a > 5', 'count_a > 3')).toBe(true)
  expect(implied('count_a > 5', 'count_a >= 6')).toBe(true)
  expect(implied('ratio_a > 5.0', 'ratio_a >= 6.0')).toBe(false)
  expect(implied('ratio_a >= 5.0', 'ratio_a > 5.0')).toBe(false)
  expect(implied('ratio_a > 5.0', 'ratio_a >= 5.0')).toBe(true)
  expect(implied('ratio_a <= 5.0', 'ratio_a < 5.0')).toBe(false)
  expect(implied('count_a > 3', 'count_a > 5')).toBe(false)
  expect(implied('count_a == 4 && profile.vip', 'count_a in [3, 4]')).toBe(true)
  expect(implied('count_a in [3, 4]', 'count_a >= 3 && count_a <= 4')).toBe(true)
  expect(implied('count_a >= 3 && count_a <= 4', 'count_a in [3, 4]')).toBe(true)
  expect(implied('count_a in [3, 4]', 'count_a == 4 && profile.vip')).toBe(false)
  expect(implied('event.mcc == "a"', 'event.mcc != "b"')).toBe(true)
  expect(implied('event.mcc != "b"', 'event.mcc == "a"')).toBe(false)
  expect(implied('event.mcc != "a" && event.mcc != "b"', 'event.mcc != "a"')).toBe(true)
  expect(implied('profile.grade == "R1"', 'profile.grade != "R3"')).toBe(true)
  expect(implied('profile.grade != "R3"', 'profile.grade in ["R1", "R2"]')).toBe(true)
  expect(implied('true', 'count_a > 3')).toBe(false)
  expect(implied('count_a > 3 && count_a < 2', 'profile.vip')).toBe(true)
})

test('bands overlap when one value lies in both', () => {
  const overlap = (a: string, b: string) => overlaps(constraints(a), constraints(b))
  expect(overlap('count_a > 5', 'count_a < 6')).toBe(false)
  expect(overlap('count_a >= 5', 'count_a <= 5')).toBe(true)
  expect(overlap('ratio_a > 5.0', 'ratio_a < 6.0')).toBe(true)
  expect(overlap('spend < money("100.00")', 'spend >= money("100.00")')).toBe(false)
  expect(overlap('profile.grade == "R1"', 'profile.grade == "R2"')).toBe(false)
  expect(overlap('event.mcc in ["a", "b"]', 'event.mcc in ["b", "c"]')).toBe(true)
  expect(overlap('count_a > 3', 'profile.vip')).toBe(true)
})

test('implied and disjoint conditions behave so on values', () => {
  let compared = 0
  const holds = fc.property(
    anyCondition,
    anyCondition,
    fc.array(anyValues, { minLength: 4, maxLength: 4 }),
    (a, b, all) => {
      const [one, other] = [constraintsOf(a, vocabulary), constraintsOf(b, vocabulary)]
      if (one === null || other === null) return true
      compared++
      return all.every((values) => {
        const [holdsA, holdsB] = [oracleAnswer(a, values), oracleAnswer(b, values)]
        return !(implies(one, other) && holdsA && !holdsB) && (overlaps(one, other) || !(holdsA && holdsB))
      })
    },
  )
  fc.assert(holds, { numRuns: 3_000 })
  expect(compared).toBeGreaterThan(500)
})

test('constraints are ranges and lists by name, and only of conjunctions', () => {
  const found = constraints('count_a > 3 && count_a <= 9 && event.channel in ["b", "a"] && spend >= money("1.00")')
  expect(Object.fromEntries(found)).toEqual({
    count_a: { kind: 'numbers', ranges: [{ low: 4, high: 9, lowOpen: false, highOpen: false }] },
    'event.channel': { kind: 'strings', values: ['a', 'b'], except: false },
    spend: { kind: 'numbers', ranges: [{ low: 100, high: Infinity, lowOpen: false, highOpen: true }] },
  })
  expect(constraintsOf('count_a > 3 || profile.vip', vocabulary)).toBeNull()
  expect(constraintsOf('count_a > count_b', vocabulary)).toBeNull()
  expect(constraintsOf('nothing_such > 3', vocabulary)).toBeNull()
})

test.each<[string, number | null]>([
  ['count_a > 3', 3],
  ['count_a > 3 || 12 >= count_a', 12],
  ['count_a in [5, 9] && !(count_a == 7)', 9],
  ['double(count_a) >= 9.5', 10],
  ['count_a > -4', 0],
  ['count_b > 3', 0],
  ['count_a > count_b', null],
  ['count_a + 1 > 3', null],
  ['(profile.vip ? count_a : 2) > 1', null],
  ['event.tags.exists(t, t == "a" && count_a >= 6)', 6],
  ['double(count_a) * 0.5', null],
  ['ratio_a * 0.5', 0],
  ['count_a > ', null],
])('the most that %s asks of the count is %s', (source, expected) => {
  const index = vocabulary.variables.find(({ name }) => name === 'count_a')?.index ?? -1
  expect(largestCountConstant(source, vocabulary, index)).toBe(expected)
})
