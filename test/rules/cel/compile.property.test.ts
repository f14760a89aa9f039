/** Compiled conditions against the CEL library where all is known, and against every substitution where it is not. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileCondition, compileNumber } from '../../../rules/cel/compile.ts'
import { conditionTree } from '../../../rules/cel/elaborate.ts'
import { answerOf } from '../../../rules/cel/interpret.ts'
import { compileRuleSet } from '../../../rules/cel/rule-set.ts'
import { compileRuleTrace } from '../../../rules/cel/rule-trace.ts'
import type { Condition } from '../../../rules/compiled.ts'
import {
  anyCondition,
  anyDouble,
  anyValueOf,
  anyValues,
  oracleAnswer,
  readingOf,
  unknowableNames,
  vocabulary,
} from './arbitrary-condition.ts'
import { agreesWhenKnown, isSound } from './soundness.ts'

function compiled(source: string): Condition {
  const result = compileCondition(source, vocabulary)
  if (result.kind === 'refused') throw new Error(`${result.problem.message}: ${source}`)
  return result.value
}

const countRange = fc
  .tuple(fc.integer({ min: -3, max: 4 }), fc.integer({ min: 0, max: 2 }))
  .map(([low, width]) => [low, low + width] as const)

/** Up to three unknown names with four substitutes each, and two counts of which only a range is known. */
const anyUnknowns = fc
  .tuple(fc.subarray([...unknowableNames], { maxLength: 3 }), fc.option(countRange), fc.option(countRange))
  .chain(([names, a, b]) => {
    const unknown = new Set(names)
    const ranges = new Map<string, readonly [number, number]>()
    if (a !== null && !unknown.has('count_a')) ranges.set('count_a', a)
    if (b !== null && !unknown.has('count_b')) ranges.set('count_b', b)
    const inRanges = [...ranges].map(([name, [low, high]]) =>
      fc.constant([name, Array.from({ length: high - low + 1 }, (_, i) => low + i)] as const),
    )
    const anything = names.map((name) =>
      fc.array(anyValueOf(name), { minLength: 4, maxLength: 4 }).map((values) => [name, values] as const),
    )
    return fc.tuple(...inRanges, ...anything).map((entries) => ({ unknown, ranges, substitutes: new Map(entries) }))
  })

test('with everything known, must and may are what the CEL library says', () => {
  const holds = fc.property(anyCondition, fc.array(anyValues, { minLength: 3, maxLength: 3 }), (source, frames) => {
    const condition = compiled(source)
    return frames.every((values) => agreesWhenKnown(condition, source, values))
  })
  fc.assert(holds, { numRuns: 1_500 })
})

test('must holds for every value of the unknowns, and what holds for one of them may hold', () => {
  const holds = fc.property(anyCondition, anyValues, anyUnknowns, (source, values, unknowns) =>
    isSound(compiled(source), source, values, unknowns, unknowns.substitutes),
  )
  fc.assert(holds, { numRuns: 1_200 })
})

test('generated code and the interpreter behind traces give the same answers', () => {
  const holds = fc.property(anyCondition, anyValues, anyUnknowns, (source, values, { unknown, ranges }) => {
    const condition = compiled(source)
    const tree = conditionTree(source, vocabulary)
    if (tree.kind === 'refused') return false
    const { lo, hi, event } = readingOf(values, unknown, ranges)
    const answer = answerOf(tree.value, { lo, hi, event, bound: [] })
    const may = condition.may(lo, hi, event)
    return condition.must(lo, hi, event) === (answer === 'true') && may === (answer !== 'false')
  })
  fc.assert(holds, { numRuns: 1_500 })
})

test('a rule set and its trace hit exactly the rules whose single condition must be true', () => {
  const channelRule = fc
    .tuple(fc.constantFrom('""', '"a"', '"b"', '"ab"'), fc.constantFrom('R1', 'R2'), anyCondition)
    .map(([word, grade, rest]) => `event.channel == ${word} && profile.grade == "${grade}" && ${rest}`)
  const countRule = fc
    .tuple(fc.integer({ min: -2, max: 3 }), fc.boolean(), anyCondition)
    .map(([n, field, rest]) => `${rest} && ${field ? 'event.n' : 'count_a'} in [${n}, ${n + 1}]`)
  const anyRules = fc.array(fc.oneof(channelRule, countRule, anyCondition, fc.constant(null)), { maxLength: 70 })
  const holds = fc.property(anyRules, anyValues, anyUnknowns, (sources, values, { unknown, ranges }) => {
    const set = compileRuleSet(sources, vocabulary)
    const trace = compileRuleTrace(sources, vocabulary)
    if (set.kind === 'refused' || trace.kind === 'refused') return false
    const { lo, hi, event } = readingOf(values, unknown, ranges)
    for (const data of [event, null]) {
      const hits = new Int32Array(sources.length)
      const n = set.value.evaluate(lo, hi, data, hits)
      const expected = sources.flatMap((source, i) =>
        source === null || compiled(source).must(lo, hi, data) ? [i] : [],
      )
      const traced = trace.value(lo, hi, data).flatMap(({ rule, hit }) => (hit ? [rule] : []))
      expect([...hits.subarray(0, n)]).toEqual(expected)
      expect(traced).toEqual(expected)
    }
    return true
  })
  fc.assert(holds, { numRuns: 60 })
})

test('the low end of a number is the number itself when all is known, and never above it otherwise', () => {
  const holds = fc.property(anyDouble, anyValues, anyUnknowns, (source, values, { unknown, ranges, substitutes }) => {
    const number = compileNumber(source, vocabulary)
    if (number.kind === 'refused') return false
    const known = readingOf(values, new Set())
    const exact = Number(oracleAnswer(source, values))
    if (number.value.low(known.lo, known.hi, known.event) - exact !== 0) return false
    const partly = readingOf(values, unknown, ranges)
    const low = number.value.low(partly.lo, partly.hi, partly.event)
    const first = new Map([...values, ...[...substitutes].map(([name, all]) => [name, all[0] ?? 0] as const)])
    return !Number.isNaN(low) && low <= Number(oracleAnswer(source, first, unknown))
  })
  fc.assert(holds, { numRuns: 800 })
})

/** Compiling something else than what the oracle is asked must be noticed: the properties have teeth. */
test.each([
  [' < ', ' <= '],
  [' >= ', ' > '],
  [' && ', ' || '],
  [' == ', ' != '],
  [' + ', ' - '],
  [' * ', ' + '],
  ['.exists(', '.all('],
  ['.startsWith(', '.contains('],
  ['!(', '('],
])('compiling "%s" as "%s" fails the comparison with the library', (right, wrong) => {
  const holds = fc.property(anyCondition, anyValues, (source, values) => {
    const broken = compileCondition(source.replaceAll(right, wrong), vocabulary)
    return broken.kind === 'refused' || agreesWhenKnown(broken.value, source, values)
  })
  expect(fc.check(holds, { numRuns: 2_000, endOnFailure: true, seed: 1 }).failed).toBe(true)
})

test('taking unknown for false, or for true, fails the soundness check', () => {
  for (const lie of ['false', 'true'] as const) {
    const holds = fc.property(anyCondition, anyValues, anyUnknowns, (source, values, unknowns) => {
      const { must, may, ...rest } = compiled(source)
      const liar = lie === 'false' ? { ...rest, must, may: must } : { ...rest, must: may, may }
      return isSound(liar, source, values, unknowns, unknowns.substitutes)
    })
    expect(fc.check(holds, { numRuns: 2_000, endOnFailure: true, seed: 1 }).failed).toBe(true)
  }
})
