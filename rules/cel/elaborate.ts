/** From the library's syntax tree to our typed tree: resolves names, types every node, refuses what is outside the subset. */

import type { ASTNode } from '@marcbachmann/cel-js'
import type { FieldDef } from '../../ingest/event.ts'
import { nearestName } from '../nearest-name.ts'
import type { Variable, Vocabulary } from '../vocabulary.ts'
import { callOperand, methodOperand } from './elaborate-calls.ts'
import { arithmeticOperand, comparison, membership, ternaryOperand } from './elaborate-operators.ts'
import type { BoolTree, NumberTree } from './expression.ts'
import { gate } from './gate.ts'
import { celLimits } from './limits.ts'
import { boolOf, boolOperand, type Operand, type Scope, typeOf } from './operand.ts'
import { pieceCount } from './piece-count.ts'
import { type CelResult, Problems, tooLarge } from './problem.ts'

/** The typed tree of a condition; refused unless it is a bool. */
export function conditionTree(source: string, vocabulary: Vocabulary): CelResult<BoolTree> {
  return elaborate(source, vocabulary, (operand, ast, problems) => {
    if (operand.type === 'bool') return operand.bool
    const message = `a condition is true or false, this is ${typeOf(operand)}: compare it with something`
    return problems.refuse('not_bool', ast, message)
  })
}

/** The typed tree of a number; refused unless it is a double. */
export function numberTree(source: string, vocabulary: Vocabulary): CelResult<NumberTree> {
  return elaborate(source, vocabulary, (operand, ast, problems) => {
    if (operand.type !== 'number')
      return problems.refuse('not_double', ast, `write a double here, not ${typeOf(operand)}`)
    const number = operand.number
    if (number.unit === 'double') return number
    if (number.kind === 'number' && number.unit === 'int') {
      return problems.refuse('not_double', ast, `write ${number.value}.0: a whole number is an int, a double is wanted`)
    }
    const hint = number.unit === 'int' ? 'write double(...) around it' : 'divide it by an amount, or write a double'
    return problems.refuse('not_double', ast, `a double is wanted, this is ${typeOf(operand)}: ${hint}`)
  })
}

/** The typed tree of an amount; refused unless it is money. */
export function amountTree(source: string, vocabulary: Vocabulary): CelResult<NumberTree> {
  return elaborate(source, vocabulary, (operand, ast, problems) => {
    if (operand.type === 'number' && operand.number.unit === 'money') return operand.number
    return problems.refuse('not_double', ast, `write an amount here, money("5.00"), not ${typeOf(operand)}`)
  })
}

/** The typed tree of a condition or of a number, whichever it is. */
export function anyTree(source: string, vocabulary: Vocabulary): CelResult<BoolTree | NumberTree> {
  return elaborate<BoolTree | NumberTree>(source, vocabulary, (operand, ast, problems) => {
    if (operand.type === 'bool') return operand.bool
    if (operand.type === 'number') return operand.number
    return problems.refuse('not_bool', ast, 'write a condition or a number')
  })
}

/** Types one node; null after a problem was noted. */
function operandOf(scope: Scope, node: ASTNode): Operand | null {
  switch (node.op) {
    case 'value':
      return constant(scope, node, node.args)
    case 'id':
      return named(scope, node, node.args)
    case '.':
      return selected(scope, node, node.args[0], node.args[1])
    case '!_': {
      const of = boolOf(scope, node.args)
      return of === null ? null : boolOperand(node, { kind: 'not', of })
    }
    case '-_':
      return negated(scope, node, node.args)
    case '&&':
    case '||': {
      const left = boolOf(scope, node.args[0])
      const right = left === null ? null : boolOf(scope, node.args[1])
      if (left === null || right === null) return null
      return boolOperand(node, { kind: node.op === '&&' ? 'and' : 'or', left, right })
    }
    case '?:':
      return ternaryOperand(scope, node, node.args)
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparison(scope, node, node.op, node.args)
    case 'in':
      return membership(scope, node, node.args)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmeticOperand(scope, node, node.op, node.args)
    case 'call':
      return callOperand(scope, node, node.args[0], node.args[1])
    case 'rcall':
      return methodOperand(scope, node, node.args[0], node.args[1], node.args[2])
    case 'list':
      return scope.problems.refuse('unsupported', node, 'a list stands only on the right of `in`')
    default:
      return scope.problems.refuse('unsupported', node, 'maps, indexes and optional fields are not part of conditions')
  }
}

function elaborate<T extends BoolTree | NumberTree>(
  source: string,
  vocabulary: Vocabulary,
  finish: (operand: Operand, ast: ASTNode, problems: Problems) => T | null,
): CelResult<T> {
  const gated = gate(source, vocabulary)
  if (gated.kind === 'refused') return gated
  const { ast, objection } = gated.value
  const problems = new Problems()
  const variables = variablesOf(vocabulary)
  const operand = operandOf({ vocabulary, variables, problems, bound: new Map(), operandOf }, ast)
  const value = operand === null ? null : finish(operand, ast, problems)
  // Ours first: its sentences say what to write instead. The library's word is final all the same.
  const problem = problems.first ?? objection
  if (problem !== null) return { kind: 'refused', problem }
  if (value === null) throw new Error('a condition without a value has a problem')
  if (pieceCount(value) > celLimits.pieces) return { kind: 'refused', problem: tooLarge(source) }
  return { kind: 'ok', value }
}

