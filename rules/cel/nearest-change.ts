/**
 * The nearest change that would make a condition true or false: which values, and what they would have to be. The slow path, for
 * explanations.
 *
 * The condition is taken apart into ways: what each variable would have to be so that it comes out as wanted. Of a comparison one side
 * changes, a plain variable, while the other keeps its value. The way with the fewest changes is tried on the values: only what then
 * holds is told. Of equally few the first in the condition wins.
 */
import type { Variable, Vocabulary } from '../vocabulary.ts'
import { type Domain, everyNumber, intersection, isEmpty, isWithin, type Range, wholeNumbers } from './domain.ts'
import { conditionTree } from './elaborate.ts'
import { type BoolTree, type NumberTree, readsOf } from './expression.ts'
import { answerOf, intervalIn, type Reading, type Truth } from './interpret.ts'
import { celLimits } from './limits.ts'

/** One value that would have to be another. */
export type Change = {
  readonly variable: Variable
  /** What is known of it now; lo == hi: all. */
  readonly from: { readonly lo: number; readonly hi: number }
  /** Every value that would do while the other changes are made: disjoint ranges, ascending. */
  readonly needs: readonly Range[]
  /** The one of them nearest to what it is now. */
  readonly to: number
}

/** What each variable has to be, by frame index. */
type Way = ReadonlyMap<number, Domain>

type Goal = Exclude<Truth, 'unknown'>

type Search = { readonly reading: Reading; readonly variables: ReadonlyMap<number, Variable> }

/**
 * The fewest changes after which a condition answers `goal` whatever is still unknown: `true` opens what asks `must`, `false` opens
 * what closes while `may`. Empty when it does already. null: none is known. That is so when only what cannot be changed here would do
 * (the event at hand, arithmetic on both sides), or beyond the ways that are kept (`celLimits.branches`, those with the fewest changes).
 *
 * @returns null too when the condition is refused
 */
export function nearestChange(
  source: string,
  vocabulary: Vocabulary,
  goal: Goal,
  lo: Float64Array,
  hi: Float64Array,
): readonly Change[] | null {
  const checked = conditionTree(source, vocabulary)
  if (checked.kind === 'refused') return null
  const variables = new Map(vocabulary.variables.map((variable) => [variable.index, variable]))
  const search: Search = { reading: { lo, hi, event: {}, bound: [] }, variables }
  for (const way of waysTo(checked.value, goal, search)) {
    const changes = changesOf(way, search)
    if (changes !== null && holdsAfter(checked.value, goal, search, changes)) return changes
  }
  return null
}

/** Names of the variables that a condition reads; none when it is refused. */
export function variablesRead(source: string, vocabulary: Vocabulary): readonly string[] {
  const checked = conditionTree(source, vocabulary)
  if (checked.kind === 'refused') return []
  const { variables } = readsOf([checked.value])
  return vocabulary.variables.filter(({ index }) => variables.includes(index)).map(({ name }) => name)
}

function waysTo(tree: BoolTree, goal: Goal, search: Search): readonly Way[] {
  const opposite: Goal = goal === 'true' ? 'false' : 'true'
  switch (tree.kind) {
    case 'bool':
      return tree.value === (goal === 'true') ? [new Map()] : []
    case 'not':
      return waysTo(tree.of, opposite, search)
    case 'and':
    case 'or': {
      const left = waysTo(tree.left, goal, search)
      const right = waysTo(tree.right, goal, search)
      return (tree.kind === 'and') === (goal === 'true')
        ? both(left, right, search)
        : fewest([...left, ...right], search)
    }
    case 'same': {
      const pair = (a: Goal, b: Goal) => both(waysTo(tree.left, a, search), waysTo(tree.right, b, search), search)
      const ways =
        goal === 'true'
          ? [pair('true', 'true'), pair('false', 'false')]
          : [pair('true', 'false'), pair('false', 'true')]
      return fewest(ways.flat(), search)
    }
    case 'choose': {
      const yes = both(waysTo(tree.test, 'true', search), waysTo(tree.yes, goal, search), search)
      const no = both(waysTo(tree.test, 'false', search), waysTo(tree.no, goal, search), search)
      // Or both come out so, whatever the test does.
      const either = both(waysTo(tree.yes, goal, search), waysTo(tree.no, goal, search), search)
      return fewest([...yes, ...no, ...either], search)
    }
    case 'flag':
      return oneWay(tree.index, points([goal === 'true' ? 1 : 0]), search)
    case 'less':
    case 'lessOrEqual':
    case 'equal':
    case 'numberIn':
      return comparisonWays(tree, goal, search)
    default:
      // Nothing of the event can be changed any more.
      return answerOf(tree, search.reading) === goal ? [new Map()] : []
  }
}

