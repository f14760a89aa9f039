/**
 * The condition compiler: CEL text, checked by the CEL library, becomes JavaScript over the frame, with two answers.
 * See README.md of this folder for the language.
 */
import type { EventTypeDef } from '../../ingest/event.ts'
import type { Condition, EventData, NumberExpression } from '../compiled.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { build } from './build.ts'
import { uncertainField } from './certainty.ts'
import { amountTree, conditionTree, numberTree } from './elaborate.ts'
import { type NumberTree, readsOf } from './expression.ts'
import { Generator } from './generate.ts'
import { answerBody, type Guard } from './guard.ts'
import { celLimits } from './limits.ts'
import { type CelResult, tooLarge } from './problem.ts'

/**
 * Compiles a condition. `must` and `may` are pure, allocate nothing for plain comparisons, and never throw on data that
 * has the types of the vocabulary; without an event (null) every event field is unknown. Under a guard a condition that throws all
 * the same has the answers of one of which nothing is known.
 */
export function compileCondition(
  source: string,
  vocabulary: Vocabulary,
  guard: Guard | null = null,
): CelResult<Condition> {
  const checked = conditionTree(source, vocabulary)
  if (checked.kind === 'refused') return checked
  const tree = checked.value
  const must = functionOf<boolean>(source, (generator) => generator.must(tree), guard, 'false')
  if (must.kind === 'refused') return must
  const may = functionOf<boolean>(source, (generator) => generator.may(tree), guard, 'true')
  if (may.kind === 'refused') return may
  const reads = readsOf([tree]).variables
  return { kind: 'ok', value: { must: must.value, may: may.value, reads, source } }
}

/** Compiles a number: a constant, or CEL of type double. `low` is -Infinity when nothing is guaranteed. */
export function compileNumber(
  source: string | number,
  vocabulary: Vocabulary,
  guard: Guard | null = null,
): CelResult<NumberExpression> {
  if (typeof source === 'number') {
    if (Number.isFinite(source)) return { kind: 'ok', value: { low: () => source, reads: [], source: String(source) } }
    const message = 'write a finite number'
    return { kind: 'refused', problem: { code: 'literal_invalid', message, start: 0, end: 0 } }
  }
  return compiledNumber(source, numberTree(source, vocabulary), guard)
}

/** The same of an amount: CEL of type money, in minor units. */
export function compileAmount(
  source: string,
  vocabulary: Vocabulary,
  guard: Guard | null = null,
): CelResult<NumberExpression> {
  return compiledNumber(source, amountTree(source, vocabulary), guard)
}

function compiledNumber(
  source: string,
  checked: CelResult<NumberTree>,
  guard: Guard | null,
): CelResult<NumberExpression> {
  if (checked.kind === 'refused') return checked
  const low = functionOf<number>(source, (generator) => generator.low(checked.value), guard, '-Infinity')
  if (low.kind === 'refused') return low
  return { kind: 'ok', value: { low: low.value, reads: readsOf([checked.value]).variables, source } }
}

/**
 * Compiles a condition over one event that is never unknown: it reads required fields, and other fields only where
 * `has(event.x)` guards them (`has(event.x) && ...`, `!has(event.x) || ...`, `has(event.x) ? ... : ...`).
 *
 * @param otherwise the answer under a guard when it throws; null: it throws a `FilterFault`
 */
export function compileEventPredicate(
  source: string,
  event: EventTypeDef,
  guard: Guard | null = null,
  otherwise: 'true' | 'false' | null = null,
): CelResult<(event: EventData) => boolean> {
  const checked = conditionTree(source, { variables: [], event })
  if (checked.kind === 'refused') return checked
  const uncertain = uncertainField(checked.value, event)
  if (uncertain !== null) {
    const message = `event.${uncertain.field} may be missing: write has(event.${uncertain.field}) && ...`
    return { kind: 'refused', problem: { code: 'uncertain', message, start: uncertain.start, end: uncertain.end } }
  }
  const generator = new Generator()
  const text = generator.must(checked.value)
  if (text.length > celLimits.codeLength) return { kind: 'refused', problem: tooLarge(source) }
  const body = `${generator.declarations()} ${answerBody(text, guard, otherwise)}`
  return { kind: 'ok', value: build<(event: EventData) => boolean>('e', body, generator.bound, guard) }
}

type Answer<T> = (lo: Float64Array, hi: Float64Array, event: EventData | null) => T

function functionOf<T>(
  source: string,
  write: (generator: Generator) => string,
  guard: Guard | null,
  otherwise: string,
): CelResult<Answer<T>> {
  const generator = new Generator()
  const text = write(generator)
  if (text.length > celLimits.codeLength) return { kind: 'refused', problem: tooLarge(source) }
  const body = `if (e === null) e = r.noEvent; ${generator.declarations()} ${answerBody(text, guard, otherwise)}`
  return { kind: 'ok', value: build<Answer<T>>('lo, hi, e', body, generator.bound, guard) }
}
