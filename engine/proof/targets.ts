/** What can leave where: the offers of each placement, together as far as the final gate treats them alike. */
import type { CompiledOffer, CompiledPack, CompiledPlacement } from '../../rules/compiled.ts'
import { holdsOffer, opensOffer } from '../../rules/scope.ts'
import type { FunnelTables, GateRules } from '../step/funnel/tables.ts'
import type { AllowText, GuardrailText, RuleTexts } from './rule-texts.ts'

/** Offers of the same categories (of the offer and its parts), class and risk grade on one placement, under one list of the gate. */
export type Target = {
  readonly placement: CompiledPlacement
  readonly offers: readonly [CompiledOffer, ...CompiledOffer[]]
  /** The guardrails and allows whose scope holds them, matched anew from the pack as its author wrote it. */
  readonly guardrails: readonly GuardrailText[]
  readonly allows: readonly AllowText[]
}

/**
 * Every offer on every placement whose channel it is meant for; its content type is a matter of looks and not asked about.
 * Offers are together when they are the same to the gate: the same list object and the same model as far as it reads it.
 */
export function targetsOf(pack: CompiledPack, tables: FunnelTables, texts: RuleTexts): readonly Target[] {
  const lists = new Map<GateRules | undefined, number>()
  const numberOf = (rules: GateRules | undefined): number => {
    const known = lists.get(rules) ?? lists.size
    lists.set(rules, known)
    return known
  }
  const groups = new Map<string, { placement: CompiledPlacement; offers: [CompiledOffer, ...CompiledOffer[]] }>()
  for (const placement of pack.placements) {
    for (const offer of pack.offers) {
      if (!offer.model.channels.includes(placement.channel)) continue
      const list = numberOf(tables.placements[placement.index]?.gate[offer.index])
      const { categories, class: messageClass, riskGrade } = offer.model
      const key = [placement.id, list, [...categories].sort().join('+'), messageClass, riskGrade].join('\0')
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { placement, offers: [offer] })
      else group.offers.push(offer)
    }
  }
  return [...groups.values()].map(({ placement, offers }) => {
    const { model: offer } = offers[0]
    const { channel } = placement
    return {
      placement,
      offers,
      guardrails: texts.guardrails.filter(({ model }) => holdsOffer(model.closes, offer, channel)),
      allows: texts.allows.filter(({ model }) => opensOffer(model.opens, offer, channel)),
    }
  })
}