const byName = new WeakMap<Vocabulary, ReadonlyMap<string, Variable>>()

function variablesOf(vocabulary: Vocabulary): ReadonlyMap<string, Variable> {
  const known = byName.get(vocabulary)
  if (known !== undefined) return known
  const made = new Map(vocabulary.variables.map((variable) => [variable.name, variable]))
  byName.set(vocabulary, made)
  return made
}

function constant(scope: Scope, node: ASTNode, value: unknown): Operand | null {
  if (typeof value === 'boolean') return boolOperand(node, { kind: 'bool', value })
  if (typeof value === 'string') return { type: 'string', string: { kind: 'string', value }, values: undefined }
  if (typeof value === 'number') return { type: 'number', number: { kind: 'number', unit: 'double', value } }
  if (typeof value === 'bigint') {
    const number = Number(value)
    if (Number.isSafeInteger(number)) return { type: 'number', number: { kind: 'number', unit: 'int', value: number } }
    return scope.problems.refuse('literal_invalid', node, 'write a whole number below 2^53')
  }
  if (value === null) {
    const message = 'nothing is ever null here: a missing value is unknown; write has(event.field) for event fields'
    return scope.problems.refuse('null_refused', node, message)
  }
  return scope.problems.refuse('unsupported', node, 'bytes and unsigned numbers are not part of conditions')
}

function named(scope: Scope, node: ASTNode, name: string): Operand | null {
  const slot = scope.bound.get(name)
  if (slot !== undefined) return { type: 'string', string: { kind: 'bound', slot }, values: undefined }
  const variable = scope.variables.get(name)
  if (variable !== undefined) return variableOperand(node, variable)
  return unknownName(scope, node, name)
}

function selected(scope: Scope, node: ASTNode, receiver: ASTNode, name: string): Operand | null {
  if (receiver.op !== 'id' || scope.bound.has(receiver.args)) {
    return scope.problems.refuse('unsupported', node, 'write one dot only, as in event.amount or profile.riskGrade')
  }
  const full = `${receiver.args}.${name}`
  if (receiver.args === 'event') {
    if (scope.vocabulary.event === null) {
      return scope.problems.refuse('unknown_name', node, 'there is no event here: use features and profile attributes')
    }
    const field = scope.vocabulary.event.fields.get(name)
    return field === undefined ? unknownName(scope, node, full) : fieldOperand(node, field)
  }
  const variable = scope.variables.get(full)
  return variable === undefined ? unknownName(scope, node, full) : variableOperand(node, variable)
}

function variableOperand(node: ASTNode, variable: Variable): Operand {
  const { type, index, values, name } = variable
  if (type === 'bool') return boolOperand(node, { kind: 'flag', index })
  if (type === 'enum') return { type: 'enum', name, index, values }
  return { type: 'number', number: { kind: 'variable', unit: type, index } }
}

function fieldOperand(node: ASTNode, field: FieldDef): Operand {
  const { name, type, values } = field
  if (type === 'bool') return boolOperand(node, { kind: 'eventFlag', field: name })
  if (type === 'string') return { type: 'string', string: { kind: 'eventString', field: name }, values }
  if (type === 'strings') return { type: 'list', field: name }
  return { type: 'number', number: { kind: 'eventNumber', unit: type, field: name } }
}

function negated(scope: Scope, node: ASTNode, inner: ASTNode): Operand | null {
  const operand = operandOf(scope, inner)
  if (operand === null) return null
  if (operand.type !== 'number' || (operand.number.unit !== 'int' && operand.number.unit !== 'double')) {
    const hint = 'a minus stands before an int or a double; write money("-5.00") for an amount'
    return scope.problems.refuse('type_mismatch', node, hint)
  }
  const { number } = operand
  if (number.kind === 'number') return { type: 'number', number: { ...number, value: 0 - number.value } }
  const zero = { kind: 'number', unit: number.unit, value: 0 } as const
  return {
    type: 'number',
    number: { kind: 'arithmetic', unit: number.unit, operator: '-', left: zero, right: number },
  }
}

function unknownName(scope: Scope, node: ASTNode, name: string): null {
  const fields = scope.vocabulary.event === null ? [] : [...scope.vocabulary.event.fields.keys()]
  const names = [...scope.variables.keys(), ...fields.map((field) => `event.${field}`)]
  const nearest = nearestName(name, names)
  const hint = nearest === null ? 'define it in the pack, or use a name that is there' : `did you mean ${nearest}?`
  return scope.problems.refuse('unknown_name', node, `nothing is called ${name}: ${hint}`)
}
