/** Why a condition is refused. */

/** The closed list of refusals; `message` of the problem says what to write instead. */
export type CelProblemCode =
  | 'syntax'
  | 'too_large'
  | 'unknown_name'
  | 'unknown_value'
  | 'type_mismatch'
  | 'not_bool'
  | 'not_double'
  | 'null_refused'
  | 'has_refused'
  | 'division_refused'
  | 'function_refused'
  | 'macro_refused'
  | 'literal_invalid'
  | 'unsupported'
  | 'uncertain'

/** A refusal: `start` and `end` are character offsets into the source, `end` exclusive. */
export type CelProblem = {
  readonly code: CelProblemCode
  readonly message: string
  readonly start: number
  readonly end: number
}

/** What compiling gives: the value, or the one problem that came first. */
export type CelResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly problem: CelProblem }

/** Where a problem stands. Syntax tree nodes are places. */
export type Span = { readonly start: number; readonly end: number }

/** Keeps the first problem of a compilation; every refusal answers null, so that callers can return it at once. */
export class Problems {
  first: CelProblem | null = null

  /** Notes a problem unless there is one already. */
  refuse(code: CelProblemCode, at: Span, message: string): null {
    this.first ??= { code, message, start: at.start, end: at.end }
    return null
  }
}

/** The refusal of a condition that would become too much code. */
export function tooLarge(source: string): CelProblem {
  const message = 'split the condition: nested ternaries and == between conditions make it too large'
  return { code: 'too_large', message, start: 0, end: source.length }
}
