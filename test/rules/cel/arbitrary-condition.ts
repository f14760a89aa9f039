/**
 * Random well-typed conditions over a vocabulary that has every type, random values for it, and the two oracles: the
 * CEL library on fully known values, and every substitution of the unknown ones.
 */
import * as fc from 'fast-check'
import type { EventTypeDef, FieldDef } from '../../../ingest/event.ts'
import { environmentOf, Money } from '../../../rules/cel/gate.ts'
import type { Variable, Vocabulary } from '../../../rules/vocabulary.ts'

type Unit = 'int' | 'double' | 'money' | 'instant' | 'duration'

/** A value as our frames and events hold it. */
export type Value = number | string | boolean | readonly string[]

const grades = ['R1', 'R2', 'R3'] as const
const words = ['', 'a', 'b', 'ab', 'ba'] as const

const variableTypes: readonly (readonly [string, Variable['type']])[] = [
  ['count_a', 'int'],
  ['count_b', 'int'],
  ['ratio_a', 'double'],
  ['profile.ratio', 'double'],
  ['spend', 'money'],
  ['profile.limit', 'money'],
  ['profile.grade', 'enum'],
  ['profile.vip', 'bool'],
  ['source.lawful', 'bool'],
  ['profile.since', 'instant'],
  ['idle', 'duration'],
]

const fieldTypes: readonly (readonly [string, FieldDef['type'], 'required' | 'optional'])[] = [
  ['channel', 'string', 'required'],
  ['mcc', 'string', 'optional'],
  ['kind', 'string', 'optional'],
  ['n', 'int', 'optional'],
  ['rate', 'double', 'required'],
  ['amount', 'money', 'optional'],
  ['at', 'instant', 'optional'],
  ['online', 'bool', 'optional'],
  ['tags', 'strings', 'optional'],
]

/** The event type that random conditions read. */
export const eventType: EventTypeDef = {
  name: 'card.purchase',
  schemaId: 1,
  fields: new Map(
    fieldTypes.map(([name, type, need]) => {
      const values = name === 'kind' ? grades : undefined
      return [name, { name, type, required: need === 'required', values }]
    }),
  ),
}

/** A vocabulary with every type of variable and field, the frame in another order than the list. */
export const vocabulary: Vocabulary = {
  variables: variableTypes.map(([name, type], i) => {
    const index = variableTypes.length - 1 - i
    return { name, type, index, values: type === 'enum' ? grades : [] }
  }),
  event: eventType,
}

/** The type behind every name, `event.` in front of fields. */
const typesByName: ReadonlyMap<string, Variable['type'] | FieldDef['type']> = new Map([
  ...variableTypes,
  ...fieldTypes.map(([name, type]) => [`event.${name}`, type] as const),
])

/** Values of one name: few and close together, so that equalities and bounds are met. */
export function anyValueOf(name: string): fc.Arbitrary<Value> {
  const type = typesByName.get(name)
  switch (type) {
    case 'int':
      return fc.integer({ min: -3, max: 4 })
    case 'double':
      return fc.integer({ min: -6, max: 6 }).map((quarters) => quarters / 4)
    case 'money':
      return fc.integer({ min: -3, max: 4 }).map((n) => n * 50)
    case 'instant':
      return fc.integer({ min: 0, max: 4 }).map((n) => n * 1_000)
    case 'duration':
      return fc.integer({ min: -2, max: 3 }).map((n) => n * 1_000)
    case 'bool':
      return fc.boolean()
    case 'enum':
      return fc.constantFrom(...grades)
    case 'strings':
      return fc.array(fc.constantFrom(...words), { maxLength: 3 })
    case 'string':
      return name === 'event.kind' ? fc.constantFrom(...grades) : fc.constantFrom(...words)
    default:
      throw new Error(`no type for ${name}`)
  }
}

/** A value for every name. */
export type Values = ReadonlyMap<string, Value>

/** Every name known. */
export const anyValues: fc.Arbitrary<Values> = fc
  .tuple(...[...typesByName.keys()].map((name) => anyValueOf(name).map((value) => [name, value] as const)))
  .map((entries) => new Map(entries))

/** Names that may be unknown: all but the required fields. */
export const unknowableNames: readonly string[] = [...typesByName.keys()].filter(
  (name) => !name.startsWith('event.') || eventType.fields.get(name.slice(6))?.required === false,
)

