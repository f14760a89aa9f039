/** Prices of offers as people write them, and from there to the model. */
import { z } from 'zod'
import { condition, list, money, ruleId } from './file-pieces.ts'
import { type PriceModel, pricesMax, pricingMax } from './price-model.ts'
import { moneyMinor } from './quantities.ts'

const id = ruleId.describe('Its name within the offer')
const otherwiseWords =
  'For whom something that "value" reads is not known exactly; needed as soon as it reads anything, the same for all of them'

const share = z.strictObject({
  id,
  kind: z
    .enum(['rate', 'multiplier', 'discount'])
    .describe('rate: a share a year; multiplier: a factor; discount: a share taken off. 0.0185 is 1.85 %'),
  value: z
    .union([z.number(), condition], { error: 'must be a number, or a CEL expression of type double' })
    .describe('A number, or a CEL expression of type double over what pricing.mayDependOn of pack.yaml names'),
  otherwise: z.number().nullable().default(null).describe(otherwiseWords),
})

const fee = z.strictObject({
  id,
  kind: z.literal('fee').describe('An amount in the currency of the pack'),
  value: condition.describe('An amount in quotes ("5.00"), or a CEL expression of type money such as money("5.00")'),
  otherwise: money.nullable().default(null).describe(otherwiseWords),
})

const price = z.discriminatedUnion('kind', [share, fee], {
  error: 'must have a kind: rate, multiplier, discount or fee',
})

/** Of an offer: its prices. */
export const prices = list(price, pricesMax).default([]).describe('What it costs or gives, told with the offer')

/** Of pack.yaml: what prices may depend on. */
export const pricing = z
  .strictObject({
    mayDependOn: list(z.string().min(1).max(72), pricingMax).describe(
      'Attributes (profile.x) and features that prices may depend on; whatever else one reads refuses the pack',
    ),
  })
  .optional()
  .describe('What the prices of offers may depend on; left out: on nothing')

/** A price in the units of the model. */
export function priceOf({ id, kind, value, otherwise }: z.output<typeof price>): PriceModel {
  if (kind !== 'fee') return { id, kind, value, otherwise }
  return { id, kind, value: moneyMinor(value) ?? value, otherwise: otherwise === null ? null : moneyMinor(otherwise) }
}
