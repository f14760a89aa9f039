/** What can be wrong with a pack, and how it is told to the person who wrote it. */
import type { Place } from './model.ts'
import { someLines } from './some-lines.ts'

/** Kinds of problems, one closed list. The README says for each what to do, `check/checks.ts` how sure one may be of it. */
export const packProblemCodes = [
  // The files.
  'pack_missing',
  'file_missing',
  'file_unknown',
  'file_not_plain',
  'file_too_large',
  'too_many_rules',
  'yaml_invalid',
  'key_unknown',
  'key_missing',
  'value_invalid',
  'text_missing',
  'duration_invalid',
  'duration_too_long',
  // Names.
  'id_duplicate',
  'name_reserved',
  'event_unknown',
  'field_unknown',
  'feature_unknown',
  'attribute_unknown',
  'category_unknown',
  'channel_unknown',
  'offer_unknown',
  'placement_unknown',
  'content_type_unknown',
  'model_unknown',
  'resource_unknown',
  'reference_dead',
  // Conditions.
  'condition_invalid',
  'condition_type',
  'condition_never_true',
  'filter_may_be_unknown',
  // Features and attributes.
  'value_missing',
  'value_unexpected',
  'field_type',
  'baseline_missing',
  'baseline_unexpected',
  'freshness_beyond_lateness',
  // Rules against each other.
  'rule_shadowed',
  'rule_conflict',
  'rule_misfit',
  'guardrail_empty',
  'guardrail_always',
  'guardrail_bypass',
  'band_gap',
  'band_overlap',
  'grade_gap',
  'term_out_of_bounds',
  'fallback_missing',
  'fallback_unexpected',
  'fallback_blocked',
  'fallback_personal',
  'source_unlawful',
  'purpose_missing',
  'agreement_over',
  'resource_empty',
  'window_empty',
  'window_over',
  'red_line_ends',
  'timezone_unknown',
  'currency_unknown',
  'text_sensitive',
  // Prices.
  'price_dependence',
  'price_vulnerable',
  'price_out_of_bounds',
  // Scenarios.
  'scenarios_missing',
  'scenario_too_large',
  'placeholder_unknown',
  'time_backwards',
  'expectation_misplaced',
  'rule_unknown',
  // The proof.
  'forbidden_leaves',
  'proof_too_large',
] as const
export type PackProblemCode = (typeof packProblemCodes)[number]

/** One thing that is wrong. `rule` is the id of the rule, or the name of the section when it has none. */
export type PackProblem = Place & {
  readonly rule: string
  readonly code: PackProblemCode
  /** What is wrong and what to do, in one or two sentences. */
  readonly message: string
  /** Values or rules with which it shows: a value in the gap, the rule that goes first, the customer it concerns. */
  readonly counterexample?: string | undefined
}

/**
 * Problems as lines `file:line rule code: message`, with what shows it in brackets, by file and line; empty text for none.
 * @param how what shows them all when they are many, see `someLines`; null: all are wanted
 */
export function formatProblems(
  problems: readonly PackProblem[],
  how: string | null = 'proffer check PACK --all',
): string {
  const lines = sortProblems(problems).map(({ file, line, rule, code, message, counterexample }) => {
    const shown = counterexample === undefined ? '' : ` [${counterexample}]`
    return `${file}:${line} ${rule} ${code}: ${message}${shown}`
  })
  return someLines(lines, how).join('\n')
}

/** The problems by file, line and code, each once. */
export function sortProblems(problems: readonly PackProblem[]): PackProblem[] {
  const seen = new Map<string, PackProblem>()
  for (const problem of problems) {
    seen.set(`${problem.file}:${problem.line}:${problem.rule}:${problem.code}:${problem.message}`, problem)
  }
  return [...seen.values()].sort(
    (a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.code, b.code) || compare(a.message, b.message),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
