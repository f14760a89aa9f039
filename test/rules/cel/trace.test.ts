/** Explanations of a condition: its parts with their answers and the values they read. */
import { expect, test } from 'vitest'
import { amountText, durationMsOf, durationText, minorUnitsOf } from '../../../rules/cel/literals.ts'
import { traceCondition, valueText } from '../../../rules/cel/trace.ts'
import { readingOf, type Value, vocabulary } from './arbitrary-condition.ts'

const values = new Map<string, Value>([
  ['count_a', 3],
  ['spend', 51_200],
  ['profile.grade', 'R2'],
  ['profile.vip', true],
  ['idle', 90_000_000],
  ['profile.since', 0],
  ['event.mcc', '5411'],
  ['event.amount', 1_999],
])

function traced(source: string, unknown: readonly string[]) {
  const { lo, hi, event } = readingOf(values, new Set(unknown), new Map([['count_b', [256, Infinity]]]))
  const result = traceCondition(source, vocabulary, lo, hi, event)
  if (result.kind === 'refused') throw new Error(result.problem.message)
  return result.value
}

test('a chain of conditions is one list, each part with what it read', () => {
  const trace = traced('count_a >= 3 && (profile.vip || spend > money("600.00")) && event.mcc == "5812"', ['event.mcc'])
  expect(trace).toEqual({
    text: 'count_a >= 3 && (profile.vip || spend > money("600.00")) && event.mcc == "5812"',
    answer: 'unknown',
    children: [
      { text: 'count_a >= 3', answer: 'true', value: 'count_a = 3', children: [] },
      {
        text: 'profile.vip || spend > money("600.00")',
        answer: 'true',
        children: [
          { text: 'profile.vip', answer: 'true', value: 'profile.vip = true', children: [] },
          { text: 'spend > money("600.00")', answer: 'false', value: 'spend = 512.00', children: [] },
        ],
      },
      { text: 'event.mcc == "5812"', answer: 'unknown', value: 'event.mcc = unknown', children: [] },
    ],
  })
})

test('values read as an author would write them', () => {
  const shown = (source: string, unknown: readonly string[] = []) => traced(source, unknown).value
  expect(shown('count_b > 3')).toBe('count_b = at least 256')
  expect(shown('profile.grade == "R1"')).toBe('profile.grade = R2')
  expect(shown('profile.grade == "R1"', ['profile.grade'])).toBe('profile.grade = unknown')
  expect(shown('idle > duration("1d")')).toBe('idle = 1d1h')
  expect(shown('profile.since < timestamp("2026-01-01T00:00:00Z")')).toBe('profile.since = 1970-01-01T00:00:00.000Z')
  expect(shown('event.amount > spend')).toBe('spend = 512.00, event.amount = 19.99')
  expect(shown('event.tags.exists(t, t == event.mcc)')).toBe('event.mcc = "5411", event.tags = unknown')
})

test('an interval says both of its ends', () => {
  const variable = { name: 'spend', type: 'money', values: [], index: 0 } as const
  expect(valueText(variable, 100, 250)).toBe('1.00 to 2.50')
  expect(valueText(variable, -Infinity, 250)).toBe('at most 2.50')
})

test('a refused condition has no trace', () => {
  const { lo, hi } = readingOf(values, new Set())
  expect(traceCondition('count_a > "x"', vocabulary, lo, hi, null).kind).toBe('refused')
})

test('amounts and durations survive being written', () => {
  for (const minor of [0, 1, 99, 100, -5, -12_345, 500_000]) expect(minorUnitsOf(amountText(minor))).toBe(minor)
  for (const ms of [0, 1, 999, 61_001, 86_400_000, -5_400_000]) expect(durationMsOf(durationText(ms))).toBe(ms)
  expect(['1.5', '1,5', 'x', '', '1.234', '12345678901234'].map(minorUnitsOf)).toEqual([
    150,
    null,
    null,
    null,
    null,
    null,
  ])
  expect(['1.5h', '5', '', 'h', '99999999d'].map(durationMsOf)).toEqual([null, null, null, null, null])
})
