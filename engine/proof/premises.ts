/** What forbids an offer on a placement: each is proven to stop it by itself. */
import type { Model } from '../../rules/model.ts'
import type { GuardrailReason } from '../../rules/reasons.ts'
import type { GuardrailText, RuleTexts } from './rule-texts.ts'
import type { Target } from './targets.ts'

export type Premise =
  /** A guardrail whose scope holds the offer: its condition may be true, or its suppression runs. */
  | {
      readonly kind: 'guardrail'
      readonly reason: string
      readonly guardrail: GuardrailText
      /** The category is guarded by its reason: then no allow opens it. */
      readonly redLine: boolean
    }
  /**
   * A red line, and a guardrail that gives its reason without holding the offer: whoever gave a category the red line meant
   * everybody for whom the reason may hold.
   */
  | { readonly kind: 'red_line'; readonly reason: GuardrailReason; readonly guardrail: GuardrailText }
  /** A red line, right after an event that sets suppressions of its reason, none of which holds the offer. */
  | { readonly kind: 'red_line_event'; readonly reason: GuardrailReason; readonly guardrails: readonly GuardrailText[] }
  | { readonly kind: 'suitability'; readonly reason: 'unsuitable_risk_grade' }
  | { readonly kind: 'unlawful'; readonly reason: 'unlawful_source' }
  /** None: a case in which nothing forbids, to see that the offer can leave at all. */
  | { readonly kind: 'free'; readonly reason: 'none' }

/** The reasons that must be able to close an offer there: of its category, and of marketing whatever the pack says. */
export function redLinesOf(model: Model, target: Target): readonly GuardrailReason[] {
  const { categories, class: messageClass } = target.offers[0].model
  const reasons = new Set<GuardrailReason>(categories.flatMap((category) => model.guardedBy[category] ?? []))
  if (messageClass !== 'marketing') return [...reasons]
  reasons.add('unlawful_source')
  const pushed = model.placements.some(
    (one) => one.direction === 'outbound' && one.channel === target.placement.channel,
  )
  if (pushed) reasons.add('no_consent')
  return [...reasons]
}

/** Everything that forbids a target. Consent and the like are given channel by channel, so a red line is one of a channel. */
export function premisesOf(model: Model, texts: RuleTexts, target: Target): readonly Premise[] {
  const own = new Set(target.guardrails)
  const redLines = redLinesOf(model, target)
  const premises: Premise[] = target.guardrails.map((guardrail) => {
    const { reason } = guardrail.model
    return { kind: 'guardrail', reason, guardrail, redLine: redLines.includes(reason) }
  })
  for (const reason of redLines) {
    const givers = texts.guardrails.filter(
      (one) => one.model.reason === reason && onChannel(one, target.placement.channel),
    )
    for (const guardrail of givers) {
      if (!own.has(guardrail) && guardrail.tree !== null) premises.push({ kind: 'red_line', reason, guardrail })
    }
    for (const guardrails of sameEvent(givers)) {
      if (guardrails.some((one) => own.has(one))) continue
      premises.push({ kind: 'red_line_event', reason, guardrails })
    }
  }
  if (target.offers[0].model.riskGrade !== null) premises.push({ kind: 'suitability', reason: 'unsuitable_risk_grade' })
  premises.push({ kind: 'unlawful', reason: 'unlawful_source' }, { kind: 'free', reason: 'none' })
  return premises
}

function onChannel({ model }: GuardrailText, channel: string): boolean {
  return model.closes.channels === 'all' || model.closes.channels.includes(channel)
}

/** Guardrails by the event that sets their suppressions. */
function sameEvent(guardrails: readonly GuardrailText[]): readonly (readonly GuardrailText[])[] {
  const groups = new Map<string, GuardrailText[]>()
  for (const guardrail of guardrails) {
    const { suppression } = guardrail.model
    if (suppression === null) continue
    const key = `${suppression.event}\0${suppression.where?.trim() ?? ''}`
    groups.set(key, [...(groups.get(key) ?? []), guardrail])
  }
  return [...groups.values()]
}
