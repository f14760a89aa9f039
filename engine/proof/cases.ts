/** Cases of a proof: one value a dimension, every combination in turn. */
import type { Domain } from './domains.ts'

/** How many combinations there are of so many values each; Infinity beyond what a number can tell. */
export function combinations(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1)
}

/** Calls `visit` with every combination of indexes below the sizes; `at` is reused. Ends early when `visit` answers false. */
export function eachCombination(sizes: readonly number[], visit: (at: Int32Array) => boolean): void {
  if (sizes.some((size) => size === 0)) return
  const at = new Int32Array(sizes.length)
  for (;;) {
    if (!visit(at)) return
    let i = 0
    while (i < sizes.length) {
      const next = at[i]! + 1
      if (next < (sizes[i] ?? 0)) {
        at[i] = next
        break
      }
      at[i] = 0
      i++
    }
    if (i === sizes.length) return
  }
}

/** Writes the chosen value of each domain into a frame. */
export function writeFrame(domains: readonly Domain[], at: Int32Array, lo: Float64Array, hi: Float64Array): void {
  for (let i = 0; i < domains.length; i++) {
    const domain = domains[i]
    const value = domain?.values[at[i]!]
    if (domain === undefined || value === undefined) continue
    lo[domain.variable.index] = value.lo
    hi[domain.variable.index] = value.hi
  }
}
