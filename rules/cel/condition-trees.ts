/** The conditions of many rules as typed trees. */
import type { Slices } from '../slices.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { conditionTree } from './elaborate.ts'
import { type BoolTree, conjunctsOf } from './expression.ts'
import { Generator } from './generate.ts'
import { celLimits } from './limits.ts'
import { type CelProblem, tooLarge } from './problem.ts'

/** The conjuncts of every rule (none: it always holds), or the first rule that is refused. */
export type ConditionTrees =
  | { readonly kind: 'ok'; readonly value: readonly (readonly BoolTree[])[] }
  | { readonly kind: 'refused'; readonly index: number; readonly problem: CelProblem }

/** Types conditions; null stands for a rule that always hits. Refuses what `compileCondition` refuses. */
export function* conditionTrees(sources: readonly (string | null)[], vocabulary: Vocabulary): Slices<ConditionTrees> {
  const rules: (readonly BoolTree[])[] = []
  for (const [index, source] of sources.entries()) {
    if (source === null) {
      rules.push([])
      continue
    }
    const checked = conditionTree(source, vocabulary)
    if (checked.kind === 'refused') return { kind: 'refused', index, problem: checked.problem }
    if (new Generator().must(checked.value).length > celLimits.codeLength) {
      return { kind: 'refused', index, problem: tooLarge(source) }
    }
    rules.push(conjunctsOf(checked.value))
    yield
  }
  return { kind: 'ok', value: rules }
}
