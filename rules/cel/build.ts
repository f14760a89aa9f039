/** The one place that turns generated text into functions. */
import { FilterFault, type Guard } from './guard.ts'
import * as runtime from './runtime.ts'

/**
 * Makes a function of a body made by `Generator`, with its bound values.
 *
 * @param parameters names of the parameters, such as `lo, hi, e`
 * @param guard what the body's `g` is, and `w` its `asked`; several rules of one function have the same but for their numbers
 */
export function build<T>(parameters: string, body: string, bound: readonly unknown[], guard: Guard | null = null): T {
  // The text is ours: constants arrive as JSON literals or through `k`, never as written by the author.
  const make = new Function('k', 'r', 'g', 'w', `'use strict'; return function (${parameters}) { ${body} }`)
  return make(bound, runtime, guard === null ? null : { ...guard, Fault: FilterFault }, guard?.asked)
}
