/** What conditions answer where something is missing. */
import { expect, test } from 'vitest'
import { compileCondition, compileEventPredicate, compileNumber } from '../../../rules/cel/compile.ts'
import { celLimits } from '../../../rules/cel/limits.ts'
import { eventType, readingOf, type Value, vocabulary } from './arbitrary-condition.ts'

const known = new Map<string, Value>([
  ['count_a', 3],
  ['count_b', 2],
  ['ratio_a', 0.5],
  ['profile.ratio', 1.5],
  ['spend', 50_000],
  ['profile.limit', 100_000],
  ['profile.grade', 'R2'],
  ['profile.vip', true],
  ['source.lawful', true],
  ['profile.since', 0],
  ['idle', 3_600_000],
  ['event.channel', 'pos'],
  ['event.mcc', '5411'],
  ['event.kind', 'R1'],
  ['event.n', 1],
  ['event.rate', 0.5],
  ['event.amount', 500],
  ['event.at', 0],
  ['event.online', false],
  ['event.tags', ['a', 'b']],
])

function answer(source: string, unknown: readonly string[], ranges: [string, [number, number]][] = []): string {
  const result = compileCondition(source, vocabulary)
  if (result.kind === 'refused') throw new Error(result.problem.message)
  const { lo, hi, event } = readingOf(known, new Set(unknown), new Map(ranges))
  const must = result.value.must(lo, hi, event)
  const may = result.value.may(lo, hi, event)
  if (must && !may) throw new Error('certain but impossible')
  return must ? 'true' : may ? 'unknown' : 'false'
}

test.each<[string, string, string]>([
  ['profile.grade != "R1"', 'profile.grade', 'unknown'],
  ['!(profile.grade == "R1")', 'profile.grade', 'unknown'],
  ['profile.grade in ["R1", "R2"]', 'profile.grade', 'unknown'],
  ['profile.vip', 'profile.vip', 'unknown'],
  ['!profile.vip', 'profile.vip', 'unknown'],
  ['profile.vip == false', 'profile.vip', 'unknown'],
  ['profile.vip || count_a > 1', 'profile.vip', 'true'],
  ['profile.vip && count_a > 5', 'profile.vip', 'false'],
  ['profile.vip ? count_a > 1 : count_b > 1', 'profile.vip', 'true'],
  ['profile.vip ? count_a > 5 : count_b > 5', 'profile.vip', 'false'],
  ['profile.vip ? count_a > 1 : count_b > 5', 'profile.vip', 'unknown'],
  ['(profile.vip ? count_a : count_b) > 1', 'profile.vip', 'true'],
  ['(profile.vip ? count_a : count_b) > 2', 'profile.vip', 'unknown'],
  ['count_a - count_a == 0', 'count_a', 'unknown'],
  ['count_a * 0 == 0', 'count_a', 'true'],
  ['1.0 / ratio_a > 0.0', 'ratio_a', 'unknown'],
  ['event.mcc != "5411"', 'event.mcc', 'unknown'],
  ['event.mcc in ["5411", "5812"]', 'event.mcc', 'unknown'],
  ['event.mcc.startsWith("54")', 'event.mcc', 'unknown'],
  ['!event.mcc.contains("54")', 'event.mcc', 'unknown'],
  ['event.online', 'event.online', 'unknown'],
  ['!event.online', 'event.online', 'unknown'],
  ['event.n != 1', 'event.n', 'unknown'],
  ['has(event.n)', 'event.n', 'false'],
  ['"a" in event.tags', 'event.tags', 'unknown'],
  ['!("a" in event.tags)', 'event.tags', 'unknown'],
  ['event.tags.exists(t, t == "a")', 'event.tags', 'unknown'],
  ['event.tags.all(t, t == "z")', 'event.tags', 'unknown'],
  ['size(event.tags) > 0', 'event.tags', 'unknown'],
  ['event.tags.all(t, t != "z" || profile.vip)', 'profile.vip', 'true'],
  ['event.tags.exists(t, t == "a" && profile.vip)', 'profile.vip', 'unknown'],
  ['event.mcc in event.tags', 'event.mcc', 'unknown'],
])('%s with %s unknown is %s', (source, unknown, expected) => {
  expect(answer(source, [unknown])).toBe(expected)
})

test('an unknown string is in no empty list', () => {
  const result = compileCondition('event.mcc in event.tags', vocabulary)
  if (result.kind === 'refused') throw new Error(result.problem.message)
  const { lo, hi, event } = readingOf(new Map([...known, ['event.tags', []]]), new Set(['event.mcc']))
  expect(result.value.may(lo, hi, event)).toBe(false)
})

