/**
 * Many conditions at once. Rules are indexed by their most selective equality, so that cost follows the rules that can
 * fire; what is left of each rule is compiled into functions of at most `celLimits.rulesPerFunction` rules.
 */
import type { EventData, RuleSet } from '../compiled.ts'
import { atOnce, type Slices } from '../slices.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { build } from './build.ts'
import { conditionTrees } from './condition-trees.ts'
import { type BoolTree, readsOf } from './expression.ts'
import { Generator } from './generate.ts'
import { asksText, type Guard } from './guard.ts'
import { celLimits } from './limits.ts'
import type { CelProblem } from './problem.ts'
import { type Assignment, assignRules, type Discriminator } from './rule-index.ts'
import { fieldLow, noEvent } from './runtime.ts'

/** A rule set, or the first condition that is refused. */
export type RuleSetResult =
  | { readonly kind: 'ok'; readonly value: RuleSet }
  | { readonly kind: 'refused'; readonly index: number; readonly problem: CelProblem }

/**
 * Compiles conditions into one rule set that asks `must` of each; null stands for a rule that always hits.
 *
 * `evaluate` answers exactly as `must` of each condition compiled alone would; a rule that throws under its guard does not hit.
 * @param guards by the index of the rule
 */
export function compileRuleSet(
  sources: readonly (string | null)[],
  vocabulary: Vocabulary,
  guards: readonly (Guard | null)[] = [],
): RuleSetResult {
  return atOnce(ruleSetInSlices(sources, vocabulary, guards))
}

/** The same for a thread that must not stand still. */
export function* ruleSetInSlices(
  sources: readonly (string | null)[],
  vocabulary: Vocabulary,
  guards: readonly (Guard | null)[] = [],
): Slices<RuleSetResult> {
  const checked = yield* conditionTrees(sources, vocabulary)
  if (checked.kind === 'refused') return checked
  const { rest, groups } = assignRules(checked.value)
  yield
  const reads = readsOf(checked.value.flat()).variables
  const without = function* (silent: ReadonlySet<number>): Slices<RuleSet> {
    const heard = (rules: readonly Assignment[]): readonly Assignment[] =>
      silent.size === 0 ? rules : rules.filter(({ rule }) => !silent.has(rule))
    const lookups: Lookup[] = []
    for (const { by, values } of groups) {
      lookups.push(yield* lookupOf(by, values, (rules) => functionsOf(heard(rules), guards)))
    }
    const evaluate = evaluator(yield* functionsOf(heard(rest), guards), lookups)
    return { size: sources.length, evaluate, reads, without: (more) => atOnce(without(more)) }
  }
  return { kind: 'ok', value: yield* without(new Set()) }
}

/** Appends the hits of its rules at `n`; returns the new `n`. */
type RuleFunction = (lo: Float64Array, hi: Float64Array, event: EventData, hits: Int32Array, n: number) => number

/** The functions that can hit, given the value the index is over. */
type Lookup = (lo: Float64Array, hi: Float64Array, event: EventData) => readonly RuleFunction[] | undefined

function evaluator(rest: readonly RuleFunction[], lookups: readonly Lookup[]): RuleSet['evaluate'] {
  return (lo, hi, event, hits) => {
    const data = event ?? noEvent
    let n = 0
    for (const run of rest) n = run(lo, hi, data, hits, n)
    let sorted = true
    for (const lookup of lookups) {
      const functions = lookup(lo, hi, data)
      if (functions === undefined) continue
      const before = n
      for (const run of functions) n = run(lo, hi, data, hits, n)
      // Each part is ascending in itself; parts interleave.
      if (before > 0 && n > before && hits[before]! < hits[before - 1]!) sorted = false
    }
    if (!sorted) hits.subarray(0, n).sort()
    return n
  }
}

function* lookupOf(
  by: Discriminator,
  values: ReadonlyMap<string | number, readonly Assignment[]>,
  compiled: (rules: readonly Assignment[]) => Slices<readonly RuleFunction[]>,
): Slices<Lookup> {
  const functions = new Map<unknown, readonly RuleFunction[]>()
  for (const [value, rules] of values) functions.set(value, yield* compiled(rules))
  if (by.kind === 'eventString') {
    const { field } = by
    return (_lo, _hi, event) => functions.get(event[field])
  }
  const find = byNumber(functions)
  if (by.kind === 'eventNumber') {
    const { field } = by
    return (_lo, _hi, event) => find(fieldLow(event[field]))
  }
  const { index } = by
  return (lo, hi) => {
    const value = lo[index]!
    return value === hi[index] ? find(value) : undefined
  }
}

/** Small whole numbers (codes, days, months) are found in an array, others in a map. */
function byNumber(functions: ReadonlyMap<unknown, readonly RuleFunction[]>) {
  const keys = [...functions.keys()]
  const dense = keys.every((key) => typeof key === 'number' && Number.isInteger(key) && key >= 0 && key < 4_096)
  if (!dense) return (value: number) => functions.get(value)
  const length = keys.reduce((most: number, key) => Math.max(most, Number(key) + 1), 0)
  const table = Array.from({ length }, (_, value) => functions.get(value))
  return (value: number) => (value >= 0 && value < length ? table[value] : undefined)
}

function* functionsOf(
  rules: readonly Assignment[],
  guards: readonly (Guard | null)[],
): Slices<readonly RuleFunction[]> {
  const functions: RuleFunction[] = []
  for (let start = 0; start < rules.length; start += celLimits.rulesPerFunction) {
    functions.push(functionOf(rules.slice(start, start + celLimits.rulesPerFunction), guards))
    yield
  }
  return functions
}

function functionOf(rules: readonly Assignment[], guards: readonly (Guard | null)[]): RuleFunction {
  const generator = new Generator()
  // They differ in their numbers and traps alone, and a function has one trap at most: that of a test.
  let shared: Guard | null = null
  const lines = rules.map(({ rule, conjuncts }) => {
    const hits = `if (${textOf(generator, conjuncts)}) hits[n++] = ${rule};`
    const guard = guards[rule] ?? null
    if (guard === null) return hits
    if (shared === null || guard.trap !== null) shared = guard
    return `try { ${asksText(guard)} ${hits} } catch { g.threw(${guard.rule}); }`
  })
  const asksNone = shared === null ? '' : 'w[0] = 0;'
  const body = `${generator.declarations()}\n${lines.join('\n')}\n${asksNone} return n`
  return build<RuleFunction>('lo, hi, e, hits, n', body, generator.bound, shared)
}

function textOf(generator: Generator, conjuncts: readonly BoolTree[]): string {
  return conjuncts.length === 0 ? 'true' : conjuncts.map((conjunct) => generator.must(conjunct)).join(' && ')
}
