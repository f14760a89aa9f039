import type { CompiledOffer, CompiledPack, CompiledSegments } from '../../../rules/compiled.ts'
import type { LearnedTable } from '../../../rules/learned-table.ts'

/** What is known of one offer, by segment. */
export type LearnedArms = {
  readonly segments: CompiledSegments
  /** Parameters of the Beta distribution of the success rate: prior and outcomes. */
  readonly a: Float64Array
  readonly b: Float64Array
  /** `model/segment`, as the record names them. */
  readonly names: readonly string[]
  readonly floor: number
}

/**
 * For each offer of the pack the posterior of its success rate by segment: Beta(prior + successes, prior + failures), the
 * conjugate of Bernoulli outcomes. Null for offers that learn nothing. Cells of the table for what the pack does not have count nowhere.
 */
export function learnedArms(pack: CompiledPack, table: LearnedTable | null): readonly (LearnedArms | null)[] {
  const cells = new Map(
    (table?.cells ?? []).map((cell) => [`${cell.model}\0${cell.offer}\0${cell.segment}`, cell] as const),
  )
  const [lowest, highest] = pack.loaded.model.arbitration.bounds.propensity
  return pack.offers.map((offer) => {
    const { learned } = offer
    if (learned === null) return null
    const { model, prior, segments } = learned
    const found = segments.names.map((segment) => cells.get(`${model}\0${offer.id}\0${segment}`))
    return {
      segments,
      a: Float64Array.from(found, (cell) => prior[0] + (cell?.successes ?? 0)),
      b: Float64Array.from(found, (cell) => prior[1] + (cell?.failures ?? 0)),
      names: segments.names.map((segment) => `${model}/${segment}`),
      floor: Math.min(Math.max(learned.floor, lowest), highest),
    }
  })
}

/** How many cells of a table the pack uses. */
export function cellsUsed(offers: readonly CompiledOffer[], table: LearnedTable): number {
  const known = new Set(
    offers.flatMap(({ id, learned }) =>
      (learned?.segments.names ?? []).map((segment) => `${learned?.model}\0${id}\0${segment}`),
    ),
  )
  return table.cells.filter((cell) => known.has(`${cell.model}\0${cell.offer}\0${cell.segment}`)).length
}