/** The frame and event data for values; names in `unknown` are unknown, those in `ranges` lie between two values. */
export function readingOf(
  values: Values,
  unknown: ReadonlySet<string>,
  ranges: ReadonlyMap<string, readonly [number, number]> = new Map(),
): { readonly lo: Float64Array; readonly hi: Float64Array; readonly event: Record<string, unknown> } {
  const lo = new Float64Array(vocabulary.variables.length)
  const hi = new Float64Array(vocabulary.variables.length)
  for (const { name, type, index } of vocabulary.variables) {
    const value = values.get(name)
    const code = type === 'enum' ? grades.map(String).indexOf(String(value)) : Number(value)
    const range = ranges.get(name) ?? (unknown.has(name) ? [-Infinity, Infinity] : [code, code])
    lo[index] = range[0]
    hi[index] = range[1]
  }
  const fields = [...eventType.fields.keys()].map((name) => {
    const full = `event.${name}`
    return [name, unknown.has(full) ? null : values.get(full)] as const
  })
  return { lo, hi, event: Object.fromEntries(fields) }
}

/** What the CEL library says, every name known; `absent` names the fields of which has() is false. */
export function oracleAnswer(source: string, values: Values, absent: ReadonlySet<string> = new Set()): unknown {
  const environment = environmentOf(vocabulary)
  const context: Record<string, unknown> = {}
  const groups: Record<string, Record<string, unknown>> = { profile: {}, source: {}, event: {} }
  for (const [name, value] of values) {
    const [first = '', second] = name.split('.')
    const celValue = celValueOf(typesByName.get(name), value)
    const group = second === undefined ? undefined : groups[first]
    if (group === undefined || second === undefined) context[name] = celValue
    else group[second] = celValue
  }
  let text = source
  for (const name of absent) text = text.replaceAll(`has(${name})`, 'false')
  return environment.evaluate(text, { ...context, ...groups })
}

function celValueOf(type: string | undefined, value: Value): unknown {
  if (type === 'int') return BigInt(Number(value))
  if (type === 'money') return new Money(Number(value))
  if (type === 'instant') return new Date(Number(value))
  if (type === 'duration') return environmentOf(vocabulary).evaluate(`duration("${Number(value) / 1_000}s")`)
  return value
}

const namesOf = (type: string) => [...typesByName].filter(([, own]) => own === type).map(([name]) => name)

const doubleText = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value))
const bracketed = (text: string) => (text.startsWith('-') ? `(${text})` : text)

function constantText(unit: Unit): fc.Arbitrary<string> {
  const [name = ''] = namesOf(unit)
  return anyValueOf(name).map((value) => {
    const number = Number(value)
    if (unit === 'int') return bracketed(String(number))
    if (unit === 'double') return bracketed(doubleText(number))
    if (unit === 'money') return `money("${(number / 100).toFixed(2)}")`
    if (unit === 'duration') return `duration("${number / 1_000}s")`
    return `timestamp("${new Date(number).toISOString()}")`
  })
}

/** A number of one unit, with at most `depth` operators inside each other. */
function anyNumber(unit: Unit, depth: number, bound: readonly string[]): fc.Arbitrary<string> {
  const leaves = [fc.constantFrom(...namesOf(unit)), constantText(unit)]
  if (unit === 'int') leaves.push(fc.constantFrom('size(event.tags)', 'event.tags.size()'))
  if (depth === 0) return fc.oneof(...leaves)
  const pair = (a: Unit, operator: string, b: Unit) =>
    fc
      .tuple(anyNumber(a, depth - 1, bound), anyNumber(b, depth - 1, bound))
      .map(([left, right]) => `(${left} ${operator} ${right})`)
  const choice = fc
    .tuple(anyBool(depth - 1, bound), anyNumber(unit, depth - 1, bound), anyNumber(unit, depth - 1, bound))
    .map(([test, yes, no]) => `(${test} ? ${yes} : ${no})`)
  return fc.oneof(...leaves, ...compounds(unit, depth, bound, pair), choice)
}