test.each<[string, [number, number], string]>([
  ['count_a >= 3', [3, 9], 'true'],
  ['count_a >= 4', [3, 9], 'unknown'],
  ['count_a > 9', [3, 9], 'false'],
  ['count_a == 3', [3, 9], 'unknown'],
  ['count_a != 10', [3, 9], 'true'],
  ['count_a in [1, 10]', [3, 9], 'false'],
  ['count_a in [1, 9]', [3, 9], 'unknown'],
  ['count_a + count_b >= 5', [3, 9], 'true'],
  ['count_a * count_b >= 5', [3, Infinity], 'true'],
  ['count_a * -1 <= -3', [3, Infinity], 'true'],
  ['10.0 / double(count_a) <= 4.0', [3, Infinity], 'true'],
  ['10.0 / double(count_a) > 0.0', [3, 9], 'true'],
  ['10.0 / double(count_a) > 0.0', [-3, 9], 'unknown'],
  ['10.0 / double(count_a) < 0.0', [-9, -3], 'true'],
])('%s with the count in [%s] is %s', (source, range, expected) => {
  expect(answer(source, [], [['count_a', range]])).toBe(expected)
})

test('a division by zero is unknown, not an error, in both answers and under negation', () => {
  expect(answer('1.0 / (ratio_a - 0.5) > 5.0', [])).toBe('unknown')
  expect(answer('!(1.0 / (ratio_a - 0.5) > 5.0)', [])).toBe('unknown')
  expect(answer('spend / (profile.limit - profile.limit) > 0.5', [])).toBe('unknown')
})

test('beyond the largest double nothing becomes NaN', () => {
  const huge = `(${Array.from({ length: 12 }, () => '1e300').join(' * ratio_a * ')})`
  expect(answer(`${huge} > 5.0`, [])).toBe('true')
  expect(answer(`${huge} - ${huge} == 0.0`, [])).toBe('unknown')
  expect(answer(`!(${huge} - ${huge} > 0.0)`, [])).toBe('unknown')
  const sum = '(1e308 * profile.ratio + 1e308 * profile.ratio)'
  expect(answer(`${sum} > 5.0`, [])).toBe('true')
  expect(answer(`!(${sum} - ${sum} > 0.0)`, [])).toBe('unknown')
  expect(answer(`!(0.0 - ${sum} + ${sum} > 0.0)`, [])).toBe('unknown')
})

test('without an event at hand every field of it is unknown', () => {
  for (const source of ['event.channel == "pos"', 'event.rate > 0.1', 'event.tags.exists(t, true)', 'event.online']) {
    const result = compileCondition(source, vocabulary)
    if (result.kind === 'refused') throw new Error(result.problem.message)
    const { lo, hi } = readingOf(known, new Set())
    expect([result.value.must(lo, hi, null), result.value.may(lo, hi, null)]).toEqual([false, true])
  }
})

test('a NaN or a list that is too long in an event reads as unknown', () => {
  const { lo, hi, event } = readingOf(known, new Set())
  const long = Array.from({ length: celLimits.eventListLength + 1 }, () => 'a')
  const odd = { ...event, rate: Number.NaN, tags: long }
  for (const source of [
    'event.rate > 0.1',
    '!(event.rate > 0.1)',
    '"a" in event.tags',
    'event.tags.all(t, t == "a")',
  ]) {
    const result = compileCondition(source, vocabulary)
    if (result.kind === 'refused') throw new Error(result.problem.message)
    expect([result.value.must(lo, hi, odd), result.value.may(lo, hi, odd)]).toEqual([false, true])
  }
})

test('a number that is not known has no low end', () => {
  const { lo, hi, event } = readingOf(known, new Set(['ratio_a']), new Map([['count_a', [3, 9]]]))
  const low = (source: string | number) => {
    const result = compileNumber(source, vocabulary)
    if (result.kind === 'refused') throw new Error(result.problem.message)
    return result.value.low(lo, hi, event)
  }
  expect(low('ratio_a * 2.0')).toBe(-Infinity)
  expect(low('double(count_a) * 0.5')).toBe(1.5)
  expect(low('spend / money("100.00")')).toBe(5)
  expect(low('profile.vip ? 0.25 : 0.75')).toBe(0.25)
  expect(low(0.75)).toBe(0.75)
})

test('durations take days, and amounts their cents', () => {
  expect(answer('idle < duration("30d") && idle >= duration("1h") && idle < duration("1h1ms")', [])).toBe('true')
  expect(answer('spend == money("500") && spend < money("500.01") && spend > money("499.9")', [])).toBe('true')
  expect(answer('profile.since == timestamp("1970-01-01T02:00:00+02:00")', [])).toBe('true')
})

test('nothing an author writes becomes code', () => {
  const nasty = '"); globalThis.broken = true; ("'
  const source = `event.channel == ${JSON.stringify(nasty)} || event.channel in [${JSON.stringify(nasty)}, "\\u2028"]`
  expect(answer(source, [])).toBe('false')
  expect('broken' in globalThis).toBe(false)
})

test('a filter of events answers from the event alone', () => {
  const result = compileEventPredicate('has(event.n) && event.n > 3', eventType)
  if (result.kind === 'refused') throw new Error(result.problem.message)
  expect([{ n: 4 }, { n: 3 }, { n: null }, {}].map((event) => result.value(event))).toEqual([true, false, false, false])
})
