/** Why a condition answered what it answered: its parts with theirs. The slow path, for explanations. */
import { serialize } from '@marcbachmann/cel-js'
import type { EventData } from '../compiled.ts'
import type { Variable, Vocabulary } from '../vocabulary.ts'
import { conditionTree } from './elaborate.ts'
import { type BoolTree, partsOf, readsOf } from './expression.ts'
import { answerOf, type Reading, type Truth } from './interpret.ts'
import { amountText, durationText } from './literals.ts'
import type { CelResult } from './problem.ts'

/** A part of a condition. */
export type TraceNode = {
  /** The part as CEL text. */
  readonly text: string
  readonly answer: Truth
  /** For a part without children: the values it read, such as `card_spend_30d = 512.00, event.mcc = unknown`. */
  readonly value?: string
  readonly children: readonly TraceNode[]
}

/**
 * Traces a condition over a frame. The answer of the root is `true` when `must` is, `false` when `may` is not, else
 * `unknown`. Refused exactly where `compileCondition` refuses (but for the size of generated code).
 *
 * The values in it belong to a customer: they may be shown to who may see the customer, never logged.
 */
export function traceCondition(
  source: string,
  vocabulary: Vocabulary,
  lo: Float64Array,
  hi: Float64Array,
  event: EventData | null,
): CelResult<TraceNode> {
  const checked = conditionTree(source, vocabulary)
  if (checked.kind === 'refused') return checked
  const reading = { lo, hi, event: event ?? {}, bound: [] }
  return { kind: 'ok', value: traceOf(checked.value, reading, vocabulary) }
}

/** A value of the frame as conditions would write it: "512.00", "R3", "30d", "at least 256", "unknown". */
export function valueText(variable: Variable, low: number, high: number): string {
  if (low === high) return knownText(variable, low)
  if (low === -Infinity) return high === Infinity ? 'unknown' : `at most ${knownText(variable, high)}`
  if (high === Infinity) return `at least ${knownText(variable, low)}`
  return `${knownText(variable, low)} to ${knownText(variable, high)}`
}

/** A part of a condition as CEL text. */
export function conjunctText(tree: BoolTree): string {
  return serialize(tree.node)
}

function traceOf(tree: BoolTree, reading: Reading, vocabulary: Vocabulary): TraceNode {
  const text = conjunctText(tree)
  const answer = answerOf(tree, reading)
  // A macro's body has an answer for each element; the list is what there is to show.
  const children = tree.kind === 'exists' || tree.kind === 'all' ? [] : flat(tree)
  if (children.length > 0) {
    return { text, answer, children: children.map((child) => traceOf(child, reading, vocabulary)) }
  }
  return { text, answer, value: valuesRead(tree, reading, vocabulary), children: [] }
}

/** The parts, with chains of one operator as one list: `a && b && c` has three children. */
function flat(tree: BoolTree): readonly BoolTree[] {
  if (tree.kind !== 'and' && tree.kind !== 'or') return partsOf(tree).bools
  return [tree.left, tree.right].flatMap((part) => (part.kind === tree.kind ? flat(part) : [part]))
}

function valuesRead(tree: BoolTree, reading: Reading, vocabulary: Vocabulary): string {
  const { variables, fields } = readsOf([tree])
  const texts: string[] = []
  for (const variable of vocabulary.variables) {
    if (!variables.includes(variable.index)) continue
    const text = valueText(variable, reading.lo[variable.index]!, reading.hi[variable.index]!)
    texts.push(`${variable.name} = ${text}`)
  }
  for (const name of fields) {
    texts.push(`event.${name} = ${fieldText(vocabulary.event?.fields.get(name)?.type, reading.event[name])}`)
  }
  return texts.join(', ')
}

function knownText(variable: Variable, value: number): string {
  if (variable.type === 'bool') return value >= 1 ? 'true' : 'false'
  if (variable.type === 'enum') return variable.values[value] ?? 'unknown'
  return numberText(variable.type, value)
}

function numberText(type: string | undefined, value: number): string {
  if (type === 'money') return amountText(value)
  if (type === 'duration') return durationText(value)
  if (type === 'instant') return Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : 'unknown'
  return String(value)
}

function fieldText(type: string | undefined, value: unknown): string {
  if (value === null || value === undefined) return 'unknown'
  return typeof value === 'number' ? numberText(type, value) : JSON.stringify(value)
}