function compounds(
  unit: Unit,
  depth: number,
  bound: readonly string[],
  pair: (a: Unit, operator: string, b: Unit) => fc.Arbitrary<string>,
): readonly fc.Arbitrary<string>[] {
  if (unit === 'instant') return [pair('instant', '+', 'duration'), pair('instant', '-', 'duration')]
  if (unit === 'duration') {
    return [pair('instant', '-', 'instant'), pair('duration', '+', 'duration'), pair('duration', '-', 'duration')]
  }
  const sums = [pair(unit, '+', unit), pair(unit, '-', unit)]
  if (unit === 'money') return [...sums, pair('money', '*', 'int'), pair('double', '*', 'money')]
  const signed = [...sums, pair(unit, '*', unit), anyNumber(unit, depth - 1, bound).map((text) => `-(${text})`)]
  if (unit === 'int') return signed
  const divisors = fc.constantFrom('2.0', '0.5', '(-4.0)', '(double(size(event.tags)) + 0.5)')
  const quotient = fc.tuple(anyNumber('double', depth - 1, bound), divisors).map(([a, b]) => `(${a} / ${b})`)
  const ratio = anyNumber('money', depth - 1, bound).map((text) => `(${text} / money("0.50"))`)
  return [...signed, quotient, ratio, anyNumber('int', depth - 1, bound).map((text) => `double(${text})`)]
}

const quoted = (text: string) => JSON.stringify(text)
const anyWord = fc.constantFrom(...words).map(quoted)
const anyGrade = fc.constantFrom(...grades).map(quoted)
const equality = fc.constantFrom('==', '!=')

function listText(element: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.array(element, { minLength: 1, maxLength: 3 }).map((texts) => `[${texts.join(', ')}]`)
}

function joinedText(...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map((texts) => `(${texts.join(' ')})`)
}

/** A condition with at most `depth` operators inside each other; `bound` are names of the macros around it. */
function anyBool(depth: number, bound: readonly string[]): fc.Arbitrary<string> {
  const text = fc.constantFrom('event.channel', 'event.mcc', ...bound)
  const leaves: fc.Arbitrary<string>[] = [
    fc.constantFrom('true', 'false', ...namesOf('bool')),
    fc.constantFrom('has(event.mcc)', 'has(event.n)', 'has(event.tags)', 'has(event.online)'),
    joinedText(fc.constantFrom('profile.grade', 'event.kind'), equality, anyGrade),
    joinedText(fc.constantFrom('profile.grade', 'event.kind'), fc.constant('in'), listText(anyGrade)),
    joinedText(text, equality, fc.oneof(anyWord, text)),
    joinedText(anyWord, equality, text),
    joinedText(text, fc.constant('in'), listText(anyWord)),
    joinedText(fc.oneof(anyWord, text), fc.constant('in event.tags')),
    fc
      .tuple(text, fc.constantFrom('startsWith', 'endsWith', 'contains'), fc.oneof(anyWord, text))
      .map(([left, method, right]) => `${left}.${method}(${right})`),
  ]
  if (depth === 0) return fc.oneof(...leaves)
  const inner = anyBool(depth - 1, bound)
  const compounds = [
    joinedText(inner, fc.constantFrom('&&', '||', '==', '!='), inner),
    joinedText(inner, fc.constantFrom('&&', '||'), inner),
    joinedText(inner, fc.constant('?'), inner, fc.constant(':'), inner),
    inner.map((condition) => `!(${condition})`),
    ...comparisons(depth, bound),
  ]
  if (bound.length < 2) compounds.push(anyMacro(depth, bound))
  return fc.oneof({ arbitrary: fc.oneof(...leaves), weight: 1 }, { arbitrary: fc.oneof(...compounds), weight: 3 })
}

function comparisons(depth: number, bound: readonly string[]): readonly fc.Arbitrary<string>[] {
  const order = fc.constantFrom('<', '<=', '>', '>=')
  const units = ['int', 'double', 'money', 'instant', 'duration'] as const
  return units.flatMap((unit) => {
    const number = anyNumber(unit, depth - 1, bound)
    const other = unit === 'int' ? anyNumber('double', depth - 1, bound) : number
    const ordered = joinedText(number, order, fc.oneof(number, other))
    const equal = joinedText(number, equality, number)
    const listed = joinedText(number, fc.constant('in'), listText(constantText(unit)))
    // The library compares instants in lists by identity; so equality of instants is what there is to hold against.
    return unit === 'instant' || unit === 'duration' ? [ordered, equal] : [ordered, equal, listed]
  })
}

function anyMacro(depth: number, bound: readonly string[]): fc.Arbitrary<string> {
  const name = `x${bound.length}`
  return fc
    .tuple(fc.constantFrom('exists', 'all'), anyBool(depth - 1, [...bound, name]))
    .map(([kind, body]) => `event.tags.${kind}(${name}, ${body})`)
}

/** Random conditions. */
export const anyCondition: fc.Arbitrary<string> = anyBool(3, [])

/** Random numbers of type double. */
export const anyDouble: fc.Arbitrary<string> = anyNumber('double', 3, [])
