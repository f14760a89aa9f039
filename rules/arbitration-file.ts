/** The file of suitability, arbitration, holdouts and what is learned, as people write it. */
import { z } from 'zod'
import { duration, eventName, holdoutScope, list, messageClass, ruleId } from './file-pieces.ts'
import { type TermName, termLimits } from './terms.ts'

/** Most holdouts a pack may have: the funnel keeps a customer's in the bits of a number. */
export const holdoutsMax = 30
/** Most channels a pack may have. */
export const channelsMax = 100
const bounds = (name: TermName) =>
  z
    .tuple([z.number(), z.number()])
    .default([...termLimits[name]])
    .describe(`Lowest and highest ${name} of any offer; what an expression gives beyond them is cut off`)

/** Most models a pack may have. */
export const modelsMax = 100

export const arbitrationFile = z.strictObject({
  suitability: z.strictObject({
    attribute: z.string().min(1).describe('The enum attribute that holds the risk grade of the customer'),
    allows: z.record(z.string(), z.int().min(0).max(5)).describe('Highest product grade for each of its values'),
    whenUnknown: z.int().min(0).max(5).describe('Highest product grade when it is not known'),
  }),
  arbitration: z.strictObject({
    classes: z.array(messageClass).length(3).describe('Strongest first'),
    nothing: z.number().nonnegative().describe('Score of saying nothing: an offer below it is not made'),
    bounds: z
      .strictObject({
        propensity: bounds('propensity'),
        context: bounds('context'),
        value: bounds('value'),
        lever: bounds('lever'),
      })
      .prefault({})
      .describe('Within which the terms of the score stay'),
  }),
  holdouts: list(
    z.strictObject({
      id: ruleId.describe('Part of the hash that chooses the members: another id is another draw'),
      percent: z.number().positive().max(50).describe('Share of the customers that belong to it'),
      applies: holdoutScope,
      inbound: z
        .enum(['open', 'closed'])
        .default('open')
        .describe('open: members still see the offers where an app asks for them; closed: nowhere'),
    }),
    holdoutsMax,
  )
    .default([])
    .describe('Customers who get no marketing of a scope, so that its effect can be measured'),
  models: list(
    z.strictObject({
      id: ruleId,
      outcome: eventName.describe(
        'The event that makes an offer a success; it names the decision, as offer.accepted does',
      ),
      window: duration.describe('Without it for so long, the offer was a failure'),
    }),
    modelsMax,
  )
    .default([])
    .describe('What learned propensities are learned from'),
  fatigue: list(
    z.strictObject({
      id: ruleId,
      channel: z.string().min(1).describe('A channel that counts as a contact'),
      opened: eventName.describe(
        'The event that says a message was opened; it names the decision, as offer.clicked does',
      ),
      within: duration.describe('A message that is not opened for so long was not opened'),
      recent: duration.describe('The time that is looked at'),
      baseline: duration.describe('The time before it, which it is compared with'),
      collapse: z
        .number()
        .positive()
        .max(1)
        .default(0.5)
        .describe('The share of the earlier rate below which it is tired'),
      pass: z.number().min(0).max(1).describe('The share of marketing that still goes out there then'),
    }),
    channelsMax,
  )
    .default([])
    .describe('When customers stop opening what comes on a channel, less is sent there, see `proffer learn`'),
})
