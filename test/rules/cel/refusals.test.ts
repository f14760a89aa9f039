/** What conditions must not say, and what the refusal tells the author to write instead. */
import { expect, test } from 'vitest'
import { compileCondition, compileEventPredicate, compileNumber } from '../../../rules/cel/compile.ts'
import { celLimits } from '../../../rules/cel/limits.ts'
import type { CelProblemCode } from '../../../rules/cel/problem.ts'
import { isUsableName } from '../../../rules/vocabulary.ts'
import { eventType, vocabulary } from './arbitrary-condition.ts'

function refusalOf(source: string) {
  const result = compileCondition(source, vocabulary)
  if (result.kind === 'ok') throw new Error(`not refused: ${source}`)
  return result.problem
}

test.each<[string, CelProblemCode, string]>([
  ['count_a > 3 &&', 'syntax', 'not a CEL expression'],
  ['count_c > 3', 'unknown_name', 'did you mean count_'],
  ['event.chanel == "a"', 'unknown_name', 'did you mean event.channel?'],
  ['zzzzzz > 3', 'unknown_name', 'define it in the pack'],
  ['profile.grade == "R9"', 'unknown_value', '"R1", "R2", "R3"'],
  ['event.kind in ["R1", "R9"]', 'unknown_value', '"R1", "R2", "R3"'],
  ['profile.grade == event.kind', 'type_mismatch', 'one of its values'],
  ['spend >= 5000', 'type_mismatch', 'write money("5000.00")'],
  ['spend in [50]', 'type_mismatch', 'write money("50.00")'],
  ['ratio_a + 1 > 2.0', 'type_mismatch', 'write 1.0'],
  ['ratio_a == 3', 'type_mismatch', 'write 3.0'],
  ['ratio_a == count_a', 'type_mismatch', 'write double(...) around it'],
  ['idle > 72', 'type_mismatch', 'duration("72h")'],
  ['event.at > 72', 'type_mismatch', 'timestamp("'],
  ['event.channel == 3', 'type_mismatch', 'of one type'],
  ['event.channel < "b"', 'type_mismatch', 'compares numbers'],
  ['count_a', 'not_bool', 'compare it with something'],
  ['count_a && true', 'type_mismatch', 'compare it with something'],
  ['-spend < money("1.00")', 'type_mismatch', 'money("-5.00")'],
  ['event.mcc == null', 'null_refused', 'has(event.field)'],
  ['has(profile.vip)', 'has_refused', 'fields of the event only'],
  ['has(event.channel)', 'has_refused', 'always there'],
  ['count_a / 2 > 1', 'division_refused', 'double(...) / 2.0'],
  ['count_a % 2 == 0', 'division_refused', '%'],
  ['event.channel.matches("(a+)+$")', 'function_refused', 'regular expressions'],
  ['string(count_a) == "3"', 'function_refused', 'there are has, money'],
  ['event.channel.trim() == "a"', 'function_refused', 'there are exists'],
  ['event.tags.exists_one(t, t == "a")', 'macro_refused', 'exists or all'],
  ['event.tags.filter(t, t == "a").size() > 0', 'macro_refused', 'exists or all'],
  ['event.tags.map(t, t).size() > 0', 'macro_refused', 'exists or all'],
  ['["a"].exists(t, t == event.mcc)', 'unsupported', 'on the right of `in`'],
  ['event.tags.exists(count_a, count_a == "a")', 'macro_refused', 'choose another name'],
  ['event.tags.all(a, event.tags.all(b, event.tags.all(c, a == c)))', 'too_large', 'at most 2 macros'],
  ['spend > money("1.234")', 'literal_invalid', 'at most two decimals'],
  ['spend > money(event.channel)', 'literal_invalid', 'money("5000.00")'],
  ['idle > duration("3 days")', 'literal_invalid', 'duration("30d")'],
  ['event.at > timestamp("yesterday")', 'literal_invalid', 'timestamp("'],
  ['count_a in []', 'literal_invalid', 'at least one constant'],
  ['count_a in [count_b]', 'unsupported', 'constants only'],
  ['count_a > 9007199254740993', 'literal_invalid', '2^53'],
  ['event.tags[0] == "a"', 'unsupported', 'indexes'],
  ['{"a": 1}["a"] == 1', 'too_large', 'maxMapEntries'],
  ['b"a" == b"a"', 'unsupported', 'bytes'],
  ['"a" == "a"', 'unsupported', 'two constants'],
  ['double(count_a, 2) > 1.0', 'type_mismatch', 'the types do not fit'],
  ['event.tags.size(1) > 1', 'type_mismatch', 'the types do not fit'],
  ['profile.vip ? event.mcc : event.channel', 'unsupported', 'both sides'],
])('%s is refused with %s', (source, code, hint) => {
  const problem = refusalOf(source)
  expect(problem.code).toBe(code)
  expect(problem.message).toContain(hint)
  expect(problem.start).toBeGreaterThanOrEqual(0)
  expect(problem.end).toBeLessThanOrEqual(source.length)
  expect(problem.end).toBeGreaterThanOrEqual(problem.start)
})