type Comparison = BoolTree & { readonly kind: 'less' | 'lessOrEqual' | 'equal' | 'numberIn' }

function comparisonWays(tree: Comparison, goal: Goal, search: Search): readonly Way[] {
  const { reading } = search
  const ways: Way[] = []
  if (tree.kind === 'numberIn') {
    if (tree.left.kind === 'variable')
      ways.push(...oneWay(tree.left.index, goal === 'true' ? points(tree.values) : allBut(tree.values), search))
  } else {
    const { left, right } = tree
    if (left.kind === 'variable' && !reads(right, left.index))
      ways.push(...oneWay(left.index, besides(tree.kind, goal, 'left', intervalIn(right, reading)), search))
    if (right.kind === 'variable' && !reads(left, right.index))
      ways.push(...oneWay(right.index, besides(tree.kind, goal, 'right', intervalIn(left, reading)), search))
  }
  // It may hold as it is, by more than a plain variable.
  if (ways.length === 0 && answerOf(tree, reading) === goal) return [new Map()]
  return ways
}

/** What a variable on one side has to be, when the other side is somewhere between `low` and `high`. */
function besides(
  kind: 'less' | 'lessOrEqual' | 'equal',
  goal: Goal,
  side: 'left' | 'right',
  [low, high]: readonly [number, number],
): Domain {
  if (kind === 'equal') {
    if (goal === 'true') return low === high ? points([low]) : nothing
    return { kind: 'numbers', ranges: [below(low, true), above(high, true)].filter((range) => !isHollow(range)) }
  }
  const strict = (kind === 'less') === (goal === 'true')
  const isSmaller = (side === 'left') === (goal === 'true')
  const range = isSmaller ? below(low, strict) : above(high, strict)
  return isHollow(range) ? nothing : { kind: 'numbers', ranges: [range] }
}

const nothing: Domain = { kind: 'numbers', ranges: [] }
const below = (high: number, open: boolean): Range => ({ low: -Infinity, high, lowOpen: true, highOpen: open })
const above = (low: number, open: boolean): Range => ({ low, high: Infinity, lowOpen: open, highOpen: true })
const isHollow = ({ low, high }: Range): boolean => low === high

function points(values: readonly number[]): Domain {
  return {
    kind: 'numbers',
    ranges: values.map((value) => ({ low: value, high: value, lowOpen: false, highOpen: false })),
  }
}

/** Every number but these, ascending. */
function allBut(values: readonly number[]): Domain {
  const ends = [-Infinity, ...values, Infinity]
  const ranges = ends.slice(1).map((high, i) => ({ low: ends[i] ?? 0, high, lowOpen: true, highOpen: true }))
  return intersection(everyNumber, { kind: 'numbers', ranges })
}

function reads(tree: NumberTree, index: number): boolean {
  return readsOf([tree]).variables.includes(index)
}

/** A way that asks something of one variable, cut to the values it can have; none when there are none. */
function oneWay(index: number, domain: Domain, { variables }: Search): readonly Way[] {
  const cut = possible(domain, variables.get(index))
  return isEmpty(cut) ? [] : [new Map([[index, cut]])]
}

