import { expect, test } from 'vitest'
import { durationWords, instantWords, moneyWords, oneLine, valueWords } from '../../../engine/explain/value-words.ts'

const wording = { language: 'en', currency: 'CNY', zone: 'Asia/Shanghai' } as const
const exact = (value: number) => ({ lo: value, hi: value })
const unknown = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY }

test('amounts read as amounts', () => {
  expect([0, 5, 499_999, 500_000, -123_456_789].map((minor) => moneyWords(minor, 'CNY'))).toEqual([
    '0.00 CNY',
    '0.05 CNY',
    '4,999.99 CNY',
    '5,000.00 CNY',
    '-1,234,567.89 CNY',
  ])
})

test('durations read in their largest sensible unit', () => {
  const day = 86_400_000
  expect([0, 90_000, day / 2, day, 2.5 * day].map((ms) => durationWords(ms, 'en'))).toEqual([
    '0 seconds',
    '1.5 minutes',
    '12 hours',
    '1 day',
    '2.5 days',
  ])
  expect(durationWords(30 * day, 'zh')).toBe('30天')
})

test("instants read in the bank's zone", () => {
  expect(instantWords(Date.UTC(2026, 2, 1, 1, 0, 0), 'Asia/Shanghai')).toBe('2026-03-01 09:00:00')
})

test('what is not known says so, and bounds are told', () => {
  expect(valueWords(unknown, 'money', [], wording)).toBe('unknown')
  expect(valueWords({ lo: 3, hi: 5 }, 'int', [], wording)).toBe('between 3 and 5')
  expect(valueWords({ lo: 3, hi: unknown.hi }, 'int', [], wording)).toBe('at least 3')
  expect(valueWords({ lo: unknown.lo, hi: 5 }, 'int', [], { ...wording, language: 'zh' })).toBe('至多5')
  expect(valueWords({ lo: 0, hi: 1 }, 'bool', [], wording)).toBe('unknown')
})

test('codes, growth and yes or no read as words', () => {
  expect(valueWords(exact(1), 'enum', ['conservative', 'steady'], wording)).toBe('steady')
  expect(valueWords(exact(2), 'ratio', [], wording)).toBe('+200 %')
  expect(valueWords(exact(-0.25), 'ratio', [], wording)).toBe('-25 %')
  expect(valueWords(exact(0), 'bool', [], wording)).toBe('no')
})

test('a condition over several lines of the pack stays in its sentence', () => {
  expect(oneLine('a >= 1\n  && b == "x  y"\n')).toBe('a >= 1 && b == "x  y"')
})
