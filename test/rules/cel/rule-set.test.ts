/** Many rules at once: order, index, refusals. */
import { expect, test } from 'vitest'
import { conditionTree } from '../../../rules/cel/elaborate.ts'
import { conjunctsOf } from '../../../rules/cel/expression.ts'
import { assignRules } from '../../../rules/cel/rule-index.ts'
import { compileRuleSet } from '../../../rules/cel/rule-set.ts'
import { compileRuleTrace } from '../../../rules/cel/rule-trace.ts'
import { readingOf, type Value, vocabulary } from './arbitrary-condition.ts'

const values = new Map<string, Value>(
  vocabulary.variables.map(({ name, type }) => [name, type === 'enum' ? 'R2' : type === 'bool' ? true : 3]),
)
const reading = readingOf(values, new Set())
const event = { channel: 'c3', n: 7, rate: 0.5 }

function hitsOf(sources: readonly (string | null)[]): readonly number[] {
  const set = compileRuleSet(sources, vocabulary)
  if (set.kind === 'refused') throw new Error(set.problem.message)
  const hits = new Int32Array(sources.length)
  return [...hits.subarray(0, set.value.evaluate(reading.lo, reading.hi, event, hits))]
}

test('hits come ascending, also when rules are found through different indexes', () => {
  const sources = Array.from({ length: 400 }, (_, i) => {
    if (i % 4 === 0) return `event.channel == "c${i % 7}" && count_a >= ${i % 5}`
    if (i % 4 === 1) return `event.n == ${i % 9}`
    return i % 4 === 2 ? `profile.grade == "R${(i % 3) + 1}" && ratio_a > 1.0` : `count_b > ${i % 6}`
  })
  const expected = sources.flatMap((source, i) => (hitsOf([source]).length === 1 ? [i] : []))
  expect(expected.length).toBeGreaterThan(50)
  expect(hitsOf(sources)).toEqual(expected)
})

test('a rule without a condition always hits', () => {
  expect(hitsOf([null, 'count_a > 5', null])).toEqual([0, 2])
  expect(hitsOf([])).toEqual([])
})

test('a count that is only known to lie in a range equals nothing, also through the index', () => {
  const set = compileRuleSet(
    Array.from({ length: 10 }, (_, i) => `count_a == ${i}`),
    vocabulary,
  )
  if (set.kind === 'refused') throw new Error(set.problem.message)
  const between = readingOf(values, new Set(), new Map([['count_a', [3, 9]]]))
  const hits = new Int32Array(10)
  expect(set.value.evaluate(between.lo, between.hi, event, hits)).toBe(0)
  expect(set.value.evaluate(reading.lo, reading.hi, event, hits)).toBe(1)
})

test('an index over values that are not small whole numbers finds them too', () => {
  const sources = Array.from({ length: 40 }, (_, i) => `event.rate == ${i / 4}${i % 4 === 0 ? '.0' : ''}`)
  expect(hitsOf(sources)).toEqual([2])
})

test('rules are filed under the equality that tells most of them apart', () => {
  const sources = Array.from(
    { length: 100 },
    (_, i) => `event.channel == "c${i % 3}" && event.n == ${i % 20} && profile.vip`,
  )
  const conjuncts = sources.map((source) => {
    const tree = conditionTree(source, vocabulary)
    return tree.kind === 'ok' ? conjunctsOf(tree.value) : []
  })
  const { rest, groups } = assignRules(conjuncts)
  expect(rest).toEqual([])
  expect(groups.map(({ by, values: filed }) => [by.kind, filed.size])).toEqual([['eventNumber', 20]])
  expect(groups[0]?.values.get(7)?.map(({ rule, conjuncts: left }) => [rule, left.length])).toEqual(
    [7, 27, 47, 67, 87].map((rule) => [rule, 2]),
  )
})

test('the first refused rule is named by its index', () => {
  const sources = ['count_a > 1', null, 'count_a > "x"', 'nothing > 1']
  expect(compileRuleSet(sources, vocabulary)).toMatchObject({ kind: 'refused', index: 2 })
  expect(compileRuleTrace(sources, vocabulary)).toMatchObject({ kind: 'refused', index: 2 })
})

test('the frame indexes a set reads are those of its rules', () => {
  const set = compileRuleSet(['count_a > 1', 'count_b > 1 && count_a > 2'], vocabulary)
  const indexOf = (name: string) => vocabulary.variables.find((variable) => variable.name === name)?.index
  expect(set.kind === 'ok' && set.value.reads).toEqual([indexOf('count_b'), indexOf('count_a')])
})

test('a rule tells which part failed and what it read', () => {
  const trace = compileRuleTrace(['count_a > 1 && event.channel == "c1" && profile.vip', null], vocabulary)
  if (trace.kind === 'refused') throw new Error(trace.problem.message)
  expect(trace.value(reading.lo, reading.hi, event)).toEqual([
    {
      rule: 0,
      hit: false,
      failed: 'event.channel == "c1"',
      names: ['profile.vip', 'count_a', 'event.channel'],
      low: [1, 3, 'c3'],
      high: [1, 3, 'c3'],
    },
    { rule: 1, hit: true, failed: null, names: [], low: [], high: [] },
  ])
  const partly = readingOf(values, new Set(['profile.vip']), new Map([['count_a', [1, 5]]]))
  expect(trace.value(partly.lo, partly.hi, event)[0]).toMatchObject({
    failed: 'count_a > 1',
    low: [-Infinity, 1, 'c3'],
    high: [Infinity, 5, 'c3'],
  })
})
