/**
 * Prices of offers: which kinds there are, in which units, how far they may go. What a price may depend on is what the pack publishes
 * (`pricing.mayDependOn`); `check/prices.ts` holds it to that.
 */

/** `rate`: a share a year. `multiplier`: a factor. `discount`: a share taken off. `fee`: an amount. Shares are decimal numbers: 0.0185 is 1.85 %. */
export const priceKinds = ['rate', 'multiplier', 'discount', 'fee'] as const
export type PriceKind = (typeof priceKinds)[number]

/** Lowest and highest value of each kind; fees in minor units of the pack's currency. */
export const priceLimits: { readonly [kind in PriceKind]: readonly [number, number] } = {
  rate: [0, 1],
  multiplier: [0, 100],
  discount: [0, 1],
  fee: [0, 1_000_000_000_000],
}

/** Most prices of an offer. */
export const pricesMax = 8
/** Most attributes and features that prices may depend on. */
export const pricingMax = 64

/** A price of an offer. */
export type PriceModel = {
  readonly id: string
  readonly kind: PriceKind
  /** A constant (a fee in minor units), or CEL over features and profile: of type money for a fee, else of type double. */
  readonly value: number | string
  /** What holds while something that `value` reads is not known exactly, or it gives no number within the limits; null: it reads nothing. */
  readonly otherwise: number | null
}

/** Names of attributes (`profile.x`) and features that prices may depend on. */
export type PricingModel = { readonly mayDependOn: readonly string[] }

/** Whether a number may be a price of the kind. NaN and the infinite may not. */
export function isPrice(kind: PriceKind, value: number): boolean {
  const [lowest, highest] = priceLimits[kind]
  return value >= lowest && value <= highest
}
