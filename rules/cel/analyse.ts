/**
 * What the pack checker asks about conditions. Complete for conjunctions of comparisons of one variable or event field
 * with constants (and, for `neverTrue`, few alternatives of such); anything else gets the cautious answer.
 */
import type { Vocabulary } from '../vocabulary.ts'
import { type Domain, everyNumber, intersection, isEmpty, isWithin, wholeNumbers } from './domain.ts'
import { anyTree, conditionTree } from './elaborate.ts'
import { type BoolTree, type NumberTree, partsOf, type Unit } from './expression.ts'
import { celLimits } from './limits.ts'

/**
 * The values a conjunction leaves to each variable or event field, by name (`card_spend_30d`, `event.amount`). What is
 * not named is free. Enums and bools are numbers: codes, and 0 or 1.
 */
export type Constraints = ReadonlyMap<string, Domain>

/**
 * A condition as alternatives, each the constraints of a conjunction: it may be true when all constraints of one may hold, and
 * must be when all of one must. null when it is refused, has too many, or compares otherwise than with constants.
 */
export function alternativesOf(source: string, vocabulary: Vocabulary): readonly Constraints[] | null {
  return branchesOf(source, vocabulary)
}

/** The constraints of a condition; null when it is refused or is no conjunction of comparisons with constants. */
export function constraintsOf(source: string, vocabulary: Vocabulary): Constraints | null {
  const branches = branchesOf(source, vocabulary)
  return branches?.length === 1 ? (branches[0] ?? null) : null
}

/** Whether no values at all make the condition true. False when that is not known. */
export function neverTrue(source: string, vocabulary: Vocabulary): boolean {
  const branches = branchesOf(source, vocabulary)
  return branches?.every((branch) => [...branch.values()].some(isEmpty)) ?? false
}

/**
 * The parts of a condition that exclude each other, as they are written: two of its conjuncts where two do, else all of it.
 * To be asked of conditions that are never true.
 */
export function contradictionOf(source: string, vocabulary: Vocabulary): string {
  const tree = conditionTree(source, vocabulary)
  if (tree.kind === 'refused') return source
  const context = { names: namesOf(vocabulary), vocabulary }
  const parts = conjunctsOf(tree.value).map((part) => ({ part, ways: alternatives(part, 'true', context) }))
  const isImpossible = (ways: readonly Constraints[]): boolean => ways.every((way) => [...way.values()].some(isEmpty))
  const text = ({ node }: BoolTree): string => source.slice(node.start, node.end)
  for (const [i, { part, ways }] of parts.entries()) {
    if (ways === null) continue
    if (isImpossible(ways)) return text(part)
    for (const { part: other, ways: others } of parts.slice(i + 1)) {
      if (others === null || ways.length * others.length > celLimits.branches) continue
      if (isImpossible(ways.flatMap((a) => others.map((b) => joined(a, b))))) return `${text(part)}; ${text(other)}`
    }
  }
  return source
}

function conjunctsOf(tree: BoolTree): readonly BoolTree[] {
  return tree.kind === 'and' ? [...conjunctsOf(tree.left), ...conjunctsOf(tree.right)] : [tree]
}

/** Whether `b` holds wherever `a` holds. */
export function implies(a: Constraints, b: Constraints): boolean {
  if ([...a.values()].some(isEmpty)) return true
  return [...b].every(([name, domain]) => {
    const own = a.get(name)
    return own !== undefined && isWithin(own, domain)
  })
}

/** Whether some values make both hold. */
export function overlaps(a: Constraints, b: Constraints): boolean {
  return ![...joined(a, b).values()].some(isEmpty)
}

/**
 * The largest constant that a count is compared with, rounded up, at least 0: keeping one more entry than that decides
 * every comparison. 0 when it is not read; null when it meets anything but constants (or the source is refused).
 */
