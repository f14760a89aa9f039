/** Offers that can never win: on the only places where they could be shown another one always goes first. */
import { type Constraints, constraintsOf, implies } from '../cel/analyse.ts'
import { fits } from '../fits.ts'
import type { Model, OfferModel, PlacementModel } from '../model.ts'
import { holdsOffer, isAbout } from '../scope.ts'
import { termNames } from '../terms.ts'
import type { Checking } from './checking.ts'
import { covers, pairsMax } from './conflicts.ts'

/**
 * Refuses an offer when every placement that can show it has one slot, none is filled by a trigger, and another offer of
 * a stronger class, or of the same and a higher priority, fits them all, is eligible whenever it is, and is stopped by
 * nothing that does not stop it too.
 */
export function checkWinners(checking: Checking): void {
  const { model, refuse, plain } = checking
  const triggered = new Set(model.triggers.flatMap((trigger) => trigger.offers))
  const fallbacks = new Set(model.placements.map((placement) => placement.fallback))
  const rivals = model.offers
    .filter((offer) => !fallbacks.has(offer.id))
    .map((offer) => ({
      offer,
      when: offer.eligible === null ? (new Map() satisfies Constraints) : constraintsOf(offer.eligible, plain),
    }))
  let pairs = 0
  for (const [i, offer] of model.offers.entries()) {
    const places = model.placements.filter((placement) => fits(offer, placement))
    if (fallbacks.has(offer.id) || triggered.has(offer.id) || places.length === 0) continue
    if (!places.every((place) => place.direction === 'inbound' && place.slots === 1)) continue
    const own = rivals.find((rival) => rival.offer === offer)?.when ?? null
    if (own === null) continue
    const stronger = rivals.find(({ offer: rival, when }) => {
      pairs++
      return pairs <= pairsMax && when !== null && goesFirst(model, rival, offer, places) && implies(own, when)
    })
    if (stronger === undefined) continue
    const message = `The offer never wins: "${stronger.offer.id}" is eligible whenever it is and always goes first.`
    const spot = { file: 'offers.yaml', path: ['offers', i, 'id'], rule: offer.id } as const
    refuse('rule_shadowed', spot, `${message} Raise its priority, narrow the other one, or take it away.`, {
      counterexample: stronger.offer.id,
    })
  }
}

function goesFirst(model: Model, rival: OfferModel, offer: OfferModel, places: readonly PlacementModel[]): boolean {
  // What can run out leaves its place to others some time.
  if (
    rival === offer ||
    rival.takes.length > 0 ||
    !covers(rival, offer) ||
    !places.every((place) => fits(rival, place))
  )
    return false
  const { classes, nothing, bounds } = model.arbitration
  const rank = classes.indexOf(rival.class) - classes.indexOf(offer.class)
  if (rank > 0 || (rank === 0 && rival.priority <= offer.priority)) return false
  if (rival.riskGrade !== null && (offer.riskGrade === null || rival.riskGrade > offer.riskGrade)) return false
  if (rival.class === 'marketing' && leastScore(rival, bounds) < nothing) return false
  return places.every((place) => {
    const { channel } = place
    const contact = [...model.caps, ...model.gaps, ...model.pauses, ...model.quietHours]
    return (
      model.guardrails.every(
        ({ closes }) => !holdsOffer(closes, rival, channel) || holdsOffer(closes, offer, channel),
      ) && contact.every(({ applies }) => !isAbout(applies, rival, channel) || isAbout(applies, offer, channel))
    )
  })
}

/** A score that an offer has at least: an expression counts as the lowest it may give. */
function leastScore(offer: OfferModel, bounds: Model['arbitration']['bounds']): number {
  return termNames.reduce((product, name) => {
    const term = offer[name]
    return product * (typeof term === 'number' ? term : bounds[name][0])
  }, 1)
}
