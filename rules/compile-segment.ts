/** From the segment of a learned propensity to the function that tells which one a customer is in. */
import { compileCondition } from './cel/compile.ts'
import type { Guard } from './cel/guard.ts'
import type { CelResult } from './cel/problem.ts'
import type { CompiledSegments } from './compiled.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The one segment of a propensity that has none. */
const everybody: CompiledSegments = { names: ['all'], of: () => 0, reads: [] }

/**
 * Compiles a segment: an enum attribute (`profile.tier`) has a segment for each of its values, a condition the segments `true`
 * and `false`; both have `unknown` for whom it is not known.
 */
export function compileSegments(
  source: string | null,
  vocabulary: Vocabulary,
  guard: Guard | null = null,
): CelResult<CompiledSegments> {
  if (source === null) return { kind: 'ok', value: everybody }
  const variable = vocabulary.variables.find(({ name, type }) => type === 'enum' && name === source.trim())
  if (variable !== undefined) {
    const { index, values } = variable
    const of: CompiledSegments['of'] = (lo, hi) => {
      const code = lo[index]!
      return code === hi[index] && code >= 0 && code < values.length ? code : values.length
    }
    return { kind: 'ok', value: { names: [...values, 'unknown'], of, reads: [index] } }
  }
  const compiled = compileCondition(source, vocabulary, guard)
  if (compiled.kind === 'refused') return compiled
  const { must, may, reads } = compiled.value
  const of: CompiledSegments['of'] = (lo, hi) => (must(lo, hi, null) ? 0 : may(lo, hi, null) ? 2 : 1)
  return { kind: 'ok', value: { names: ['true', 'false', 'unknown'], of, reads } }
}
