/** Which offers a placement can show. */
import type { OfferModel, PlacementModel } from './model.ts'

/** Whether an offer fits a placement: it is meant for its channel and has a content type it takes. */
export function fits(offer: OfferModel, placement: PlacementModel): boolean {
  return offer.channels.includes(placement.channel) && placement.contentTypes.includes(offer.contentType)
}
