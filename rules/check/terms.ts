/** Terms of the score: the bounds of the pack lie within what a term may ever be, and what the pack writes out lies within them. */
import { numbersOf, termLimits, termNames } from '../terms.ts'
import type { Checking, Spot } from './checking.ts'

export function checkTerms({ model, refuse }: Checking): void {
  const { bounds } = model.arbitration
  for (const name of termNames) {
    const [lowest, highest] = bounds[name]
    const [least, most] = termLimits[name]
    if (lowest >= least && lowest <= highest && highest <= most) continue
    const message = `The bounds of ${name} are [${lowest}, ${highest}]. Write a lowest and a highest value within ${least} and ${most}.`
    const spot: Spot = { file: 'arbitration.yaml', path: ['arbitration', 'bounds', name], rule: 'arbitration' }
    refuse('term_out_of_bounds', spot, message)
  }
  for (const [i, offer] of model.offers.entries()) {
    for (const name of termNames) {
      const [lowest, highest] = bounds[name]
      const beyond = numbersOf(offer[name]).find((value) => value < lowest || value > highest)
      if (beyond === undefined) continue
      const message = `The ${name} ${beyond} is beyond the bounds [${lowest}, ${highest}]. Correct it, or widen the bounds in arbitration.yaml.`
      refuse('term_out_of_bounds', { file: 'offers.yaml', path: ['offers', i, name], rule: offer.id }, message)
    }
  }
}
