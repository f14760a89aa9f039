/** The nearest change is true: made to the values, it makes the condition come out as wanted; and no smaller one would. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileCondition } from '../../../rules/cel/compile.ts'
import { applied, type Change, nearestChange } from '../../../rules/cel/nearest-change.ts'
import type { Condition } from '../../../rules/compiled.ts'
import type { Vocabulary } from '../../../rules/vocabulary.ts'
import { anyCondition, anyValueOf, anyValues, readingOf, unknowableNames, vocabulary } from './arbitrary-condition.ts'

/** What eligibility and guardrails may read: no event. */
const plain: Vocabulary = { ...vocabulary, event: null }
const names = vocabulary.variables.map(({ name }) => name)
const unknowns = fc.subarray(unknowableNames.filter((name) => names.includes(name))).map((some) => new Set(some))
const goal = fc.constantFrom('true', 'false')

function conditionOf(source: string, words: Vocabulary): Condition | null {
  const compiled = compileCondition(source, words)
  return compiled.kind === 'ok' ? compiled.value : null
}

/** Whether a condition answers the goal whatever is unknown, by the code that decides, not by the search. */
function answers(condition: Condition, wanted: string, lo: Float64Array, hi: Float64Array): boolean {
  return wanted === 'true' ? condition.must(lo, hi, null) : !condition.may(lo, hi, null)
}

test('after the change any condition comes out as wanted', () => {
  let told = 0
  fc.assert(
    fc.property(anyCondition, anyValues, unknowns, goal, (source, values, unknown, wanted) => {
      const { lo, hi } = readingOf(values, unknown)
      const condition = conditionOf(source, vocabulary)
      if (condition === null) return
      const changes = nearestChange(source, vocabulary, wanted, lo, hi)
      if (changes === null) return
      const before = answers(condition, wanted, lo, hi)
      expect(changes.length === 0).toBe(before)
      if (!before) told++
      expect(answers(condition, wanted, ...applied(changes, lo, hi))).toBe(true)
    }),
    { numRuns: 4_000, seed: 21 },
  )
  expect(told).toBeGreaterThan(200)
})

/** Conditions of what packs write: comparisons with constants, and of two variables, joined in every way. */
function anyPlain(depth: number): fc.Arbitrary<string> {
  const leaves = [
    fc.constantFrom('profile.vip', 'source.lawful', '!profile.vip'),
    fc.constantFrom('profile.grade == "R1"', 'profile.grade != "R2"', 'profile.grade in ["R2", "R3"]'),
    fc
      .tuple(
        fc.constantFrom('count_a', 'count_b'),
        fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
        fc.integer({ min: 0, max: 4 }),
      )
      .map((parts) => parts.join(' ')),
    fc.constantFrom('count_a > count_b', 'count_a <= count_b', 'ratio_a < profile.ratio', 'spend >= profile.limit'),
    fc.constantFrom('ratio_a > 0.5', 'ratio_a <= -0.25', 'spend > money("1.00")', 'count_a in [0, 3]'),
    fc.constantFrom(
      'idle >= duration("2s")',
      'idle < duration("1s")',
      'profile.since >= timestamp("1970-01-01T00:00:02Z")',
    ),
  ]
  if (depth === 0) return fc.oneof(...leaves)
  const inner = anyPlain(depth - 1)
  return fc.oneof(
    fc.oneof(...leaves),
    fc.tuple(inner, fc.constantFrom('&&', '||'), inner).map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc.tuple(inner, inner, inner).map(([test, yes, no]) => `(${test} ? ${yes} : ${no})`),
    inner.map((text) => `!(${text})`),
  )
}

test('of plain conditions there is a change, and none with fewer values', () => {
  const sizes = [0, 0, 0, 0]
  const single = names.map((name) => [...new Set(fc.sample(anyValueOf(name), { numRuns: 60, seed: 7 }))])
  fc.assert(
    fc.property(anyPlain(3), anyValues, unknowns, goal, (source, values, unknown, wanted) => {
      const { lo, hi } = readingOf(values, unknown)
      const condition = conditionOf(source, plain)
      if (condition === null) throw new Error(`${source} is plain`)
      const changes = nearestChange(source, plain, wanted, lo, hi)
      const size = changes?.length ?? 0
      sizes[Math.min(size, 3)]! += 1
      if (changes !== null && size <= 1) return
      // Two or more, or none known: then no value of one variable alone does it, out of all that matter.
      for (const [i, name] of names.entries()) {
        for (const value of single[i] ?? []) {
          const alone = readingOf(
            new Map([...values, [name, value]]),
            new Set([...unknown].filter((one) => one !== name)),
          )
          expect(answers(condition, wanted, alone.lo, alone.hi), `${name} = ${String(value)} in ${source}`).toBe(false)
        }
      }
    }),
    { numRuns: 1_500, seed: 33 },
  )
  expect(sizes[1]).toBeGreaterThan(400)
  expect(sizes[2]).toBeGreaterThan(50)
})

