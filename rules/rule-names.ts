/** Names of the rules of a pack that can be quarantined, one by one. */
import type { Model } from './model.ts'

/**
 * What a rule is: a guardrail with its suppression, an offer with its terms and segment, a trigger; and what feeds them, an
 * attribute or a feature with its filters. Features with one event, filter and value have one filter, that of the first of them.
 */
export const ruleKinds = ['guardrail', 'allow', 'offer', 'trigger', 'attribute', 'feature'] as const
export type RuleKind = (typeof ruleKinds)[number]

/** `guardrail:no-credit`: what metrics, logs and commands call a rule. */
export function ruleName(kind: RuleKind, id: string): string {
  return `${kind}:${id}`
}

/** All of them, always in the same order: the place of a name, from 1, is the rule's number. */
export function ruleNames(model: Model): readonly string[] {
  const { guardrails, allows, offers, triggers, attributes, features } = model
  const rules = {
    guardrail: guardrails,
    allow: allows,
    offer: offers,
    trigger: triggers,
    attribute: attributes,
    feature: features,
  }
  return ruleKinds.flatMap((kind) => rules[kind].map(({ id }) => ruleName(kind, id)))
}
