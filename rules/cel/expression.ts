/**
 * Conditions as typed trees: what remains of CEL after the types are known, names are resolved and constants are read.
 * Everything downstream (JavaScript, constraints, traces) works on these trees alone.
 */
import type { ASTNode } from '@marcbachmann/cel-js'

/** What a number counts. `enum` numbers are codes and are only ever compared with codes. */
export type Unit = 'int' | 'double' | 'money' | 'instant' | 'duration' | 'enum'

/** A number: an interval at run time. Money in minor units, instants and durations in milliseconds. */
export type NumberTree =
  | { readonly kind: 'number'; readonly unit: Unit; readonly value: number }
  | { readonly kind: 'variable'; readonly unit: Unit; readonly index: number }
  | { readonly kind: 'eventNumber'; readonly unit: Unit; readonly field: string }
  | { readonly kind: 'eventSize'; readonly unit: Unit; readonly field: string }
  | {
      readonly kind: 'arithmetic'
      readonly unit: Unit
      readonly operator: '+' | '-' | '*' | '/'
      readonly left: NumberTree
      readonly right: NumberTree
    }
  | {
      readonly kind: 'chooseNumber'
      readonly unit: Unit
      readonly test: BoolTree
      readonly yes: NumberTree
      readonly no: NumberTree
    }

/** A string: from the event, from the list a macro walks, or constant. */
export type StringTree =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'eventString'; readonly field: string }
  | { readonly kind: 'bound'; readonly slot: number }

/** A truth value, with the syntax it came from. */
export type BoolTree = { readonly node: ASTNode } & BoolForm

/** The forms a truth value takes. */
export type BoolForm =
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'flag'; readonly index: number }
  | { readonly kind: 'eventFlag'; readonly field: string }
  | { readonly kind: 'present'; readonly field: string }
  | { readonly kind: 'not'; readonly of: BoolTree }
  | { readonly kind: 'and' | 'or' | 'same'; readonly left: BoolTree; readonly right: BoolTree }
  | { readonly kind: 'choose'; readonly test: BoolTree; readonly yes: BoolTree; readonly no: BoolTree }
  | { readonly kind: 'less' | 'lessOrEqual'; readonly left: NumberTree; readonly right: NumberTree }
  | { readonly kind: 'equal'; readonly left: NumberTree; readonly right: NumberTree }
  /** Equal to one of the values: ascending, without repeats. */
  | { readonly kind: 'numberIn'; readonly left: NumberTree; readonly values: readonly number[] }
  | { readonly kind: 'stringIn'; readonly left: StringTree; readonly values: readonly string[] }
  | { readonly kind: 'sameString'; readonly left: StringTree; readonly right: StringTree }
  | {
      readonly kind: 'startsWith' | 'endsWith' | 'contains'
      readonly left: StringTree
      readonly right: StringTree
    }
  | { readonly kind: 'inEventList'; readonly needle: StringTree; readonly field: string }
  | { readonly kind: 'exists' | 'all'; readonly field: string; readonly slot: number; readonly body: BoolTree }

/** The direct parts of a truth value, in the order they are written. */
export function partsOf(tree: BoolTree): {
  readonly bools: readonly BoolTree[]
  readonly numbers: readonly NumberTree[]
  readonly strings: readonly StringTree[]
} {
  switch (tree.kind) {
    case 'not':
      return { bools: [tree.of], numbers: [], strings: [] }
    case 'and':
    case 'or':
    case 'same':
      return { bools: [tree.left, tree.right], numbers: [], strings: [] }
    case 'choose':
      return { bools: [tree.test, tree.yes, tree.no], numbers: [], strings: [] }
    case 'less':
    case 'lessOrEqual':
    case 'equal':
      return { bools: [], numbers: [tree.left, tree.right], strings: [] }
    case 'numberIn':
      return { bools: [], numbers: [tree.left], strings: [] }
    case 'stringIn':
      return { bools: [], numbers: [], strings: [tree.left] }
    case 'sameString':
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return { bools: [], numbers: [], strings: [tree.left, tree.right] }
    case 'inEventList':
      return { bools: [], numbers: [], strings: [tree.needle] }
    case 'exists':
    case 'all':
      return { bools: [tree.body], numbers: [], strings: [] }
    default:
      return { bools: [], numbers: [], strings: [] }
  }
}

/** What a tree reads: frame indexes and event fields, each ascending and once. */
export function readsOf(trees: Iterable<BoolTree | NumberTree>): {
  readonly variables: readonly number[]
  readonly fields: readonly string[]
} {
  const variables = new Set<number>()
  const fields = new Set<string>()
  for (const tree of trees) visit(tree, variables, fields)
  return { variables: [...variables].sort((a, b) => a - b), fields: [...fields].sort() }
}

/** The conjuncts of a condition: `a && (b && c)` gives a, b, c. */
export function conjunctsOf(tree: BoolTree): readonly BoolTree[] {
  return tree.kind === 'and' ? [...conjunctsOf(tree.left), ...conjunctsOf(tree.right)] : [tree]
}

function visit(tree: BoolTree | NumberTree | StringTree, variables: Set<number>, fields: Set<string>): void {
  switch (tree.kind) {
    case 'flag':
    case 'variable':
      variables.add(tree.index)
      return
    case 'eventFlag':
    case 'eventNumber':
    case 'eventSize':
    case 'eventString':
    case 'present':
      fields.add(tree.field)
      return
    case 'number':
    case 'string':
    case 'bound':
    case 'bool':
      return
    case 'arithmetic':
      visit(tree.left, variables, fields)
      visit(tree.right, variables, fields)
      return
    case 'chooseNumber':
      for (const part of [tree.test, tree.yes, tree.no]) visit(part, variables, fields)
      return
    default: {
      if (tree.kind === 'inEventList' || tree.kind === 'exists' || tree.kind === 'all') fields.add(tree.field)
      const parts = partsOf(tree)
      for (const part of [...parts.bools, ...parts.numbers, ...parts.strings]) visit(part, variables, fields)
    }
  }
}
