/** The one place that turns generated text into functions. */
import * as runtime from './runtime.ts'

/**
 * Makes a function of a body made by `Generator`, with its bound values.
 *
 * @param parameters names of the parameters, such as `lo, hi, e`
 */
export function build<T>(parameters: string, body: string, bound: readonly unknown[]): T {
  // The text is ours: constants arrive as JSON literals or through `k`, never as written by the author.
  const make = new Function('k', 'r', `'use strict'; return function (${parameters}) { ${body} }`)
  return make(bound, runtime)
}
