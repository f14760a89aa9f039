import type { PackProblemCode } from '../../../rules/pack-problem.ts'
import type { Patch } from '../patched-pack.ts'

/** A mistake people make in packs: what they wrote, and what the check has to say about it. */
export type Mistake = {
  readonly name: string
  readonly patches: readonly Patch[]
  readonly code: PackProblemCode
  readonly rule: string
  /** File the problem is reported in; the first patch's by default. */
  readonly file?: string
  /** How sure one may be that the check finds all such mistakes; complete by default. */
  readonly sure?: 'best_effort'
  /** What shows it. */
  readonly counterexample?: string
  /** Whether it is only told: the pack is accepted. */
  readonly warns?: true
  /** A text that stands, once, on the line the problem is reported at. */
  readonly at: string
}

/** A single patch. */
export function one(file: string, from: string, to: string): readonly Patch[] {
  return [{ file, from, to }]
}
