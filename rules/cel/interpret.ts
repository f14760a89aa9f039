/**
 * Typed trees evaluated directly: the answers that generated code gives, without generating any. For traces; the
 * property tests hold it and the generated code to the same answers.
 */
import type { BoolTree, NumberTree, StringTree } from './expression.ts'
import { anyWithin, fieldHigh, fieldLow, intervalOf, listOf, sizeOr } from './runtime.ts'

/** An answer of a condition: `true` whatever the unknowns are, `false` whatever they are, or neither. */
export type Truth = 'true' | 'false' | 'unknown'

/** What a tree is evaluated over; `bound` holds the strings of the macros around it. */
export type Reading = {
  readonly lo: Float64Array
  readonly hi: Float64Array
  readonly event: Readonly<Record<string, unknown>>
  readonly bound: readonly string[]
}

/** Low and high end of what a number may be. */
export type Interval = readonly [low: number, high: number]

/** The answer of a condition. */
export function answerOf(tree: BoolTree, reading: Reading): Truth {
  switch (tree.kind) {
    case 'bool':
      return truthOf(tree.value)
    case 'flag':
      return between(reading.lo[tree.index]! >= 1, reading.hi[tree.index]! >= 1)
    case 'eventFlag':
      return between(reading.event[tree.field] === true, reading.event[tree.field] !== false)
    case 'present':
      return truthOf(isThere(reading.event[tree.field]))
    case 'not':
      return negation(answerOf(tree.of, reading))
    case 'and':
      return conjunction(answerOf(tree.left, reading), answerOf(tree.right, reading))
    case 'or':
      return disjunction(answerOf(tree.left, reading), answerOf(tree.right, reading))
    case 'same': {
      const left = answerOf(tree.left, reading)
      const right = answerOf(tree.right, reading)
      return left === 'unknown' || right === 'unknown' ? 'unknown' : truthOf(left === right)
    }
    case 'choose': {
      const test = answerOf(tree.test, reading)
      const yes = answerOf(tree.yes, reading)
      const no = answerOf(tree.no, reading)
      if (test === 'unknown') return yes === no ? yes : 'unknown'
      return test === 'true' ? yes : no
    }
    case 'less':
    case 'lessOrEqual':
    case 'equal':
    case 'numberIn':
      return numberAnswer(tree, reading)
    case 'stringIn':
    case 'sameString':
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return stringAnswer(tree, reading)
    case 'inEventList':
    case 'exists':
    case 'all':
      return listAnswer(tree, reading)
  }
}

function numberAnswer(
  tree: BoolTree & { readonly kind: 'less' | 'lessOrEqual' | 'equal' | 'numberIn' },
  reading: Reading,
): Truth {
  const [al, ah] = intervalIn(tree.left, reading)
  if (tree.kind === 'numberIn') {
    return between(al === ah && tree.values.includes(al), anyWithin(tree.values, al, ah))
  }
  const [bl, bh] = intervalIn(tree.right, reading)
  if (tree.kind === 'less') return between(ah < bl, al < bh)
  if (tree.kind === 'lessOrEqual') return between(ah <= bl, al <= bh)
  return between(al === bh && ah === bl, al <= bh && ah >= bl)
}

function stringAnswer(
  tree: BoolTree & { readonly kind: 'stringIn' | 'sameString' | 'startsWith' | 'endsWith' | 'contains' },
  reading: Reading,
): Truth {
  const left = stringIn(tree.left, reading)
  if (left === null) return 'unknown'
  if (tree.kind === 'stringIn') return truthOf(tree.values.includes(left))
  const right = stringIn(tree.right, reading)
  if (right === null) return 'unknown'
  if (tree.kind === 'startsWith') return truthOf(left.startsWith(right))
  if (tree.kind === 'endsWith') return truthOf(left.endsWith(right))
  return truthOf(tree.kind === 'contains' ? left.includes(right) : left === right)
}

function listAnswer(tree: BoolTree & { readonly kind: 'inEventList' | 'exists' | 'all' }, reading: Reading): Truth {
  const list = listOf(reading.event[tree.field])
  if (list === null) return 'unknown'
  if (tree.kind === 'inEventList') {
    const needle = stringIn(tree.needle, reading)
    if (needle === null) return list.length > 0 ? 'unknown' : 'false'
    return truthOf(list.includes(needle))
  }
  const answers = list.map((element) => {
    const bound = [...reading.bound.slice(0, tree.slot), String(element)]
    return answerOf(tree.body, { ...reading, bound })
  })
  if (tree.kind === 'exists') return answers.reduce(disjunction, 'false')
  return answers.reduce(conjunction, 'true')
}

/** The interval of a number: known where both ends are equal. */
export function intervalIn(tree: NumberTree, reading: Reading): Interval {
  switch (tree.kind) {
    case 'number':
      return [tree.value, tree.value]
    case 'variable':
      return [reading.lo[tree.index]!, reading.hi[tree.index]!]
    case 'eventNumber':
      return [fieldLow(reading.event[tree.field]), fieldHigh(reading.event[tree.field])]
    case 'eventSize':
      return [sizeOr(reading.event[tree.field], -Infinity), sizeOr(reading.event[tree.field], Infinity)]
    case 'arithmetic':
      return intervalOf(tree.operator, intervalIn(tree.left, reading), intervalIn(tree.right, reading))
    case 'chooseNumber': {
      const test = answerOf(tree.test, reading)
      const [yesLow, yesHigh] = intervalIn(tree.yes, reading)
      const [noLow, noHigh] = intervalIn(tree.no, reading)
      if (test === 'true') return [yesLow, yesHigh]
      return test === 'false' ? [noLow, noHigh] : [Math.min(yesLow, noLow), Math.max(yesHigh, noHigh)]
    }
  }
}

function stringIn(tree: StringTree, reading: Reading): string | null {
  if (tree.kind === 'string') return tree.value
  if (tree.kind === 'bound') return reading.bound[tree.slot] ?? null
  const value = reading.event[tree.field]
  return typeof value === 'string' ? value : null
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined
}

function truthOf(value: boolean): Truth {
  return value ? 'true' : 'false'
}

function between(must: boolean, may: boolean): Truth {
  if (must) return 'true'
  return may ? 'unknown' : 'false'
}

function negation(of: Truth): Truth {
  if (of === 'unknown') return of
  return of === 'true' ? 'false' : 'true'
}

function conjunction(a: Truth, b: Truth): Truth {
  if (a === 'false' || b === 'false') return 'false'
  return a === 'true' && b === 'true' ? 'true' : 'unknown'
}

function disjunction(a: Truth, b: Truth): Truth {
  return negation(conjunction(negation(a), negation(b)))
}
