/** The file of the contact policy as people write it. */
import { z } from 'zod'
import { effective } from './effective-file.ts'
import { contactScope, duration, list, ruleId, text } from './file-pieces.ts'

const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day in quotes: "21:00"')
  .describe('A time of day in quotes: "21:00"')
const quietInstead = z
  .union([z.enum(['hold', 'drop']), z.strictObject({ switch: z.string().min(1).describe('An outbound placement') })], {
    error: 'must be hold, drop, or switch with a placement',
  })
  .describe('hold: until the hours are over, and all is looked at again; drop; switch: to another outbound placement')

export const contactFile = z.strictObject({
  caps: list(
    z.strictObject({
      id: ruleId,
      limit: z.int().min(0).max(1_000),
      per: duration,
      applies: contactScope,
      effective,
      text,
    }),
    1_000,
  ),
  gaps: list(
    z.strictObject({
      id: ruleId,
      least: duration.describe('Least time between two contacts'),
      after: contactScope
        .nullable()
        .default(null)
        .describe('The earlier contact; left out: of the same kind as the later one'),
      applies: contactScope.describe('The later contact'),
      text,
    }),
    1_000,
  )
    .default([])
    .describe('Least time between contacts, of one kind or of two: after this never that'),
  pauses: list(
    z.strictObject({
      id: ruleId,
      ignored: z.int().min(1).max(20).describe('So many contacts that were not answered'),
      within: duration.describe('within this time'),
      answer: duration.describe('How long a customer has to answer: to click, accept or dismiss'),
      for: duration.describe('How long there is rest then'),
      applies: contactScope,
      text,
    }),
    200,
  )
    .default([])
    .describe('Rest for customers who do not react'),
  quietHours: list(
    z.strictObject({
      id: ruleId,
      from: clockTime.describe('Local time of the customer, such as 21:00; this minute is quiet'),
      to: clockTime.describe('Local time of the customer, such as 08:00; this minute is not'),
      applies: contactScope,
      instead: quietInstead,
      text,
    }),
    50,
  )
    .default([])
    .describe('Hours in which customers are not disturbed'),
  releaseSpread: duration.default('15m').describe('What was held leaves spread over this time'),
  zones: z
    .strictObject({
      attribute: z.string().min(1).nullable().default(null).describe('An enum attribute of IANA zones'),
      region: z
        .strictObject({
          attribute: z.string().min(1).describe('An enum attribute of regions'),
          zones: z.record(z.string().min(1), z.string().min(1)).describe('The IANA zone of each region'),
        })
        .nullable()
        .default(null),
    })
    .default({ attribute: null, region: null })
    .describe('Whose clock counts: the attribute, else the region, else the zone of the pack'),
})
