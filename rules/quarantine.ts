/** A pack of which some rules are not asked any more. */
import type {
  CompiledAllow,
  CompiledGuardrail,
  CompiledOffer,
  CompiledPack,
  CompiledTrigger,
  Condition,
  Layout,
  TypePlan,
} from './compiled.ts'
import { ruleName } from './rule-names.ts'

/**
 * The pack with rules taken out of service, by name (`rule-names.ts`). None of their code is called. A guardrail closes, and nobody
 * opens it; an allow opens nothing; an offer is not eligible; a trigger proposes nothing. An attribute is cleared by whatever could
 * set it. Events that the filter of a feature would be asked about are refused, so that nothing is counted wrongly: no feature over
 * events of that type is complete then, and every rule that reads one of them is out of service. All of it is data of the pack: the same state, input, pack and rules give the
 * same step. Names that the pack does not have do nothing.
 */
export function withQuarantine(pack: CompiledPack, rules: ReadonlySet<string>): CompiledPack {
  if (rules.size === 0) return pack
  const series = seriesOut(pack.layout, rules)
  const unread = new Set(pack.layout.features.filter((one) => series.has(one.series)).map(({ variable }) => variable))
  const isOut = (name: string, reads: readonly number[]): boolean =>
    rules.has(name) || reads.some((variable) => unread.has(variable))
  const triggers = pack.triggers.map((one) => silent(one, isOut))
  return {
    ...pack,
    guardrails: pack.guardrails.map((one) => closed(one, isOut)),
    allows: pack.allows.map((one) => shut(one, isOut)),
    offers: pack.offers.map((one) => withdrawn(one, isOut)),
    triggers,
    types: new Map(
      Array.from(pack.types, ([type, plan]) => [type, planWithout(pack, plan, { rules, series, triggers })]),
    ),
  }
}

type IsOut = (name: string, reads: readonly number[]) => boolean

const always: Condition = { must: () => true, may: () => true, reads: [], source: 'true' }
const never: Condition = { must: () => false, may: () => false, reads: [], source: 'false' }

/** The series, by index, that get no entry: all over a type of event that the filter of a quarantined feature would be asked about. */
function seriesOut({ series, features }: Layout, rules: ReadonlySet<string>): ReadonlySet<number> {
  const named = features.filter(({ model }) => rules.has(ruleName('feature', model.id)))
  const refused = new Set(named.map((one) => series[one.series]?.event))
  return new Set(series.flatMap(({ event }, index) => (refused.has(event) ? [index] : [])))
}

function closed(guardrail: CompiledGuardrail, isOut: IsOut): CompiledGuardrail {
  if (!isOut(ruleName('guardrail', guardrail.id), guardrail.condition?.reads ?? [])) return guardrail
  return { ...guardrail, reason: 'rule_quarantined', condition: always, override: null, window: null }
}

function shut(allow: CompiledAllow, isOut: IsOut): CompiledAllow {
  return isOut(ruleName('allow', allow.id), allow.condition?.reads ?? []) ? { ...allow, condition: never } : allow
}

function withdrawn(offer: CompiledOffer, isOut: IsOut): CompiledOffer {
  const terms = Object.values(offer.terms).flatMap(({ reads }) => reads)
  const prices = offer.prices.flatMap((price) => price.reads)
  const reads = [...(offer.eligible?.reads ?? []), ...terms, ...prices, ...(offer.learned?.segments.reads ?? [])]
  if (!isOut(ruleName('offer', offer.id), reads)) return offer
  return { ...offer, eligible: never, quarantined: true }
}

function silent(trigger: CompiledTrigger, isOut: IsOut): CompiledTrigger {
  if (!isOut(ruleName('trigger', trigger.id), trigger.condition?.reads ?? [])) return trigger
  return { ...trigger, condition: never, quarantined: true }
}

function planWithout(
  pack: CompiledPack,
  plan: TypePlan,
  out: {
    readonly rules: ReadonlySet<string>
    readonly series: ReadonlySet<number>
    readonly triggers: readonly CompiledTrigger[]
  },
): TypePlan {
  const { rules, series, triggers } = out
  const unheard = plan.triggerIndex.flatMap((index, rule) => (triggers[index]?.quarantined === true ? [rule] : []))
  return {
    ...plan,
    refused: plan.series.some((one) => series.has(one.series)),
    series: plan.series.map((one) => (series.has(one.series) ? { ...one, where: () => false } : one)),
    attributes: plan.attributes.map((one) => {
      const { id = '' } = pack.layout.attributes[one.attribute] ?? {}
      if (!rules.has(ruleName('attribute', id))) return one
      return { ...one, where: null, read: () => Number.NaN, clears: () => true }
    }),
    suppressions: plan.suppressions.map((one) => {
      if (!rules.has(ruleName('guardrail', pack.guardrails[one.guardrail]?.id ?? ''))) return one
      return { ...one, where: one.forMs > 0 ? null : () => false }
    }),
    triggers: unheard.length === 0 ? plan.triggers : plan.triggers.without(new Set(unheard)),
  }
}