test('every value that is said to do does, and none beside it is nearer', () => {
  let seen = 0
  fc.assert(
    fc.property(anyPlain(2), anyValues, unknowns, goal, fc.nat(), (source, values, unknown, wanted, pick) => {
      const { lo, hi } = readingOf(values, unknown)
      const condition = conditionOf(source, plain)
      const changes = nearestChange(source, plain, wanted, lo, hi)
      const one = changes?.[pick % (changes.length || 1)]
      if (condition === null || changes === null || one === undefined) return
      const others = changes.filter((change) => change !== one)
      const reachesOther = others.some(({ variable }) => source.includes(variable.name))
      for (const range of one.needs) {
        for (const to of [range.low, range.high, (range.low + range.high) / 2]) {
          if (!isValue(one, to)) continue
          if (Math.abs(to - one.from.lo) < Math.abs(one.to - one.from.lo)) expect(one.variable.type).toBe('double')
          // Where the other side of a comparison changes too, only the nearest values are promised together.
          if (reachesOther) continue
          seen++
          expect(
            answers(condition, wanted, ...applied([...others, { ...one, to }], lo, hi)),
            `${source} at ${to}`,
          ).toBe(true)
        }
      }
    }),
    { numRuns: 2_000, seed: 34 },
  )
  expect(seen).toBeGreaterThan(500)
})

function isValue({ variable, needs }: Change, to: number): boolean {
  if (!Number.isFinite(to) || (variable.type !== 'double' && !Number.isInteger(to))) return false
  return needs.some(
    ({ low, high, lowOpen, highOpen }) =>
      (to > low || (to === low && !lowOpen)) && (to < high || (to === high && !highOpen)),
  )
}

test.each([
  ['count_a >= 5', 'true', { count_a: [3, 3] }, [['count_a', 5]]],
  ['count_a > 5', 'true', { count_a: [3, 3] }, [['count_a', 6]]],
  ['profile.vip', 'false', {}, [['profile.vip', 0]]],
  ['count_a >= 5 || profile.vip', 'true', { count_a: [3, 3] }, [['count_a', 5]]],
  ['profile.vip && count_a >= 5 || count_b == 2', 'true', { count_a: [3, 3], count_b: [0, 0] }, [['count_b', 2]]],
  ['profile.grade in ["R2", "R3"]', 'true', { 'profile.grade': [0, 0] }, [['profile.grade', 1]]],
  ['count_a > count_b', 'false', { count_a: [3, 3], count_b: [1, 1] }, [['count_b', 3]]],
  ['spend >= money("50.00") && spend < money("60.00")', 'true', { spend: [7_000, 7_000] }, [['spend', 5_999]]],
  ['count_a >= 5', 'true', { count_a: [2, Infinity] }, [['count_a', 5]]],
  ['count_a != 0', 'true', { count_a: [0, 0] }, [['count_a', 1]]],
  ['count_a < 0 && count_a > 3', 'true', {}, null],
  ['false', 'true', {}, null],
  ['count_a * 2 > 4', 'true', { count_a: [1, 1] }, null],
  ['not a condition', 'true', {}, null],
] as const)('%s to be %s', (source, wanted, known, expected) => {
  const lo = new Float64Array(vocabulary.variables.length).fill(-Infinity)
  const hi = new Float64Array(vocabulary.variables.length).fill(Infinity)
  for (const [name, [low, high]] of Object.entries(known)) {
    const variable = vocabulary.variables.find((one) => one.name === name)
    lo[variable?.index ?? 0] = low
    hi[variable?.index ?? 0] = high
  }
  const changes = nearestChange(source, plain, wanted, lo, hi)
  expect(changes?.map(({ variable, to }) => [variable.name, to]) ?? null).toEqual(expected)
})
