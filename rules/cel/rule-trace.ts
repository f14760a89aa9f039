/** Why each rule of a set did or did not hit, fast enough to be asked for every event. */
import type { EventData } from '../compiled.ts'
import { atOnce } from '../slices.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { build } from './build.ts'
import { conditionTrees } from './condition-trees.ts'
import { type BoolTree, readsOf } from './expression.ts'
import { field, Generator } from './generate.ts'
import { celLimits } from './limits.ts'
import type { CelProblem } from './problem.ts'
import { noEvent } from './runtime.ts'
import { conjunctText } from './trace.ts'

/** What one rule did. */
export type RuleReason = {
  readonly rule: number
  readonly hit: boolean
  /** The first conjunct that is not certain, as CEL text; null when the rule hit. */
  readonly failed: string | null
  /** Names of what the rule reads, variables before event fields; the same array every time. */
  readonly names: readonly string[]
  /** Their values, in the order of `names`: low ends for variables, the field itself for the event. */
  readonly low: readonly unknown[]
  /** High ends, the same array when all is known; a value is known where low and high are equal. */
  readonly high: readonly unknown[]
}

/** A compiled trace, or the first condition that is refused. */
export type RuleTraceResult =
  | { readonly kind: 'ok'; readonly value: RuleTrace }
  | { readonly kind: 'refused'; readonly index: number; readonly problem: CelProblem }

/** Tells of each rule, ascending, what it did: the same answers as the rule set of the same conditions. */
export type RuleTrace = (lo: Float64Array, hi: Float64Array, event: EventData | null) => readonly RuleReason[]

/** Compiles the trace of a rule set; null stands for a rule that always hits. */
export function compileRuleTrace(sources: readonly (string | null)[], vocabulary: Vocabulary): RuleTraceResult {
  const checked = atOnce(conditionTrees(sources, vocabulary))
  if (checked.kind === 'refused') return checked
  const rules = checked.value
  const names = new Map(vocabulary.variables.map((variable) => [variable.index, variable.name]))
  const functions: Append[] = []
  for (let start = 0; start < rules.length; start += celLimits.rulesPerFunction) {
    functions.push(functionOf(rules.slice(start, start + celLimits.rulesPerFunction), start, names))
  }
  const trace: RuleTrace = (lo, hi, event) => {
    const reasons: RuleReason[] = []
    for (const append of functions) append(lo, hi, event ?? noEvent, reasons)
    return reasons
  }
  return { kind: 'ok', value: trace }
}

type Append = (lo: Float64Array, hi: Float64Array, event: EventData, reasons: RuleReason[]) => void

function functionOf(
  rules: readonly (readonly BoolTree[])[],
  start: number,
  names: ReadonlyMap<number, string>,
): Append {
  const generator = new Generator()
  const bind = (value: unknown) => `k[${generator.bound.push(value) - 1}]`
  const lines = rules.map((conjuncts, i) => {
    const { variables, fields } = readsOf(conjuncts)
    const read = [...variables.map((index) => names.get(index) ?? ''), ...fields.map((name) => `event.${name}`)]
    const fieldTexts = fields.map(field)
    const low = [...variables.map((index) => `lo[${index}]`), ...fieldTexts].join(', ')
    const high = [...variables.map((index) => `hi[${index}]`), ...fieldTexts].join(', ')
    const failed = conjuncts.reduceRight(
      (otherwise, conjunct) => `!${generator.must(conjunct)} ? ${bind(conjunctText(conjunct))} : ${otherwise}`,
      'null',
    )
    const known = variables.map((index) => `lo[${index}] === hi[${index}] && `).join('')
    const values = `names: ${bind(read)}, low: l, high: ${known}true ? l : [${high}]`
    return `f = ${failed}; l = [${low}]; reasons.push({ rule: ${start + i}, hit: f === null, failed: f, ${values} });`
  })
  const body = `let f, l; ${generator.declarations()}\n${lines.join('\n')}`
  return build<Append>('lo, hi, e, reasons', body, generator.bound)
}
