/** Where schema ids have their meaning from, as it is sent to the history process. */
import { z } from 'zod'
import type { SchemaPlace } from '../codecs.ts'

export const schemaPlace: z.ZodType<SchemaPlace> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('own') }),
  z.object({
    kind: z.literal('registry'),
    url: z.string(),
    authorization: z.string().nullable(),
    eventIds: z.record(z.string(), z.number()),
    decisionId: z.number(),
  }),
])
