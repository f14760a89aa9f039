/** Whether what came of a step is what was expected of it, and if not, what came instead and why. */
import { formatPrice } from '../../rules/price-words.ts'
import type { ReasonCode } from '../../rules/reasons.ts'
import type { Check, Expectation, ScenarioStep } from '../../rules/scenarios/scenario.ts'
import type { Decision } from '../../sinks/decision.ts'
import { valueWords } from '../explain/value-words.ts'
import { variableWords } from '../explain/variable-words.ts'
import { candidateLines } from './candidates.ts'
import type { Came, ScenarioBank } from './scenario-bank.ts'
import { whyNot, whyOffered, whySilent } from './why.ts'

/** An expectation that was not met. */
export type Failure = {
  /** Line of the file: of what was expected. */
  readonly line: number
  readonly step: ScenarioStep
  /** The clock behind the step, Unix milliseconds. */
  readonly at: number
  /** What it is about: `offered`, `not offered`, `feature fx_views_24h`, ... */
  readonly about: string
  readonly expected: string
  readonly came: string
  /** Sentences that explain it: the fate of an offer, which triggers were silent. */
  readonly why: readonly string[]
  /** Every candidate of the step's decisions with stage, reason, rule and the values that decided; only of the step's first failure. */
  readonly candidates: readonly string[]
}

/** What is asked of the customer or of events, not of decisions. */
const ofCustomer: ReadonlySet<Check['kind']> = new Set(['feature', 'refused', 'permit'])

type Verdict = Pick<Failure, 'expected' | 'came'> & { readonly why?: readonly string[] }

/** Everything of a step that is not as expected. To be asked right after the step, before time passes. */
export function judgeStep(bank: ScenarioBank, step: ScenarioStep, came: readonly Came[]): readonly Failure[] {
  const fail = (line: number, about: string, verdict: Verdict): Failure => ({
    line,
    step,
    at: bank.now,
    about,
    why: [],
    candidates: [],
    ...verdict,
  })
  const failures: Failure[] = []
  if (came.some((one) => one.kind === 'event' && one.isOrphan)) {
    const verdict = { expected: 'a decision that the event belongs to', came: 'nothing was offered before' }
    failures.push(fail(step.line, 'event', verdict))
  }
  const checks = step.expectations.flatMap((expectation) => expectation.checks)
  if (!checks.some((check) => check.kind === 'refused')) {
    const verdict = allAre('accepted', statusesOf(came))
    if (verdict !== null) failures.push(fail(step.line, 'event', verdict))
  }
  for (const expectation of step.expectations) {
    const { placement, line } = expectation
    const decisions = decisionsFor(expectation, came)
    const isMissing = placement !== null && decisions.length === 0
    if (isMissing) {
      const expected = `a decision for ${placement}`
      const verdict = { expected, came: decisionWords(came.flatMap((one) => one.decisions)) }
      failures.push(fail(line, 'placement', { ...verdict, why: whyNot(bank, step, came, wanted(expectation)) }))
    }
    for (const check of expectation.checks) {
      // What a decision that is not there should have been says nothing more.
      if (isMissing && !ofCustomer.has(check.kind)) continue
      const verdict = judge(bank, step, came, decisions, check)
      if (verdict !== null) failures.push(fail(check.line, aboutOf(check), verdict))
    }
  }
  const [first, ...others] = failures
  if (first === undefined) return failures
  const decisions = came.flatMap((one) => one.decisions)
  const candidates = candidateLines(bank.context.pack, decisions)
  // Who expected a decision and named no offer is told which triggers were silent.
  const isSilent = decisions.length === 0 && first.why.length === 0 && first.came === 'no decision'
  return [{ ...first, candidates, why: isSilent ? whySilent(bank, step, came) : first.why }, ...others]
}

