/**
 * What keeps one rule from stopping the others where its code runs: it says that it is being asked before it answers, so that a loop
 * can be told from outside, and what it throws is caught and counted.
 */

/** What the generated code of one rule runs under. */
export type Guard = {
  /** Number of the rule among those of its pack, from 1. */
  readonly rule: number
  /** Says at index 0 which rule is being asked; 0: none. Shared with whoever watches. */
  readonly asked: Int32Array
  /** Told that the rule threw. */
  readonly threw: (rule: number) => void
  /** Called before the rule answers. Only tests set it: a host function that loops or throws. */
  readonly trap: (() => void) | null
}

/** The guard of a rule by its name, see `rule-names.ts`; null: it runs without one. */
export type Guards = (rule: string) => Guard | null

/** Rules run as they are: in checks, proofs and explanations, which stop nobody else. */
export const unguarded: Guards = () => null

/** A filter that threw: whether its event counts is not known. */
export class FilterFault extends Error {
  readonly code = 'filter_failed'
  constructor() {
    super('the filter of a feature or an attribute threw')
  }
}

/** The text of "this rule is being asked". */
export function asksText({ rule, trap }: Guard): string {
  return `w[0] = ${rule};${trap === null ? '' : ' g.trap();'}`
}

/**
 * The body of a function that answers with one expression.
 * @param otherwise the answer when it throws: an expression, or null to throw a `FilterFault`
 */
export function answerBody(text: string, guard: Guard | null, otherwise: string | null): string {
  if (guard === null) return `return ${text}`
  const caught = otherwise === null ? 'throw new g.Fault()' : `return ${otherwise}`
  const says = 'w[0] = 0;'
  return `try { ${asksText(guard)} const v = ${text}; ${says} return v } catch { ${says} g.threw(${guard.rule}); ${caught} }`
}
