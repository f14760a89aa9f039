/**
 * Every check of a pack by the code of its findings: what it finds, and how sure one may be that it finds all of them. Whatever is
 * reported is certain. README.md has this list as a table; a test holds the two equal.
 */
import { packProblemCodes as codes, type PackProblemCode } from '../pack-problem.ts'

/** `complete`: no such mistake is missed. `best_effort`: some may be. */
export type Certainty = 'complete' | 'best_effort'

export type Check =
  | {
      readonly certainty: 'complete'
      /** What a finding means, as what is wrong. */
      readonly finds: string
    }
  | {
      readonly certainty: 'best_effort'
      readonly finds: string
      /** For which packs it finds every one all the same; null: for none. */
      readonly completeFor: string | null
      /** Why it may miss some. */
      readonly misses: string
    }

const complete = (finds: string): Check => ({ certainty: 'complete', finds })
const bestEffort = (finds: string, misses: string, completeFor: string | null = null): Check => ({
  certainty: 'best_effort',
  finds,
  completeFor,
  misses,
})

const conjunctions = 'conjunctions of comparisons of one variable or field with constants'
const pairs = 'other conditions are not compared, nor pairs of rules beyond the first million'

/** The checks, in the order of `packProblemCodes`. */
export const checks: Readonly<Record<PackProblemCode, Check>> = {
  pack_missing: complete('a folder that is not there'),
  file_missing: complete('a file of the pack that is not there'),
  file_unknown: complete('a YAML file that no pack has'),
  file_not_plain: complete('a link or a folder in place of a file'),
  file_too_large: complete('a file above the limit'),
  too_many_rules: complete('more rules than a pack may have'),
  yaml_invalid: complete('what is no plain YAML'),
  key_unknown: complete('a key that the schema does not have'),
  key_missing: complete('a key that has to be there'),
  value_invalid: complete('a value of another form than the schema says, such as an amount that is a plain number'),
  text_missing: complete('a text without English or Chinese'),
  duration_invalid: complete('what is no duration, or none above zero'),
  duration_too_long: complete('a duration beyond what is kept'),
  id_duplicate: complete('two rules of one id, or of one stored key'),
  name_reserved: complete('a name that the language of conditions has itself'),
  event_unknown: complete('an event type that does not exist'),
  field_unknown: complete('a field that the event does not have'),
  feature_unknown: complete('a feature that is not defined'),
  attribute_unknown: complete('an attribute that is not defined'),
  category_unknown: complete('a category that is not defined'),
  channel_unknown: complete('a channel that is not defined'),
  offer_unknown: complete('an offer that is not defined'),
  placement_unknown: complete('a placement that is not defined'),
  content_type_unknown: complete('a content type that no placement takes'),
  model_unknown: complete('a model that is not defined'),
  resource_unknown: complete('a resource that is not defined'),
  reference_dead: complete('what is defined and named by no rule, and a scope that holds nothing'),
  condition_invalid: complete('a condition outside the language, such as one with a regular expression'),
  condition_type: complete('values of types that do not go together'),
  condition_never_true: bestEffort(
    'a condition that no values make true',
    'parts that compare two variables, calculate, or have very many alternatives count as possible',
    `${conjunctions}, and few alternatives of these`,
  ),
  filter_may_be_unknown: complete('a filter of events that reads a field which may be missing'),
  value_missing: complete('a field or value that the kind of rule needs'),
  value_unexpected: complete('a field or value that means nothing there'),
  field_type: complete('a field of a type that the rule cannot read'),
  baseline_missing: complete('growth without a baseline'),
  baseline_unexpected: complete('a baseline without growth'),
  freshness_beyond_lateness: complete('a trigger for events that are refused as too late'),
  rule_shadowed: bestEffort('a rule that another one makes superfluous', pairs, `pairs of ${conjunctions}`),
  rule_conflict: bestEffort('a rule that another one always stops', pairs, `pairs of ${conjunctions}`),
  rule_misfit: complete('rules that can never go together by their kind, channel, placement, class or amounts'),
  guardrail_empty: complete('a guardrail that closes nothing'),
  guardrail_always: bestEffort(
    'a guardrail that is closed for everybody although it has a condition',
    'parts that compare two variables, calculate, or have very many alternatives count as possibly false',
    `${conjunctions}, and few alternatives of these`,
  ),
  guardrail_bypass: complete(
    'an offer, category, class or channel that escapes a red line: no guardrail of the reason holds it there, or an allow opens it',
  ),
  band_gap: bestEffort(
    'a value of a ladder that no offer takes',
    'between constants of calculated conditions no value is tried',
    'ladders whose conditions compare its number with constants',
  ),
  band_overlap: bestEffort(
    'a value of a ladder that several offers take',
    'between constants of calculated conditions no value is tried',
    'ladders whose conditions compare its number with constants',
  ),
  grade_gap: complete('a risk grade of customers without a highest grade of products'),
  term_out_of_bounds: complete('a number of the score beyond its bounds; what an expression gives is cut off'),
  fallback_missing: complete('an inbound placement without a fallback'),
  fallback_unexpected: complete('an outbound placement with one'),
  fallback_blocked: complete('a fallback that a guardrail may close, or that may run out'),
  fallback_personal: complete('a fallback that is not the same for everybody'),
  source_unlawful: complete(
    'a source with purposes and no lawful basis, a basis and no purpose, or none for marketing',
  ),
  purpose_missing: bestEffort(
    'a marketing offer or trigger that nothing opens, as what it reads comes only from sources without the purpose (a warning)',
    'a source that does not say what it sends may send anything, and terms, segments and allows are not looked at',
    'eligible and triggers that compare with constants, where all sources say what they send',
  ),
  agreement_over: complete('a source whose agreement is over, so that its data feed nothing (a warning)'),
  resource_empty: complete('a resource of which there is nothing (a warning)'),
  window_empty: complete('a window of effect without any instant'),
  window_over: complete('a rule whose window of effect is over (a warning)'),
  red_line_ends: complete('a red line that only guardrails hold which are not always in effect'),
  timezone_unknown: complete('what is no time zone'),
  currency_unknown: complete('what is no currency with two decimals'),
  text_sensitive: bestEffort(
    'a text for customers that names what is inferred of them',
    'it goes by a closed list of words, which a clever sentence gets around',
  ),
  price_dependence: complete('a price that reads, or follows from, what the pack does not let prices depend on'),
  price_vulnerable: bestEffort(
    'an attribute or feature that tells of vulnerability and that prices may depend on',
    'it goes by a closed list of words and by what guardrails for such reasons read, which a name that says nothing gets around',
  ),
  price_out_of_bounds: complete(
    'a price that is no number of its kind; what an expression gives beyond it is otherwise',
  ),
  scenarios_missing: complete('a pack without scenarios, when they are to be played'),
  scenario_too_large: complete('a scenario above the limits'),
  placeholder_unknown: complete('a placeholder that no case of a scenario gives'),
  time_backwards: complete('steps of a scenario that are not in the order of time'),
  expectation_misplaced: complete('an expectation where nothing can be expected'),
  rule_unknown: complete('a rule that a scenario names and the pack does not have'),
  forbidden_leaves: bestEffort(
    'a customer for whom something leaves that the pack forbids, looked for by asking the final gate itself',
    'where the certificate names gaps, values between constants are not tried',
    'packs whose certificate is complete: statuses x categories x channels x classes x unknown',
  ),
  proof_too_large: complete('guardrails that read so much together that not every case can be looked at'),
}