function judge(
  bank: ScenarioBank,
  step: ScenarioStep,
  came: readonly Came[],
  decisions: readonly Decision[],
  check: Check,
): Verdict | null {
  switch (check.kind) {
    case 'nothing':
      if (decisions.length === 0) return null
      return { expected: 'no decision at all', came: decisionWords(decisions), why: whyOffered(bank, decisions) }
    case 'offered': {
      const offered = offersOf(decisions, 'offered')
      if (isSame(offered, check.offers)) return null
      const missing = check.offers.filter((offer) => !offered.includes(offer))
      const surplus = offered.filter((offer) => !check.offers.includes(offer))
      const why = [...whyNot(bank, step, came, missing), ...whyOffered(bank, decisions, surplus)]
      return { expected: listWords(check.offers), came: listWords(offered), why }
    }
    case 'held': {
      const held = fatesOf(decisions, 'held')
      if (isSame(held, check.offers)) return null
      const missing = check.offers.filter((offer) => !held.includes(offer))
      const expected = `${listWords(check.offers)} held`
      return { expected, came: listWords(held), why: whyNot(bank, step, came, missing) }
    }
    case 'recalled': {
      const recalls = decisions.filter(({ reason }) => reason === 'recalled')
      const recalled = recalls.flatMap(({ fates }) => fates.map(({ offer }) => offer))
      if (isSame(recalled, check.offers)) return null
      return { expected: `${listWords(check.offers)} recalled`, came: listWords(recalled) }
    }
    case 'permit': {
      const { reason } = bank.permit(step.customerId, check.offer)
      if (check.answer === null ? reason !== 'permitted' : reason === check.answer) return null
      const expected = check.answer ?? 'not permitted'
      return { expected: `${check.offer}: ${expected}`, came: reason }
    }
    case 'not offered':
      return judgeWithheld(bank, step, came, decisions, check)
    case 'price': {
      const { currency, offers } = bank.context.pack.loaded.model
      const told = decisions.flatMap(({ prices }) =>
        prices.filter((one) => one.offer === check.offer && one.price === check.price),
      )
      if (told.length > 0 && told.every(({ value }) => isNear(value, check.value))) return null
      const prices = offers.find(({ id }) => id === check.offer)?.prices ?? []
      const kind = prices.find(({ id }) => id === check.price)?.kind ?? 'multiplier'
      return {
        expected: `${check.offer}.${check.price} ${formatPrice(kind, check.value, currency)}`,
        came: listWords(told.map(({ value }) => formatPrice(kind, value, currency))),
        why: told.length > 0 ? [] : whyNot(bank, step, came, [check.offer]),
      }
    }
    case 'fallback': {
      const shown = decisions.map(answerWords)
      const expected = `fallback ${check.offer}`
      if (shown.length > 0 && shown.every((words) => words === expected)) return null
      return { expected, came: listWords(shown), why: whyOffered(bank, decisions) }
    }
    case 'outcome':
      return each(
        check.outcome,
        decisions.map(({ outcome }) => outcome),
      )
    case 'reason':
      return each(
        check.reason,
        decisions.map(({ reason }) => reason),
      )
    case 'refused':
      return (
        allAre(check.status, statusesOf(came)) ??
        (statusesOf(came).length > 0 ? null : { expected: check.status, came: 'no event' })
      )
    case 'feature':
      return judgeFeature(bank, step.customerId, check)
    default:
      return check satisfies never
  }
}

function judgeWithheld(
  bank: ScenarioBank,
  step: ScenarioStep,
  came: readonly Came[],
  decisions: readonly Decision[],
  { offer, reason, rule, stage }: Extract<Check, { kind: 'not offered' }>,
): Verdict | null {
  const why = [reason, rule, stage].filter((word) => word !== null).join(', ')
  const expected = `${offer} not offered${why === '' ? '' : ` (${why})`}`
  if (decisions.some((decision) => decision.offers.some((item) => item.offer === offer)))
    return { expected, came: `${offer} offered`, why: whyOffered(bank, decisions, [offer]) }
  if (why === '') return null
  const fates = decisions.flatMap((decision) => decision.fates.filter((fate) => fate.offer === offer))
  const isSo = fates.every(
    (fate) =>
      (reason === null || fate.reason === reason) &&
      (rule === null || fate.rule === rule) &&
      (stage === null || fate.stage === stage),
  )
  if (fates.length > 0 && isSo) return null
  const words = fates.map((fate) =>
    [fate.reason, ...(fate.rule === null ? [] : [fate.rule]), ...(stage === null ? [] : [fate.stage])].join(', '),
  )
  return {
    expected,
    came: fates.length === 0 ? `${offer} was no candidate` : listWords(words),
    why: whyNot(bank, step, came, [offer]),
  }
}

