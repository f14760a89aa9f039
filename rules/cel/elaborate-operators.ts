/** Typing of operators: comparisons, `in`, arithmetic, ternaries. */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { NumberTree, StringTree, Unit } from './expression.ts'
import { amountText } from './literals.ts'
import { boolOf, boolOperand, type Operand, type Scope, typeOf } from './operand.ts'
import { intervalOf } from './runtime.ts'

type Pair = readonly [ASTNode, ASTNode]
type Comparator = '==' | '!=' | '<' | '<=' | '>' | '>='

/** `==`, `!=` and the four orders. `a != b` is `!(a == b)`. */
export function comparison(scope: Scope, node: ASTNode, operator: Comparator, [a, b]: Pair): Operand | null {
  const left = scope.operandOf(scope, a)
  const right = left === null ? null : scope.operandOf(scope, b)
  if (left === null || right === null) return null
  if (operator === '==') return equality(scope, node, left, right)
  if (operator === '!=') {
    const equal = equality(scope, node, left, right)
    return equal?.type === 'bool' ? boolOperand(node, { kind: 'not', of: equal.bool }) : null
  }
  if (left.type !== 'number' || right.type !== 'number') {
    const message = `${operator} compares numbers, amounts, instants or durations, not ${typeOf(left)} with ${typeOf(right)}`
    return scope.problems.refuse('type_mismatch', node, message)
  }
  if (!ordered(left.number.unit, right.number.unit)) return unitsDiffer(scope, node, left, right)
  const kind = operator === '<' || operator === '>' ? 'less' : 'lessOrEqual'
  const swap = operator === '>' || operator === '>='
  const [low, high] = swap ? [right.number, left.number] : [left.number, right.number]
  return boolOperand(node, { kind, left: low, right: high })
}

/** `x in [constants]` and `string in event.list`. */
export function membership(scope: Scope, node: ASTNode, [a, b]: Pair): Operand | null {
  const left = scope.operandOf(scope, a)
  if (left === null) return null
  if (b.op !== 'list') return inEventList(scope, node, left, b)
  if (b.args.length === 0) return scope.problems.refuse('literal_invalid', b, 'write at least one constant in the list')
  const elements: Operand[] = []
  for (const element of b.args) {
    const operand = scope.operandOf(scope, element)
    if (operand === null) return null
    if (!isConstant(operand)) return scope.problems.refuse('unsupported', element, 'a list holds constants only')
    elements.push(operand)
  }
  if (left.type === 'enum') {
    const codes = codesOf(scope, b.args, elements, left)
    if (codes === null) return null
    const variable = { kind: 'variable', unit: 'enum', index: left.index } as const
    return boolOperand(node, { kind: 'numberIn', left: variable, values: ascending(codes) })
  }
  if (left.type === 'string') {
    const strings = elements.flatMap((e) => (e.type === 'string' && e.string.kind === 'string' ? [e.string.value] : []))
    if (strings.length < elements.length) return scope.problems.refuse('type_mismatch', b, 'write strings in the list')
    if (!valuesKnown(scope, b, left.values, strings)) return null
    return stringIn(scope, node, left.string, strings)
  }
  if (left.type !== 'number') {
    return scope.problems.refuse('type_mismatch', a, `${typeOf(left)} cannot be in a list: compare it directly`)
  }
  const values: number[] = []
  for (const element of elements) {
    if (element.type !== 'number' || element.number.unit !== left.number.unit)
      return unitsDiffer(scope, node, left, element)
    if (element.number.kind === 'number') values.push(element.number.value)
  }
  return boolOperand(node, { kind: 'numberIn', left: left.number, values: ascending(values) })
}

/** `c ? a : b` of two bools or two numbers of one type. */
export function ternaryOperand(
  scope: Scope,
  node: ASTNode,
  args: readonly [ASTNode, ASTNode, ASTNode],
): Operand | null {
  const test = boolOf(scope, args[0])
  const yes = test === null ? null : scope.operandOf(scope, args[1])
  const no = yes === null ? null : scope.operandOf(scope, args[2])
  if (test === null || yes === null || no === null) return null
  if (yes.type === 'bool' && no.type === 'bool') {
    return boolOperand(node, { kind: 'choose', test, yes: yes.bool, no: no.bool })
  }
  if (yes.type !== 'number' || no.type !== 'number') {
    return scope.problems.refuse('unsupported', node, 'both sides of a ternary are conditions, or both are numbers')
  }
  if (yes.number.unit !== no.number.unit) return unitsDiffer(scope, node, yes, no)
  const unit = yes.number.unit
  return { type: 'number', number: { kind: 'chooseNumber', unit, test, yes: yes.number, no: no.number } }
}

