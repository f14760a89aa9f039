/** Typing of functions, methods and macros: the few that conditions have. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { celLimits } from './limits.ts'
import { durationMsOf, instantMsOf, minorUnitsOf } from './literals.ts'
import { boolOf, boolOperand, type Operand, type Scope, typeOf } from './operand.ts'

/** `has(event.x)`, `money("5.00")`, `duration("72h")`, `timestamp("...")`, `double(count)`, `size(event.list)`. */
export function callOperand(scope: Scope, node: ASTNode, name: string, args: readonly ASTNode[]): Operand | null {
  switch (name) {
    case 'has':
      return presence(scope, node, args[0])
    case 'money':
      return textConstant(scope, node, args, 'money', minorUnitsOf, 'money("5000.00"), at most two decimals')
    case 'duration':
      return textConstant(scope, node, args, 'duration', durationMsOf, 'duration("72h") or duration("30d")')
    case 'timestamp':
      return textConstant(scope, node, args, 'instant', instantMsOf, 'timestamp("2026-01-31T00:00:00Z")')
    case 'double':
      return asDouble(scope, node, args[0])
    case 'size':
      return sizeOf(scope, node, args[0])
    default: {
      const known = 'has, money, duration, timestamp, double, size'
      return scope.problems.refuse('function_refused', node, `${name}() is not part of conditions: there are ${known}`)
    }
  }
}

/** `event.list.exists(x, ...)`, `.all(x, ...)`, `.size()`, and the three string tests. */
export function methodOperand(
  scope: Scope,
  node: ASTNode,
  name: string,
  receiver: ASTNode,
  args: readonly ASTNode[],
): Operand | null {
  switch (name) {
    case 'exists':
    case 'all':
      return macro(scope, node, name, receiver, args)
    case 'size':
      return sizeOf(scope, node, receiver)
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      return stringTest(scope, node, name, receiver, args[0])
    case 'exists_one':
    case 'map':
    case 'filter':
      return scope.problems.refuse('macro_refused', node, `${name} is not part of conditions: write exists or all`)
    case 'matches': {
      const message = 'regular expressions can run for seconds: write startsWith, endsWith, contains or `in` a list'
      return scope.problems.refuse('function_refused', node, message)
    }
    default: {
      const known = 'exists, all, size, startsWith, endsWith, contains'
      return scope.problems.refuse('function_refused', node, `.${name}() is not part of conditions: there are ${known}`)
    }
  }
}

function presence(scope: Scope, node: ASTNode, argument: ASTNode | undefined): Operand | null {
  const isEventField = argument?.op === '.' && argument.args[0].op === 'id' && argument.args[0].args === 'event'
  if (!isEventField || scope.vocabulary.event === null) {
    const message = 'has() asks about fields of the event only: an unknown value stays unknown, so just compare it'
    return scope.problems.refuse('has_refused', node, message)
  }
  const operand = scope.operandOf(scope, argument)
  if (operand === null) return null
  const field = scope.vocabulary.event.fields.get(argument.args[1])
  if (field === undefined) return null
  if (field.required) {
    const message = `event.${field.name} is always there: leave has() out`
    return scope.problems.refuse('has_refused', node, message)
  }
  return boolOperand(node, { kind: 'present', field: field.name })
}

function textConstant(
  scope: Scope,
  node: ASTNode,
  args: readonly ASTNode[],
  unit: 'money' | 'duration' | 'instant',
  read: (text: string) => number | null,
  example: string,
): Operand | null {
  const [argument] = args
  const text = argument?.op === 'value' && typeof argument.args === 'string' ? argument.args : null
  const value = text === null ? null : read(text)
  if (value === null) return scope.problems.refuse('literal_invalid', node, `write ${example}`)
  return { type: 'number', number: { kind: 'number', unit, value } }
}

function asDouble(scope: Scope, node: ASTNode, argument: ASTNode | undefined): Operand | null {
  const operand = argument === undefined ? null : scope.operandOf(scope, argument)
  if (operand === null) return null
  if (operand.type === 'number' && (operand.number.unit === 'int' || operand.number.unit === 'double')) {
    return { type: 'number', number: { ...operand.number, unit: 'double' } }
  }
  const message = `double() takes an int, not ${typeOf(operand)}; divide two amounts to get a ratio`
  return scope.problems.refuse('type_mismatch', node, message)
}

function sizeOf(scope: Scope, node: ASTNode, argument: ASTNode | undefined): Operand | null {
  const operand = argument === undefined ? null : scope.operandOf(scope, argument)
  if (operand === null) return null
  if (operand.type !== 'list') return scope.problems.refuse('type_mismatch', node, 'size() takes a list of the event')
  return { type: 'number', number: { kind: 'eventSize', unit: 'int', field: operand.field } }
}

function stringTest(
  scope: Scope,
  node: ASTNode,
  kind: 'startsWith' | 'endsWith' | 'contains',
  receiver: ASTNode,
  argument: ASTNode | undefined,
): Operand | null {
  const left = scope.operandOf(scope, receiver)
  const right = left === null || argument === undefined ? null : scope.operandOf(scope, argument)
  if (left === null || right === null) return null
  if (left.type !== 'string' || right.type !== 'string' || left.string.kind === 'string') {
    const message = `${kind} tests a string of the event against a string, not ${typeOf(left)} against ${typeOf(right)}`
    return scope.problems.refuse('type_mismatch', node, message)
  }
  return boolOperand(node, { kind, left: left.string, right: right.string })
}

function macro(
  scope: Scope,
  node: ASTNode,
  kind: 'exists' | 'all',
  receiver: ASTNode,
  [name, body]: readonly ASTNode[],
): Operand | null {
  const list = scope.operandOf(scope, receiver)
  if (list === null || name?.op !== 'id' || body === undefined) return null
  if (list.type !== 'list') {
    return scope.problems.refuse('macro_refused', node, `${kind} walks a list of the event, not ${typeOf(list)}`)
  }
  if (scope.bound.size >= celLimits.macroNesting) {
    return scope.problems.refuse('too_large', node, `at most ${celLimits.macroNesting} macros stand inside each other`)
  }
  const taken = scope.bound.has(name.args) || name.args === 'event' || scope.variables.has(name.args)
  if (taken)
    return scope.problems.refuse('macro_refused', name, `${name.args} already means something: choose another name`)
  const slot = scope.bound.size
  const inner = boolOf({ ...scope, bound: new Map([...scope.bound, [name.args, slot]]) }, body)
  return inner === null ? null : boolOperand(node, { kind, field: list.field, slot, body: inner })
}
