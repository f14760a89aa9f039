/** Holdouts hold something back: one that matches no marketing measures nothing, and looks as if it did. */
import { fits } from '../fits.ts'
import { heldBackBy } from '../scope.ts'
import type { Checking } from './checking.ts'

export function checkHoldouts({ model, refuse }: Checking): void {
  for (const [i, holdout] of model.holdouts.entries()) {
    const holds = model.offers.some((offer) =>
      model.placements.some((placement) => fits(offer, placement) && heldBackBy(holdout, offer, placement)),
    )
    if (holds) continue
    const where = holdout.inbound === 'open' ? 'any outbound placement' : 'any placement'
    const message = `The holdout holds nothing back: no marketing offer on ${where} matches it. Correct "applies".`
    refuse('reference_dead', { file: 'arbitration.yaml', path: ['holdouts', i, 'applies'], rule: holdout.id }, message)
  }
}
