/** Rules against each other: what can never happen because another rule is in the way, or never matters. */
import { type Constraints, constraintsOf, implies, neverTrue, overlaps } from '../cel/analyse.ts'
import { type EffectiveModel, sameWindow } from '../effective.ts'
import type { GuardrailModel, OfferModel, TriggerModel } from '../model.ts'
import { holdsOffer } from '../scope.ts'
import type { Checking, CompiledConditions, Spot } from './checking.ts'

/** Most pairs of rules that are compared; beyond it the rest are not, so that a huge pack still loads in seconds. */
export const pairsMax = 1_000_000

const free: Constraints = new Map()

export function checkConflicts(checking: Checking, conditions: CompiledConditions): void {
  const eligible = checking.model.offers.map((offer) => constraints(checking, offer.eligible, null))
  checkNeverMade(checking, conditions, eligible)
  checkTriggerOffers(checking, eligible)
  checkShadowedTriggers(checking)
}

function constraints(checking: Checking, source: string | null, event: string | null): Constraints | null {
  if (source === null) return free
  return constraintsOf(source, event === null ? checking.plain : checking.on(event))
}

/** Offers that a guardrail or the suitability table always stops. */
function checkNeverMade(
  checking: Checking,
  conditions: CompiledConditions,
  eligible: readonly (Constraints | null)[],
): void {
  const { model, refuse } = checking
  const guardrails = model.guardrails.map((guardrail) => ({
    guardrail,
    always:
      guardrail.effective === undefined && guardrail.when !== null && neverTrue(`!(${guardrail.when})`, checking.plain),
    // Where a role may open it the offer can be made after all.
    when:
      guardrail.when === null || guardrail.override !== 'never' || guardrail.effective !== undefined
        ? null
        : constraints(checking, guardrail.when, null),
  }))
  for (const [i, { guardrail, always }] of guardrails.entries()) {
    if (!always) continue
    const message = 'The condition of the guardrail is always true, so it is closed for everybody. Correct it.'
    const spot: Spot = { file: 'guardrails.yaml', path: ['guardrails', i, 'when'], rule: guardrail.id }
    refuse('guardrail_always', spot, message, { counterexample: `any customer: ${guardrail.when}` })
  }
  for (const [i, offer] of model.offers.entries()) {
    const own = eligible[i] ?? null
    const spot: Spot = { file: 'offers.yaml', path: ['offers', i, 'id'], rule: offer.id }
    const blocker = guardrails.find(
      ({ guardrail, always, when }) =>
        holdsEverywhere(guardrail, offer) && (always || (own !== null && when !== null && implies(own, when))),
    )
    if (blocker !== undefined) {
      const message = `The offer can never be made: whoever is eligible is stopped by the guardrail "${blocker.guardrail.id}".`
      refuse('rule_conflict', spot, `${message} Change one of the two.`, {
        counterexample: `${offer.eligible ?? 'anybody'}; ${blocker.guardrail.when}`,
      })
    }
    if (offer.riskGrade !== null && !someoneMayBuy(checking, conditions, i, offer.riskGrade)) {
      const message = `The offer can never be made: its risk grade R${offer.riskGrade} is above what anybody it is meant for may buy.`
      refuse(
        'rule_conflict',
        { ...spot, path: ['offers', i, 'riskGrade'] },
        `${message} Correct the grade or "eligible".`,
        { counterexample: `R${offer.riskGrade}` },
      )
    }
  }
}

function holdsEverywhere(guardrail: GuardrailModel, offer: OfferModel): boolean {
  return offer.channels.every((channel) => holdsOffer(guardrail.closes, offer, channel))
}

/** Whether a customer of some risk grade that allows the product may be eligible, everything else being open. */
function someoneMayBuy(checking: Checking, conditions: CompiledConditions, offer: number, grade: number): boolean {
  const { attribute, allows, whenUnknown } = checking.model.suitability
  const index = checking.model.attributes.findIndex((candidate) => candidate.id === attribute)
  const values = checking.model.attributes[index]?.values ?? []
  const condition = conditions.eligible[offer] ?? null
  const lo = new Float64Array(checking.variables.length).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(checking.variables.length).fill(Number.POSITIVE_INFINITY)
  const may = (): boolean => condition === null || condition.may(lo, hi, null)
  if (whenUnknown >= grade && may()) return true
  return values.some((value, code) => {
    if (index < 0 || (allows[value] ?? whenUnknown) < grade) return false
    lo[index] = code
    hi[index] = code
    return may()
  })
}

/** Triggers whose condition excludes that of an offer they propose. */
function checkTriggerOffers(checking: Checking, eligible: readonly (Constraints | null)[]): void {
  const { model, refuse } = checking
  const positions = new Map(model.offers.map((offer, i) => [offer.id, i]))
  for (const [i, trigger] of model.triggers.entries()) {
    const when = constraints(checking, trigger.when, trigger.on)
    if (when === null) continue
    for (const [j, id] of trigger.offers.entries()) {
      const own = eligible[positions.get(id) ?? -1] ?? null
      if (own === null || overlaps(when, own)) continue
      const message = `Whenever the trigger fires, "${id}" is not eligible: their conditions exclude each other.`
      const spot: Spot = { file: 'triggers.yaml', path: ['triggers', i, 'offers', j], rule: trigger.id }
      refuse('rule_conflict', spot, `${message} Change one of the two.`, {
        counterexample: `${trigger.when}; ${model.offers[positions.get(id) ?? -1]?.eligible}`,
      })
    }
  }
}

/** A trigger that adds nothing: an earlier one fires whenever it does, and proposes the same or more. */
function checkShadowedTriggers(checking: Checking): void {
  const { model, refuse } = checking
  const earlierByOffer = new Map<string, { trigger: TriggerModel; when: Constraints }[]>()
  let pairs = 0
  for (const [i, trigger] of model.triggers.entries()) {
    const when = constraints(checking, trigger.when, trigger.on)
    if (when === null) continue
    const key = (offer: string): string => `${trigger.on}\0${trigger.placement}\0${offer}`
    const candidates = earlierByOffer.get(key(trigger.offers[0] ?? '')) ?? []
    const stronger = candidates.find((earlier) => {
      pairs++
      return (
        pairs <= pairsMax &&
        covers(earlier.trigger, trigger) &&
        earlier.trigger.freshnessMs >= trigger.freshnessMs &&
        trigger.offers.every((offer) => earlier.trigger.offers.includes(offer)) &&
        implies(when, earlier.when)
      )
    })
    if (stronger !== undefined) {
      const message = `The trigger "${stronger.trigger.id}" fires whenever this one does and proposes the same offers.`
      const spot: Spot = { file: 'triggers.yaml', path: ['triggers', i, 'id'], rule: trigger.id }
      refuse('rule_shadowed', spot, `${message} Take this one away or make them different.`, {
        counterexample: stronger.trigger.id,
      })
    }
    for (const offer of trigger.offers) {
      const list = earlierByOffer.get(key(offer))
      if (list === undefined) earlierByOffer.set(key(offer), [{ trigger, when }])
      else list.push({ trigger, when })
    }
  }
}

/** Whether a rule is in effect whenever another one is, as far as it shows: it always is, or both have one window. */
export function covers(
  outer: { readonly effective?: EffectiveModel | undefined },
  inner: { readonly effective?: EffectiveModel | undefined },
): boolean {
  return outer.effective === undefined || sameWindow(outer.effective, inner.effective)
}