function possible(domain: Domain, variable: Variable | undefined): Domain {
  switch (variable?.type) {
    case 'bool':
      return intersection(domain, points([0, 1]))
    case 'enum':
      return intersection(domain, points(variable.values.map((_, code) => code)))
    case 'double':
    case undefined:
      return domain
    default:
      return wholeNumbers(domain)
  }
}

/** Every way of the one together with every way of the other, as far as they do not exclude each other. */
function both(left: readonly Way[], right: readonly Way[], search: Search): readonly Way[] {
  const ways: Way[] = []
  for (const one of left) {
    for (const other of right) {
      const way = new Map(one)
      for (const [index, domain] of other) way.set(index, intersection(way.get(index) ?? everyNumber, domain))
      if (![...way.values()].some(isEmpty)) ways.push(way)
    }
  }
  return fewest(ways, search)
}

/** The ways with the fewest changes, in their order. */
function fewest(ways: readonly Way[], search: Search): readonly Way[] {
  const counted = ways.map((way) => ({
    way,
    count: [...way].filter(([index, needs]) => !fits(index, needs, search)).length,
  }))
  return counted
    .sort((a, b) => a.count - b.count)
    .slice(0, celLimits.branches)
    .map(({ way }) => way)
}

/** Whether a variable is what is needed, whatever is unknown of it. */
function fits(index: number, needs: Domain, { reading: { lo, hi } }: Search): boolean {
  const ends = { low: lo[index]!, high: hi[index]! }
  return isWithin(
    { kind: 'numbers', ranges: [{ ...ends, lowOpen: ends.low === -Infinity, highOpen: ends.high === Infinity }] },
    needs,
  )
}

/** The changes of a way, in the order of the frame; null: a value that would do is too far out for a number. */
function changesOf(way: Way, search: Search): readonly Change[] | null {
  const { variables, reading } = search
  const changes: Change[] = []
  for (const [index, needs] of [...way].sort(([a], [b]) => a - b)) {
    const variable = variables.get(index)
    if (variable === undefined || needs.kind !== 'numbers' || fits(index, needs, search)) continue
    const from = { lo: reading.lo[index]!, hi: reading.hi[index]! }
    const to = nearestOf(needs.ranges, from)
    if (to === null) return null
    changes.push({ variable, from, needs: needs.ranges, to })
  }
  return changes
}

/** The value of the ranges nearest to where it is; of two the higher. What is not known at all is taken for 0. */
function nearestOf(ranges: readonly Range[], from: Change['from']): number | null {
  const known = from.lo === from.hi ? from.lo : [from.lo, from.hi].find(Number.isFinite)
  const at = known ?? 0
  let best: number | null = null
  for (const range of ranges) {
    const value = insideOf(range, at)
    if (value === null) continue
    if (best === null || Math.abs(value - at) <= Math.abs(best - at)) best = value
  }
  return best
}

function insideOf(range: Range, at: number): number | null {
  const { low, high, lowOpen, highOpen } = range
  const isInside = (value: number) =>
    (value > low || (value === low && !lowOpen)) && (value < high || (value === high && !highOpen))
  if (isInside(at)) return at
  const end = at <= low ? low : high
  // A little beyond an end that is not of the range; half way where the range is shorter than that.
  const little = Math.max(1, Math.abs(end)) * 2 ** -30
  const tries = [end, at <= low ? low + little : high - little, (low + high) / 2]
  return tries.find((value) => Number.isFinite(value) && isInside(value)) ?? null
}

function holdsAfter(tree: BoolTree, goal: Goal, { reading }: Search, changes: readonly Change[]): boolean {
  const [lo, hi] = applied(changes, reading.lo, reading.hi)
  return answerOf(tree, { ...reading, lo, hi }) === goal
}

/** The frame after the changes; the one given stays as it is. */
export function applied(
  changes: readonly Change[],
  lo: Float64Array,
  hi: Float64Array,
): readonly [lo: Float64Array, hi: Float64Array] {
  const low = lo.slice()
  const high = hi.slice()
  for (const { variable, to } of changes) {
    low[variable.index] = to
    high[variable.index] = to
  }
  return [low, high]
}