/** `+ - * /` on numbers; `%` and `/` on ints are refused. */
export function arithmeticOperand(
  scope: Scope,
  node: ASTNode,
  operator: '+' | '-' | '*' | '/' | '%',
  [a, b]: Pair,
): Operand | null {
  const left = scope.operandOf(scope, a)
  const right = left === null ? null : scope.operandOf(scope, b)
  if (left === null || right === null) return null
  if (left.type !== 'number' || right.type !== 'number') {
    const message = `${operator} works on numbers, not on ${typeOf(left)} and ${typeOf(right)}`
    return scope.problems.refuse('type_mismatch', node, message)
  }
  if (operator === '%') return scope.problems.refuse('division_refused', node, '% is not part of conditions')
  const units = [left.number.unit, right.number.unit] as const
  if (operator === '/' && units[0] === 'int' && units[1] === 'int') {
    const message = 'CEL drops the remainder here: write double(...) / 2.0, or multiply the other side'
    return scope.problems.refuse('division_refused', node, message)
  }
  const unit = resultUnit(operator, units[0], units[1])
  if (unit === null) return unitsDiffer(scope, node, left, right)
  const tree = { kind: 'arithmetic', unit, operator, left: left.number, right: right.number } as const
  const folded = foldConstants(tree)
  if (folded === null) return scope.problems.refuse('literal_invalid', node, 'this constant is out of range')
  return { type: 'number', number: folded }
}

function equality(scope: Scope, node: ASTNode, left: Operand, right: Operand): Operand | null {
  if (left.type === 'bool' && right.type === 'bool') {
    return boolOperand(node, { kind: 'same', left: left.bool, right: right.bool })
  }
  if (left.type === 'enum' || right.type === 'enum') {
    const [variable, other] = left.type === 'enum' ? [left, right] : [right, left]
    if (variable.type !== 'enum' || !isConstant(other)) {
      return scope.problems.refuse('type_mismatch', node, `compare ${typeOf(left)} with one of its values`)
    }
    const codes = codesOf(scope, [node], [other], variable)
    if (codes === null) return null
    const number = { kind: 'variable', unit: 'enum', index: variable.index } as const
    return boolOperand(node, { kind: 'numberIn', left: number, values: codes })
  }
  if (left.type === 'string' && right.type === 'string') {
    const [text, other] = left.string.kind === 'string' ? [right, left] : [left, right]
    if (other.string.kind !== 'string') {
      return boolOperand(node, { kind: 'sameString', left: text.string, right: other.string })
    }
    if (!valuesKnown(scope, node, text.values, [other.string.value])) return null
    return stringIn(scope, node, text.string, [other.string.value])
  }
  if (left.type !== 'number' || right.type !== 'number') {
    const message = `${typeOf(left)} is never equal to ${typeOf(right)}: compare two of one type`
    return scope.problems.refuse('type_mismatch', node, message)
  }
  if (left.number.unit !== right.number.unit) return unitsDiffer(scope, node, left, right)
  const [number, other] = left.number.kind === 'number' ? [right.number, left.number] : [left.number, right.number]
  if (other.kind === 'number') return boolOperand(node, { kind: 'numberIn', left: number, values: [other.value] })
  return boolOperand(node, { kind: 'equal', left: number, right: other })
}

function inEventList(scope: Scope, node: ASTNode, left: Operand, list: ASTNode): Operand | null {
  const right = scope.operandOf(scope, list)
  if (right === null) return null
  if (right.type !== 'list' || left.type !== 'string') {
    return scope.problems.refuse(
      'type_mismatch',
      node,
      'on the right of `in` stands a list of constants or an event list',
    )
  }
  return boolOperand(node, { kind: 'inEventList', needle: left.string, field: right.field })
}