/** How sure one may be that a check finds all there is. */
export function certaintyOf(code: PackProblemCode): Certainty {
  return checks[code].certainty
}

/** The checks in two lines: which are complete, which are not. */
export function certaintySummary(): string {
  const named = (certainty: Certainty): readonly string[] => codes.filter((code) => certaintyOf(code) === certainty)
  return [
    'complete, no such mistake is missed: files, names, types, units, coverage of red lines by category, channel and class, fallbacks,',
    `  what is unused, all ${named('complete').length} checks but these`,
    `best effort, certain where reported, some may be missed: ${named('best_effort').join(', ')}`,
    'proffer check --checks says what each finds, and for which packs it is complete.',
  ].join('\n')
}

/** Every check as a line of text: its code, how sure it is, what it finds. */
export function checkLines(): readonly string[] {
  return codes.map((code) => {
    const check = checks[code]
    const sure = check.certainty === 'complete' ? 'complete' : 'best effort'
    return `${code} (${sure}): ${check.finds}.${moreOf(check)}`
  })
}

/** When a check is complete all the same, and what it may miss, in sentences; empty for those that are complete. */
export function moreOf(check: Check): string {
  if (check.certainty === 'complete') return ''
  const whole = check.completeFor === null ? '' : ` Complete for ${check.completeFor}.`
  return `${whole} May miss some: ${check.misses}.`
}