test('a problem points at the part that is wrong', () => {
  const source = 'count_a > 3 && spend >= 5000'
  const { start, end } = refusalOf(source)
  expect(source.slice(start, end)).toBe('spend >= 5000')
})

test('size, nesting, list length and what nested ternaries grow into are bounded', () => {
  const terms = Array.from({ length: celLimits.nodes }, () => 'count_a > 1')
  const codes = [
    refusalOf(terms.join(' && ')).code,
    refusalOf(`${'('.repeat(200)}true${')'.repeat(200)}`).code,
    refusalOf(`count_a in [${Array.from({ length: celLimits.listConstants + 1 }, (_, i) => i).join(',')}]`).code,
    refusalOf(`event.channel == "${'x'.repeat(celLimits.sourceLength)}"`).code,
  ]
  expect(codes).toEqual(['too_large', 'too_large', 'too_large', 'too_large'])
  let nested = 'profile.vip'
  for (let i = 0; i < 14; i++) nested = `(${nested} ? event.online : source.lawful)`
  expect(refusalOf(nested).message).toContain('split the condition')
})

test.each([
  ['==', (inner: string) => `(${inner} == profile.vip)`],
  ['a ternary', (inner: string) => `(${inner} ? event.online : profile.vip)`],
  ['a ternary of numbers', (inner: string) => `((${inner} ? count_a : count_b) > 3)`],
])('%s nested as deep as it goes is refused at once', (_, nest) => {
  let nested = 'profile.vip'
  for (let i = 0; i < 15; i++) nested = nest(nested)
  const started = performance.now()
  for (let i = 0; i < 14; i++) {
    if (nested.length < celLimits.sourceLength) nested = nest(nested)
    const result = compileCondition(nested, vocabulary)
    expect(result.kind).toBe('refused')
  }
  expect(performance.now() - started).toBeLessThan(2_000)
})

test('without an event at hand, event fields are refused', () => {
  const result = compileCondition('event.channel == "a"', { ...vocabulary, event: null })
  expect(result).toMatchObject({ kind: 'refused', problem: { code: 'unknown_name' } })
})

test('a number must be a finite double', () => {
  const codeOf = (source: string | number) => {
    const result = compileNumber(source, vocabulary)
    return result.kind === 'refused' ? `${result.problem.code}: ${result.problem.message}` : 'ok'
  }
  expect(codeOf(Number.NaN)).toContain('literal_invalid')
  expect(codeOf('3')).toContain('write 3.0')
  expect(codeOf('count_a')).toContain('write double(...) around it')
  expect(codeOf('spend')).toContain('divide it by an amount')
  expect(codeOf('profile.vip')).toContain('not_double')
  expect(codeOf('double(count_a) * 0.5')).toBe('ok')
})

test.each<[string, 'ok' | 'uncertain' | 'unknown_name']>([
  ['event.channel == "a" && event.rate > 0.5', 'ok'],
  ['event.n > 3', 'uncertain'],
  ['has(event.n) && event.n > 3', 'ok'],
  ['event.n > 3 && has(event.n)', 'ok'],
  ['has(event.n) || event.n > 3', 'uncertain'],
  ['!has(event.n) || event.n > 3', 'ok'],
  ['!(has(event.n) && event.n > 3)', 'ok'],
  ['has(event.n) ? event.n > 3 : event.rate > 0.5', 'ok'],
  ['has(event.n) ? event.rate > 0.5 : event.n > 3', 'uncertain'],
  ['(has(event.n) ? event.n : 0) > 3', 'ok'],
  ['(has(event.n) ? 0 : event.n) > 3', 'uncertain'],
  ['has(event.n) && (event.amount > money("1.00") || event.n > 3)', 'uncertain'],
  ['has(event.tags) && event.tags.exists(t, t == event.mcc)', 'uncertain'],
  ['has(event.tags) && has(event.mcc) && event.tags.exists(t, t == event.mcc)', 'ok'],
  ['has(event.mcc) == (event.mcc == "a")', 'uncertain'],
  ['event.online', 'uncertain'],
  ['"a" in event.tags', 'uncertain'],
  ['size(event.tags) > 0', 'uncertain'],
  ['count_a > 3', 'unknown_name'],
])('as a filter of events, %s is %s', (source, expected) => {
  const result = compileEventPredicate(source, eventType)
  expect(result.kind === 'ok' ? 'ok' : result.problem.code).toBe(expected)
})

test('the language keeps its own words', () => {
  expect(['card_spend_30d', '_x', 'R2'].every(isUsableName)).toBe(true)
  expect(['in', 'event', 'size', '7d', 'a-b', '', 'a.b', 'x'.repeat(65)].some(isUsableName)).toBe(false)
})
