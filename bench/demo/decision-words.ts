/** Decisions of the stories in a few plain lines: what was offered and because of what, what was not and why. */
import { fateWords } from '../../engine/explain/explain-decision.ts'
import { valueWords } from '../../engine/explain/value-words.ts'
import { variableWords } from '../../engine/explain/variable-words.ts'
import { explainReason } from '../../rules/explain-texts.ts'
import type { Model } from '../../rules/model.ts'
import { isReasonCode } from '../../rules/reasons.ts'
import type { Decision, Fate } from '../../sinks/decision.ts'

export type DecisionLine = {
  readonly kind: 'offered' | 'recalled' | 'because' | 'stopped' | 'waits' | 'silent'
  readonly text: string
}

/** Stages whose stops are worth telling; an offer that does not apply, or lost to a better one, is only counted. */
const toldStages: readonly Fate['stage'][] = ['trigger', 'suitability', 'guardrail', 'contact', 'final_gate']

/** Most offers of one decision that are told as closed by something unknown. */
const unknownsTold = 2

/** The lines of a decision. */
export function decisionLines(decision: Decision, model: Model): readonly DecisionLine[] {
  const { fates, offers, outcome, channel } = decision
  if (decision.reason === 'recalled') return recallLines(decision, model)
  const lines: DecisionLine[] = []
  for (const { offer } of offers) {
    const title = shortTitle(model, offer)
    const how = outcome === 'fallback' ? 'the safe default' : channel === 'in_app' ? 'in the app' : `by ${channel}`
    lines.push({ kind: 'offered', text: `offered ${how}: ${title}` })
    const because = outcome === 'fallback' ? fallbackWords(decision) : becauseWords(decision, offer, model)
    if (because !== '') lines.push({ kind: 'because', text: because })
  }
  const stopped = fates.filter((fate) => toldStages.includes(fate.stage))
  // Where only the safe default was left, what kept the others away is the story: what is not known opens nothing.
  if (outcome === 'fallback' && decision.reason !== 'cold_start')
    stopped.push(...fates.filter((fate) => fate.reason === 'eligibility_unknown').slice(0, unknownsTold))
  for (const fate of stopped)
    lines.push({ kind: fate.reason === 'held' ? 'waits' : 'stopped', text: stopWords(decision, fate, model) })
  const silent = fates.filter((fate) => fate.stage !== 'offered' && !stopped.includes(fate)).length
  if (silent > 0)
    lines.push({
      kind: 'silent',
      text: `${silent} other${silent === 1 ? '' : 's'} did not apply, or lost to a better one`,
    })
  return lines
}

/** What is taken back, and because of what: the message has not left yet, as far as the bank has heard. */
function recallLines(decision: Decision, model: Model): readonly DecisionLine[] {
  return decision.fates.flatMap((fate) => {
    const what = `taken back before it was sent by ${decision.channel}: ${shortTitle(model, fate.offer)}`
    const guardrail = model.guardrails.find(({ id }) => id === fate.rule)?.text.en ?? fate.reason.replaceAll('_', ' ')
    return [
      { kind: 'recalled', text: what },
      { kind: 'because', text: guardrail.charAt(0).toLowerCase() + guardrail.slice(1) },
    ] as const
  })
}

/** Title of an offer up to its dash; the id when the pack does not know it. */
export function shortTitle(model: Model, offer: string): string {
  return titleOf(model, offer).split(' - ')[0] ?? offer
}

function titleOf(model: Model, offer: string): string {
  return model.offers.find((known) => known.id === offer)?.title.en ?? offer
}

function fallbackWords({ reason, placement }: Decision): string {
  if (!isReasonCode(reason)) return reason
  const sentence = explainReason(reason, 'en', { placement, offer: 'this one' })
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}

/** What was known of the features that the offer's own conditions name. */
function becauseWords(decision: Decision, offer: string, model: Model): string {
  const trigger = decision.fates.find((fate) => fate.offer === offer && fate.stage === 'offered')?.trigger
  const conditions = [
    model.offers.find((known) => known.id === offer)?.eligible,
    model.triggers.find((known) => known.id === trigger)?.when,
  ].join(' ')
  const named = new Set(conditions.match(/[A-Za-z_][\w.]*/g) ?? [])
  return decision.features
    .filter((feature) => named.has(feature.name))
    .map((feature) => {
      const variable = variableWords(model, feature.name, 'en')
      const wording = { language: 'en', currency: model.currency, zone: model.zone } as const
      const value = valueWords(feature, variable?.type ?? 'double', variable?.values ?? [], wording)
      return `${plainName(feature.name)}${variable?.window ? ` (${variable.window})` : ''} ${value}`
    })
    .join(', ')
}

/** `maternity_growth_30d` as `maternity growth`, `profile.totalAssets` as `total assets`. */
function plainName(name: string): string {
  return name
    .replace(/^profile\./, '')
    .replace(/_(ms_)?(\d+[dhm]|lifetime|this_month)$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()
}

function stopWords(decision: Decision, fate: Fate, model: Model): string {
  const sentence = fateWords(
    decision,
    { ...fate, trigger: fate.stage === 'trigger' ? fate.trigger : null },
    model,
    'en',
  )
  // Conditions may run over several lines in their pack.
  return sentence.replaceAll(titleOf(model, fate.offer), shortTitle(model, fate.offer)).replace(/\s+/g, ' ')
}