function judgeFeature(
  bank: ScenarioBank,
  customerId: string,
  { name, value }: Extract<Check, { kind: 'feature' }>,
): Verdict | null {
  const { pack, states } = bank.context
  const { model } = pack.loaded
  const variable = pack.variables.findIndex((candidate) => candidate.name === name)
  const lo = new Float64Array(pack.layout.variables).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(pack.layout.variables).fill(Number.POSITIVE_INFINITY)
  bank.look(customerId, (slot) => states.evaluate(slot, bank.now, bank.now, [variable], lo, hi))
  const bounds = { lo: lo[variable]!, hi: hi[variable]! }
  const words = variableWords(model, name, 'en')
  const isUnknown = states.classOf(variable, lo, hi) === 'unknown'
  if (value === null ? isUnknown : isNear(bounds.lo, value) && isNear(bounds.hi, value)) return null
  const wording = { language: 'en', currency: model.currency, zone: model.zone } as const
  const inWords = (lo: number, hi: number) =>
    valueWords({ lo, hi }, words?.type ?? 'double', words?.values ?? [], wording)
  return { expected: value === null ? 'unknown' : inWords(value, value), came: inWords(bounds.lo, bounds.hi) }
}

/** Averages and quotients end somewhere behind the decimals that people write. */
function isNear(value: number, expected: number): boolean {
  return Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected))
}

function decisionsFor({ placement }: Expectation, came: readonly Came[]): readonly Decision[] {
  const all = came.flatMap((one) => one.decisions)
  return placement === null ? all : all.filter((decision) => decision.placement === placement)
}

function wanted({ checks }: Expectation): readonly string[] {
  return checks.flatMap((check) =>
    check.kind === 'offered' ? check.offers : check.kind === 'not offered' ? [check.offer] : [],
  )
}

/** Offers with a fate of this reason, in their order. */
function fatesOf(decisions: readonly Decision[], reason: ReasonCode): readonly string[] {
  return decisions.flatMap(({ fates }) => fates.filter((fate) => fate.reason === reason).map(({ offer }) => offer))
}

function statusesOf(came: readonly Came[]): readonly string[] {
  return came.flatMap((one) => (one.kind === 'event' ? [one.status] : []))
}

function offersOf(decisions: readonly Decision[], outcome: Decision['outcome']): readonly string[] {
  return decisions.flatMap((decision) =>
    decision.outcome === outcome ? decision.offers.map((item) => item.offer) : [],
  )
}

/** Every one is as expected; null also when there is none. */
function allAre(expected: string, all: readonly string[]): Verdict | null {
  return all.every((one) => one === expected) ? null : { expected, came: listWords(all) }
}

/** Every one is as expected, and there is one. */
function each(expected: string, all: readonly string[]): Verdict | null {
  return all.length === 0 ? { expected, came: 'no decision' } : allAre(expected, all)
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i])
}

function aboutOf(check: Check): string {
  if (check.kind === 'feature') return `feature ${check.name}`
  return check.kind === 'permit' ? `permit ${check.offer}` : check.kind
}

/** A list in words; the same thing many times in a row is counted. */
function listWords(list: readonly string[]): string {
  const counted: { readonly word: string; times: number }[] = []
  for (const word of list) {
    const last = counted.at(-1)
    if (last?.word === word) last.times++
    else counted.push({ word, times: 1 })
  }
  return counted.length === 0
    ? 'nothing'
    : counted.map(({ word, times }) => (times === 1 ? word : `${word} (${times} times)`)).join('; ')
}

function decisionWords(decisions: readonly Decision[]): string {
  if (decisions.length === 0) return 'no decision'
  return listWords(decisions.map((decision) => `${decision.placement}: ${answerWords(decision)}`))
}

/** What a decision came to: `offered fx_wallet`, `fallback newcomer_start`, `nothing (all_dropped)`. */
export function answerWords({ outcome, reason, offers }: Decision): string {
  const shown = offers.map((item) => item.offer).join(', ')
  if (outcome === 'offered') return `offered ${shown}`
  return outcome === 'fallback' ? `fallback ${shown}` : `nothing (${reason})`
}