export function largestCountConstant(source: string, vocabulary: Vocabulary, variableIndex: number): number | null {
  const tree = anyTree(source, vocabulary)
  return tree.kind === 'refused' ? null : largestIn(tree.value, variableIndex)
}

function largestIn(tree: BoolTree | NumberTree, index: number): number | null {
  switch (tree.kind) {
    case 'variable':
      return tree.index === index ? null : 0
    case 'number':
    case 'eventNumber':
    case 'eventSize':
      return 0
    case 'arithmetic':
      return largestOf([largestIn(tree.left, index), largestIn(tree.right, index)])
    case 'chooseNumber':
      return largestOf([tree.test, tree.yes, tree.no].map((part) => largestIn(part, index)))
    case 'numberIn':
      if (!isVariable(tree.left, index)) return largestIn(tree.left, index)
      return largestOf(tree.values.map((value) => Math.max(0, Math.ceil(value))))
    case 'less':
    case 'lessOrEqual': {
      const [one, other] = isVariable(tree.left, index) ? [tree.left, tree.right] : [tree.right, tree.left]
      if (isVariable(one, index) && other.kind === 'number') return Math.max(0, Math.ceil(other.value))
      return largestOf([largestIn(tree.left, index), largestIn(tree.right, index)])
    }
    default: {
      const parts = partsOf(tree)
      return largestOf([...parts.bools, ...parts.numbers].map((part) => largestIn(part, index)))
    }
  }
}

function isVariable(tree: NumberTree, index: number): boolean {
  return tree.kind === 'variable' && tree.index === index
}

function largestOf(parts: readonly (number | null)[]): number | null {
  let most = 0
  for (const part of parts) {
    if (part === null) return null
    most = Math.max(most, part)
  }
  return most
}

/** The alternatives of a condition, each a conjunction; null when a part is no comparison with constants. */
function branchesOf(source: string, vocabulary: Vocabulary): readonly Constraints[] | null {
  const tree = conditionTree(source, vocabulary)
  if (tree.kind === 'refused') return null
  return alternatives(tree.value, 'true', { names: namesOf(vocabulary), vocabulary })
}

type Context = { readonly names: ReadonlyMap<number, string>; readonly vocabulary: Vocabulary }

function alternatives(tree: BoolTree, when: 'true' | 'false', context: Context): readonly Constraints[] | null {
  switch (tree.kind) {
    case 'bool':
      return tree.value === (when === 'true') ? [new Map()] : []
    case 'not':
      return alternatives(tree.of, when === 'true' ? 'false' : 'true', context)
    case 'and':
    case 'or': {
      const left = alternatives(tree.left, when, context)
      const right = alternatives(tree.right, when, context)
      if (left === null || right === null) return null
      const meets = (tree.kind === 'and') === (when === 'true')
      const both = meets ? left.flatMap((a) => right.map((b) => joined(a, b))) : [...left, ...right]
      return both.length > celLimits.branches ? null : both
    }
    case 'same': {
      const [constant, other] = tree.left.kind === 'bool' ? [tree.left, tree.right] : [tree.right, tree.left]
      if (constant.kind !== 'bool') return null
      return alternatives(other, constant.value === (when === 'true') ? 'true' : 'false', context)
    }
    default: {
      const single = singleConstraint(tree, when, context)
      return single === null ? null : [single]
    }
  }
}

function singleConstraint(tree: BoolTree, when: 'true' | 'false', context: Context): Constraints | null {
  switch (tree.kind) {
    case 'flag':
      return only(context.names.get(tree.index), points([when === 'true' ? 1 : 0]))
    case 'eventFlag':
      return only(`event.${tree.field}`, points([when === 'true' ? 1 : 0]))
    case 'less':
    case 'lessOrEqual':
      return orderConstraint(tree, when, context)
    case 'numberIn': {
      const name = nameOf(tree.left, context)
      const domain = when === 'true' ? points(tree.values) : allBut(tree.values)
      return only(name, narrowed(domain, tree.left, context))
    }
    case 'stringIn': {
      if (tree.left.kind !== 'eventString') return null
      const name = tree.left.field
      const known = context.vocabulary.event?.fields.get(name)?.values
      const domain = { kind: 'strings', values: tree.values, except: when === 'false' } as const
      const every = { kind: 'strings', values: known ?? [], except: known === undefined } as const
      return only(`event.${name}`, intersection(domain, every))
    }
    default:
      return null
  }
}