function stringIn(scope: Scope, node: ASTNode, left: StringTree, strings: readonly string[]): Operand | null {
  if (left.kind === 'string') return scope.problems.refuse('unsupported', node, 'two constants need no comparison')
  return boolOperand(node, { kind: 'stringIn', left, values: [...new Set(strings)].sort() })
}

function codesOf(
  scope: Scope,
  nodes: readonly ASTNode[],
  elements: readonly Operand[],
  variable: Operand & { readonly type: 'enum' },
): readonly number[] | null {
  const codes: number[] = []
  for (const [i, element] of elements.entries()) {
    const value = element.type === 'string' && element.string.kind === 'string' ? element.string.value : null
    const code = value === null ? -1 : variable.values.indexOf(value)
    const at = nodes[i] ?? { start: 0, end: 0 }
    const list = variable.values.map((name) => JSON.stringify(name)).join(', ')
    if (value === null)
      return scope.problems.refuse('type_mismatch', at, `${variable.name} is one of ${list}: write one`)
    if (code < 0) {
      return scope.problems.refuse('unknown_value', at, `unknown value: ${variable.name} is one of ${list}`)
    }
    codes.push(code)
  }
  return codes
}

function valuesKnown(
  scope: Scope,
  at: ASTNode,
  values: readonly string[] | undefined,
  used: readonly string[],
): boolean {
  if (values === undefined || used.every((value) => values.includes(value))) return true
  const list = values.map((name) => JSON.stringify(name)).join(', ')
  scope.problems.refuse('unknown_value', at, `unknown value: the field is one of ${list}`)
  return false
}

function isConstant(operand: Operand): boolean {
  if (operand.type === 'string') return operand.string.kind === 'string'
  return operand.type === 'number' && operand.number.kind === 'number'
}

function ordered(a: Unit, b: Unit): boolean {
  return a === b || (a === 'int' && b === 'double') || (a === 'double' && b === 'int')
}

function resultUnit(operator: '+' | '-' | '*' | '/', a: Unit, b: Unit): Unit | null {
  const pair = `${a} ${operator} ${b}`
  if (pair === 'instant - instant') return 'duration'
  if (pair === 'instant + duration' || pair === 'instant - duration' || pair === 'duration + instant') return 'instant'
  if (pair === 'money / money') return 'double'
  if (operator === '*' && a === 'money' && (b === 'int' || b === 'double')) return 'money'
  if (operator === '*' && b === 'money' && (a === 'int' || a === 'double')) return 'money'
  if (a !== b || a === 'instant' || a === 'enum') return null
  if (operator === '+' || operator === '-') return a
  return a === 'double' || (a === 'int' && operator === '*') ? a : null
}

function foldConstants(tree: NumberTree & { readonly kind: 'arithmetic' }): NumberTree | null {
  const { left, right, operator, unit } = tree
  if (left.kind !== 'number' || right.kind !== 'number') return tree
  const [low, high] = intervalOf(operator, [left.value, left.value], [right.value, right.value])
  const whole = unit !== 'int' || Number.isSafeInteger(low)
  return low === high && whole ? { kind: 'number', unit, value: low } : null
}

function unitsDiffer(scope: Scope, node: ASTNode, left: Operand, right: Operand): null {
  const message = `${typeOf(left)} does not go with ${typeOf(right)}: ${unitHint(left, right) ?? unitHint(right, left) ?? 'bring both to one type'}`
  return scope.problems.refuse('type_mismatch', node, message)
}

function unitHint(wanted: Operand, given: Operand): string | null {
  if (wanted.type !== 'number' || given.type !== 'number') return null
  const { number } = given
  const constant = number.kind === 'number' ? number.value : null
  const unit = wanted.number.unit
  if (unit === 'double' && number.unit === 'int')
    return constant === null ? 'write double(...) around it' : `write ${constant}.0`
  if (unit === 'money' && (number.unit === 'int' || number.unit === 'double')) {
    return `write money("${constant === null ? '5000.00' : amountText(Math.round(constant * 100))}")`
  }
  if (unit === 'duration') return 'write duration("72h") or duration("30d")'
  if (unit === 'instant') return 'write timestamp("2026-01-31T00:00:00Z")'
  return null
}

function ascending(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}
