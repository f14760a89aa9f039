/** What there is only so much of, as people write it in offers.yaml. */
import { z } from 'zod'
import { duration, list, ruleId, text } from './file-pieces.ts'

/** Most resources a pack may have: all are looked at for each batch. */
export const resourcesMax = 200
/** Most resources an offer may take of. */
export const takesMax = 8
/** Most units of a resource: so that sums of them stay exact everywhere. */
export const unitsMax = 1_000_000_000_000
/** Of an offer: what it takes. */
export const takes = list(
  z.strictObject({
    resource: z.string().min(1).describe('A resource of this file'),
    amount: z.int().min(1).max(unitsMax).default(1).describe('Units, each time the offer is made'),
  }),
  takesMax,
)
  .default([])
  .describe('What it takes of resources; the offer is made when all of it is there')

/** Of an offer: for once a customer. */
export const oncePer = duration
  .nullable()
  .default(null)
  .describe('A customer who accepted it is not offered it again for so long')

/** Of the file: the resources of the pack. */
export const resources = list(
  z.strictObject({
    id: ruleId.describe('Its name in the store: another id is another stock'),
    kind: z
      .enum(['stock', 'budget'])
      .describe('stock: pieces that can be sold out; budget: points or money that can be spent'),
    units: z.int().min(0).max(unitsMax).describe('How many there are for all customers together, since it began'),
    takenBy: z
      .enum(['accepting', 'offering'])
      .default('accepting')
      .describe('What takes units for good: that the customer accepts, or already that the offer is made'),
    grace: duration
      .default('5m')
      .describe(
        'Units are kept for the customer so long behind the end of the offer, as an acceptance takes time to arrive',
      ),
    text: text.describe('What there is only so much of, in words'),
  }),
  resourcesMax,
)
  .default([])
  .describe('What there is only so much of, for all customers together')
