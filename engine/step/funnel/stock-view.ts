/** What a run knows of resources, and what it has to say of them. */

/**
 * What is known of resources when a batch is stepped: data of its input, so that the step asks nobody. A hint may be old; what was
 * answered to a reservation is what counts.
 */
export type StockInput = {
  /** Units left of each resource of the pack, in its order; NaN: not known. What is in `kept` is taken off already. */
  readonly left: readonly number[]
  /** Claims that were reserved when the batch was stepped before. */
  readonly kept: ReadonlySet<string>
  /** Claims that were refused then, with the resource that was short. */
  readonly refused: ReadonlyMap<string, Short>
}

/** A resource that has too little, by index; `left` NaN: it is not known how much. */
export type Short = { readonly resource: number; readonly left: number }

/** The same while a batch is stepped; `left` falls as its decisions take. */
export type StockView = { readonly left: Float64Array; kept: StockInput['kept']; refused: StockInput['refused'] }

/** What is known when nobody was asked: nothing. */
export const nothingKnown: Pick<StockInput, 'kept' | 'refused'> = { kept: new Set(), refused: new Map() }

/** What has to become of reserved units once the commit is applied. Idempotent by `id`. */
export type Settlement = {
  /** `confirm`: taken for good. `lapse`: given back. */
  readonly kind: 'confirm' | 'lapse'
  readonly resource: string
  /** Name of the claim. */
  readonly id: string
  /** Whole units, 1 or more. */
  readonly amount: number
}
