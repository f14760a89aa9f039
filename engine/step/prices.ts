import type { CompiledOffer } from '../../rules/compiled.ts'
import type { PriceGiven } from '../../sinks/decision.ts'
import { type Frame, frameOf } from './funnel/frames.ts'
import type { FunnelRun } from './funnel/run.ts'

const noPrices: readonly PriceGiven[] = Object.freeze([])
const noFrame: Frame = { lo: new Float64Array(0), hi: new Float64Array(0) }

/**
 * The prices of what the run chose and of the fallback, as they are now: for each offer from the frame that what opens it reads, so that
 * data that may not be used for it prices nothing. The frame must hold the reads of the offers.
 */
export function pricesOf(run: FunnelRun, fallback: CompiledOffer | undefined): readonly PriceGiven[] {
  if (!run.tables.pricesAny) return noPrices
  const given: PriceGiven[] = []
  for (const { offer } of run.chosen) if (offer.prices.length > 0) addPrices(given, offer, frameOf(run, offer))
  if (fallback !== undefined) given.push(...constantPrices(fallback))
  return given.length === 0 ? noPrices : given
}

/** The prices of an offer that is the same for everybody, such as a fallback. */
export function constantPrices(offer: CompiledOffer): readonly PriceGiven[] {
  if (offer.prices.length === 0) return noPrices
  const given: PriceGiven[] = []
  addPrices(given, offer, noFrame)
  return given
}

function addPrices(given: PriceGiven[], { id, prices }: CompiledOffer, { lo, hi }: Frame): void {
  for (const { id: price, kind, value, otherwise } of prices) {
    const worked = value(lo, hi)
    const known = !Number.isNaN(worked)
    given.push({ offer: id, price, kind, value: known ? worked : otherwise, known })
  }
}
