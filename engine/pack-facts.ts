/** What a pack forbids, as the rows that history holds decisions against: conditions as alternatives of bounds. */
import { eventTypes } from '../ingest/event-types.ts'
import { alternativesOf, type Constraints } from '../rules/cel/analyse.ts'
import { type Domain, isEmpty } from '../rules/cel/domain.ts'
import type { GuardrailModel, Model, OfferModel } from '../rules/model.ts'
import { variablesOf, vocabulariesOf } from '../rules/pack-vocabulary.ts'
import { inScope } from '../rules/scope.ts'
import type { Vocabulary } from '../rules/vocabulary.ts'
import { type PackFacts, unbounded } from '../sinks/history/pack-facts.ts'

type Alternatives = PackFacts['guards'][number]['conditions']
type FieldAlternatives = PackFacts['suppressions'][number]['conditions']
type Ranges = Alternatives[number][number][1]

/** The facts of a checked pack. What compares otherwise than with constants is not among them, and named as `unjudged`. */
export function packFactsOf(model: Model, packHash: string): PackFacts {
  const variables = variablesOf(model, eventTypes)
  const { plain, on } = vocabulariesOf(variables, eventTypes)
  const unjudged = new Set<string>()
  type Rule = Pick<GuardrailModel, 'id' | 'when' | 'effective'>
  const conditionsOf = ({ id: rule, when, effective }: Rule, none: Alternatives): Alternatives | null => {
    // History has no calendar: what is in effect only at times is left to the engine.
    if (effective !== undefined) {
      unjudged.add(rule)
      return null
    }
    if (when === null) return none
    const found = boundsOf(when, plain)
    if (found === null) unjudged.add(rule)
    return found
  }
  const conditions = new Map(model.guardrails.map((rule) => [rule.id, conditionsOf(rule, []) ?? []]))
  // An allow without a condition always holds: one alternative that asks nothing.
  const allows = model.allows.map((allow) => ({ allow, alternatives: conditionsOf(allow, [[]]) }))
  const suppressions = model.guardrails.flatMap(({ id, suppression, effective }) => {
    if (suppression === null || effective !== undefined) return []
    const { event, where, forMs, liftedBy } = suppression
    const rule = (effect: 'set' | 'lift', type: string, filter: string | null, lasts: number) => {
      const found = filter === null ? [[]] : fieldBoundsOf(filter, on(type))
      if (found === null) unjudged.add(id)
      return { guardrail: id, effect, type, conditions: found, forMs: lasts, latenessMs: model.latenessMs }
    }
    const rules = [
      rule('set', event, where, forMs),
      ...(liftedBy === null ? [] : [rule('lift', liftedBy.event, liftedBy.where, 0)]),
    ]
    // Without knowing what lifts it, nothing can be said of when it runs.
    const judged = rules.flatMap(({ conditions: found, ...one }) =>
      found === null ? [] : [{ ...one, conditions: found }],
    )
    return judged.length === rules.length ? judged : []
  })
  const kinds = kindsOf(model)
  const guards = model.guardrails.flatMap(({ id, reason, closes, override }) =>
    kinds
      .filter(({ category, class: messageClass, channel }) => inScope(closes, category, messageClass, channel))
      .map(({ category, class: messageClass, channel }) => {
        const opening = allows.filter(({ allow }) => inScope(allow.opens, category, messageClass, channel))
        return {
          ...{ guardrail: id, reason, category, class: messageClass, channel },
          role: override === 'never' ? '' : override.role,
          roleMs: override === 'never' ? 0 : override.atMostMs,
          conditions: conditions.get(id) ?? [],
          allows: opening.flatMap(({ alternatives }) => alternatives ?? []),
          allowsUnjudged: opening.some(({ alternatives }) => alternatives === null),
        }
      }),
  )
  const offers = model.offers.map((offer) => offerFacts(model, offer))
  return { packHash, offers, guards, suppressions, unjudged: [...unjudged].sort() }
}

function offerFacts({ suitability, attributes }: Model, { id, category, class: messageClass, riskGrade }: OfferModel) {
  const values = attributes.find((one) => one.id === suitability.attribute)?.values ?? []
  const allows = (value: string) => (suitability.allows[value] ?? 0) >= (riskGrade ?? 0)
  return {
    ...{ offer: id, category, class: messageClass },
    gradeVariable: riskGrade === null ? '' : `profile.${suitability.attribute}`,
    gradesAllowed: values.flatMap((value, code) => (allows(value) ? [code] : [])),
    unknownAllowed: suitability.whenUnknown >= (riskGrade ?? 0),
  }
}

/** Every category, class and channel that some offer has, each once. */
function kindsOf(model: Model): readonly (Pick<OfferModel, 'category' | 'class'> & { readonly channel: string })[] {
  const kinds = model.offers.flatMap(({ category, class: messageClass, channels }) =>
    channels.map(
      (channel) => [`${category}\0${messageClass}\0${channel}`, { category, class: messageClass, channel }] as const,
    ),
  )
  return [...new Map(kinds).values()]
}

function boundsOf(when: string, vocabulary: Vocabulary): Alternatives | null {
  return (
    possible(alternativesOf(when, vocabulary))?.map((conjunction) =>
      [...conjunction].map(([name, domain]): Alternatives[number][number] => [name, rangesOf(domain)]),
    ) ?? null
  )
}

function fieldBoundsOf(where: string, vocabulary: Vocabulary): FieldAlternatives | null {
  const alternatives = possible(alternativesOf(where, vocabulary))
  if (alternatives === null) return null
  const names = alternatives.flatMap((conjunction) => [...conjunction.keys()])
  if (!names.every((name) => name.startsWith('event.'))) return null
  return alternatives.map((conjunction) =>
    [...conjunction].map(([name, domain]): FieldAlternatives[number][number] => {
      const field = name.slice('event.'.length)
      if (domain.kind === 'strings') return [field, [...domain.values], domain.except ? 1 : 0, []]
      return [field, [], 0, rangesOf(domain)]
    }),
  )
}

function possible(alternatives: readonly Constraints[] | null): readonly Constraints[] | null {
  return alternatives?.filter((conjunction) => ![...conjunction.values()].some(isEmpty)) ?? null
}

function rangesOf(domain: Domain): Ranges {
  if (domain.kind === 'strings') return []
  return domain.ranges.map(({ low, high, lowOpen, highOpen }) => [
    Math.max(low, -unbounded),
    Math.min(high, unbounded),
    lowOpen && Number.isFinite(low) ? 1 : 0,
    highOpen && Number.isFinite(high) ? 1 : 0,
  ])
}
