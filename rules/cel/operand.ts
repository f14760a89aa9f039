/** What typing a node of a condition gives, and what it carries along. */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Variable, Vocabulary } from '../vocabulary.ts'
import type { BoolForm, BoolTree, NumberTree, StringTree } from './expression.ts'
import type { Problems } from './problem.ts'

/** A typed node of any type. An enum is a variable with the names of its codes. */
export type Operand =
  | { readonly type: 'bool'; readonly bool: BoolTree }
  | { readonly type: 'number'; readonly number: NumberTree }
  | { readonly type: 'string'; readonly string: StringTree; readonly values: readonly string[] | undefined }
  | { readonly type: 'enum'; readonly name: string; readonly index: number; readonly values: readonly string[] }
  | { readonly type: 'list'; readonly field: string }

/** What elaborating carries along. */
export type Scope = {
  readonly vocabulary: Vocabulary
  readonly variables: ReadonlyMap<string, Variable>
  readonly problems: Problems
  /** Names that macros bind, with their slots. */
  readonly bound: ReadonlyMap<string, number>
  /** Types one node; null after a problem was noted. */
  readonly operandOf: (scope: Scope, node: ASTNode) => Operand | null
}

/** Types a node that must be true or false. */
export function boolOf(scope: Scope, node: ASTNode): BoolTree | null {
  const operand = scope.operandOf(scope, node)
  if (operand === null) return null
  if (operand.type === 'bool') return operand.bool
  const message = `true or false is wanted, this is ${typeOf(operand)}: compare it with something`
  return scope.problems.refuse('type_mismatch', node, message)
}

/** Wraps a form and its syntax as an operand. */
export function boolOperand(node: ASTNode, form: BoolForm): Operand {
  return { type: 'bool', bool: { node, ...form } }
}

/** The type of an operand in words, with its article. */
export function typeOf(operand: Operand): string {
  if (operand.type === 'number') {
    const unit = operand.number.unit
    if (unit === 'int' || unit === 'instant') return `an ${unit}`
    return unit === 'money' ? 'an amount of money' : `a ${unit}`
  }
  if (operand.type === 'enum') return `an enum (${operand.values.join(', ')})`
  return `a ${operand.type}`
}