/** `constant < x`, `x <= constant` and their negations. */
function orderConstraint(
  tree: BoolTree & { readonly kind: 'less' | 'lessOrEqual' },
  when: 'true' | 'false',
  context: Context,
): Constraints | null {
  const strict = (tree.kind === 'less') === (when === 'true')
  // The negation of l < r is r <= l.
  const [low, high] = when === 'true' ? [tree.left, tree.right] : [tree.right, tree.left]
  if (low.kind === 'number' && high.kind === 'number') return null
  if (low.kind === 'number') {
    const ranges = [{ low: low.value, high: Infinity, lowOpen: strict, highOpen: true }]
    return only(nameOf(high, context), narrowed({ kind: 'numbers', ranges }, high, context))
  }
  if (high.kind !== 'number') return null
  const ranges = [{ low: -Infinity, high: high.value, lowOpen: true, highOpen: strict }]
  return only(nameOf(low, context), narrowed({ kind: 'numbers', ranges }, low, context))
}

/** Cut to what the variable can be: whole numbers, codes of its enum. */
function narrowed(domain: Domain, tree: NumberTree, context: Context): Domain {
  if (tree.kind !== 'variable' && tree.kind !== 'eventNumber') return domain
  if (tree.unit === 'enum' && tree.kind === 'variable') {
    const variable = context.vocabulary.variables.find((one) => one.index === tree.index)
    return intersection(domain, points((variable?.values ?? []).map((_, code) => code)))
  }
  return isWhole(tree.unit, tree, context) ? wholeNumbers(domain) : domain
}

/** A count read through double(...) is still whole; its own type decides. */
function isWhole(unit: Unit, tree: NumberTree, context: Context): boolean {
  if (unit !== 'double') return unit === 'int'
  if (tree.kind === 'variable') return context.vocabulary.variables.find((v) => v.index === tree.index)?.type === 'int'
  return tree.kind === 'eventNumber' && context.vocabulary.event?.fields.get(tree.field)?.type === 'int'
}

function nameOf(tree: NumberTree, context: Context): string | undefined {
  if (tree.kind === 'variable') return context.names.get(tree.index)
  if (tree.kind === 'eventNumber') return `event.${tree.field}`
  return tree.kind === 'eventSize' ? `size(event.${tree.field})` : undefined
}

function only(name: string | undefined, domain: Domain): Constraints | null {
  return name === undefined ? null : new Map([[name, domain]])
}

function points(values: readonly number[]): Domain {
  const ranges = values.map((value) => ({ low: value, high: value, lowOpen: false, highOpen: false }))
  return { kind: 'numbers', ranges }
}

/** Every number but these, ascending. */
function allBut(values: readonly number[]): Domain {
  const ends = [-Infinity, ...values, Infinity]
  const ranges = ends.slice(1).map((high, i) => ({ low: ends[i] ?? 0, high, lowOpen: true, highOpen: true }))
  return intersection(everyNumber, { kind: 'numbers', ranges })
}

function joined(a: Constraints, b: Constraints): Constraints {
  const all = new Map(a)
  for (const [name, domain] of b) {
    const own = all.get(name)
    all.set(name, own === undefined ? domain : intersection(own, domain))
  }
  return all
}

function namesOf(vocabulary: Vocabulary): ReadonlyMap<number, string> {
  return new Map(vocabulary.variables.map((variable) => [variable.index, variable.name]))
}
