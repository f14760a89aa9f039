/** What a rule that throws does to the others, and what can be seen of a rule while it is asked. */
import { expect, test } from 'vitest'
import { compileCondition, compileEventPredicate, compileNumber } from '../../../rules/cel/compile.ts'
import { FilterFault, type Guard } from '../../../rules/cel/guard.ts'
import type { CelResult } from '../../../rules/cel/problem.ts'
import { compileRuleSet } from '../../../rules/cel/rule-set.ts'
import { eventType, readingOf, type Value, vocabulary } from './arbitrary-condition.ts'

const values = new Map<string, Value>(
  vocabulary.variables.map(({ name, type }) => [name, type === 'enum' ? 'R2' : type === 'bool' ? true : 3]),
)
const { lo, hi } = readingOf(values, new Set())
const event = { channel: 'c3', n: 7, rate: 0.5 }

function guard(rule: number, trap: (() => void) | null = null) {
  const asked = new Int32Array(4)
  const thrown: number[] = []
  const threw = (which: number): void => void thrown.push(which)
  const one: Guard = { rule, asked, threw, trap }
  return { one, asked, thrown }
}

function sound<T>(result: CelResult<T>): T {
  if (result.kind === 'refused') throw new Error(result.problem.message)
  return result.value
}

const fails = (): never => {
  throw new TypeError('a bug in a host function')
}

test('a condition that throws has the answers of one of which nothing is known, and is counted each time', () => {
  const { one, asked, thrown } = guard(5, fails)
  const condition = sound(compileCondition('count_a > 1', vocabulary, one))
  expect(condition.must(lo, hi, null)).toBe(false)
  expect(condition.may(lo, hi, null)).toBe(true)
  expect(thrown).toEqual([5, 5])
  expect(asked[0]).toBe(0)
})

test('a number that throws guarantees nothing', () => {
  const { one, thrown } = guard(2, fails)
  expect(sound(compileNumber('ratio_a * 2.0', vocabulary, one)).low(lo, hi, null)).toBe(Number.NEGATIVE_INFINITY)
  expect(thrown).toEqual([2])
})

test('a filter that throws gives the answer it was compiled with, or says that it has none', () => {
  const { one, thrown } = guard(3, fails)
  const filter = (otherwise: 'true' | 'false' | null) =>
    sound(compileEventPredicate('event.channel == "c3"', eventType, one, otherwise))
  expect(filter('true')({ channel: 'x' })).toBe(true)
  expect(filter('false')({ channel: 'c3' })).toBe(false)
  expect(() => filter(null)({ channel: 'c3' })).toThrow(FilterFault)
  expect(thrown).toEqual([3, 3, 3])
})

test('under a guard a condition says which rule is asked while it is asked, and none afterwards', () => {
  const seen: (number | undefined)[] = []
  const { one, asked, thrown } = guard(9, () => void seen.push(asked[0]))
  const guarded = sound(compileCondition('count_a > 1', vocabulary, one))
  expect([guarded.must(lo, hi, null), guarded.may(lo, hi, null)]).toEqual([true, true])
  expect(seen).toEqual([9, 9])
  expect(asked[0]).toBe(0)
  expect(thrown).toEqual([])
})

test('in a set only the rule that throws does not hit, and it alone is counted', () => {
  const asked = new Int32Array(4)
  const thrown: number[] = []
  const guards = [11, 12, 13, 14].map(
    (rule): Guard => ({ rule, asked, threw: (which) => void thrown.push(which), trap: rule === 12 ? fails : null }),
  )
  const set = compileRuleSet(['count_a > 1', 'count_a > 2', 'count_a > 99', null], vocabulary, guards)
  if (set.kind === 'refused') throw new Error(set.problem.message)
  const hits = new Int32Array(4)
  expect([...hits.subarray(0, set.value.evaluate(lo, hi, event, hits))]).toEqual([0, 3])
  expect(thrown).toEqual([12])
  expect(asked[0]).toBe(0)
})

test('a rule that is left out of a set is not called, also not through the index, and the others hit as before', () => {
  const called: number[] = []
  const asked = new Int32Array(4)
  const guards = Array.from(
    { length: 40 },
    (_, i): Guard => ({ rule: i + 1, asked, threw: () => {}, trap: i === 7 ? () => void called.push(i) : null }),
  )
  const sources = guards.map((_, i) => (i % 2 === 0 ? 'count_a >= 1' : `event.n == ${i}`))
  const set = compileRuleSet(sources, vocabulary, guards)
  if (set.kind === 'refused') throw new Error(set.problem.message)
  const hits = new Int32Array(40)
  const before = [...hits.subarray(0, set.value.evaluate(lo, hi, event, hits))]
  expect(before).toContain(7)
  expect(called).toEqual([7])
  const without = set.value.without(new Set([7, 4]))
  const after = [...hits.subarray(0, without.evaluate(lo, hi, event, hits))]
  expect(after).toEqual(before.filter((rule) => rule !== 7 && rule !== 4))
  expect(called).toEqual([7])
})
