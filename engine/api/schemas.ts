/**
 * Bodies and answers of the API as schemas: what is checked, what `/openapi.json` shows, one source for both.
 */
import { z } from 'zod'
import { appReasons } from '../../rules/disclosures.ts'
import { packFilesSchema } from '../../rules/pack-texts.ts'
import { erasureGrounds } from '../erasure/customer-erasure.ts'
import { permitReasons } from '../step/permit.ts'

/** A customer id. */
export const customerId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/, 'customerId is 1 to 64 characters of A-Z a-z 0-9 . _ : -')
  .describe('The bank’s pseudonym of the customer.')

/** A customer id, or an alias that is resolved to one. */
export const customerName = z
  .string()
  .regex(
    /^([A-Za-z0-9._:-]{1,64}|@[a-z][a-z0-9_]{0,15}:[!-~]{1,128})$/,
    'a customer is an id, 1 to 64 characters of A-Z a-z 0-9 . _ : -, or an alias, @kind:value',
  )
  .describe('The bank’s pseudonym of the customer, or an alias of the customer such as @device:7f3a.')

/** A position token, `p<partition>-<offset>`. */
export const positionText = z
  .string()
  .regex(/^p\d{1,4}-\d{1,16}$/, 'a position looks like p3-1042')
  .describe('Position of an event in the log, as POST /v1/events gave it.')

export const decisionBody = z.strictObject({
  customerId: customerName,
  placement: z.string().min(1).max(64).describe('Id of an inbound placement of the rule pack.'),
  count: z.int().min(1).max(20).optional().describe('How many offers are wanted; the placement’s slots at most.'),
  requestId: z
    .string()
    .min(1)
    .max(128)
    .refine((text) => text.isWellFormed(), 'a request id is well-formed Unicode')
    .optional()
    .describe('Idempotency key: the same id gets the same answer for ten minutes. Made up when absent.'),
  personalised: z
    .boolean()
    .optional()
    .describe('False: the answer reads nothing that is known of the customer. Default true.'),
  deadlineMs: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Longest wait in milliseconds; later the placement answers its fallback and says so.'),
  after: positionText.optional(),
})

export const cloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).max(128),
    source: z.string().min(1).max(64),
    type: z.string().describe('An event type, such as card.purchase.'),
    subject: customerName,
    time: z.string().describe('RFC 3339.'),
    data: z.looseObject({}),
  })
  .describe('A CloudEvents 1.0 event in structured JSON.')

export const eventsBody = z.union([cloudEvent, z.array(cloudEvent)])

export const eventsAnswer = z.strictObject({
  received: z.int(),
  accepted: z.int().describe('Counted and committed.'),
  duplicates: z.int().describe('Same source and id as an event that was counted before.'),
  deadLettered: z.int().describe('Refused and kept with the reason.'),
  pending: z.int().describe('Safely in the log, not yet committed when the deadline passed (202).'),
  events: z.array(
    z.strictObject({
      status: z.enum(['accepted', 'duplicate', 'dead_lettered', 'pending']),
      position: positionText.nullable(),
      reason: z.string().nullable(),
      field: z.string().nullable(),
      deadLetterId: z.string().nullable(),
    }),
  ),
})

const text = z.strictObject({ en: z.string(), zh: z.string() })

const price = z.union([
  z.strictObject({
    id: z.string(),
    kind: z.enum(['rate', 'multiplier', 'discount']),
    value: z.number().describe('A decimal number: 0.0185 is 1.85 %. A rate is a share a year.'),
  }),
  z.strictObject({
    id: z.string(),
    kind: z.literal('fee'),
    amount: z.string().describe('With two decimals, such as 5.00.'),
    currency: z.string(),
  }),
])

export const decisionAnswer = z.strictObject({
  decisionId: z.string(),
  requestId: z.string(),
  placement: z.string(),
  outcome: z.enum(['offered', 'fallback', 'none']),
  reason: z
    .enum(appReasons)
    .describe(
      'Why a fallback; `offered` otherwise. `not_available` for all that concerns the customer: why is in the record, for the bank alone.',
    ),
  offers: z.array(
    z.strictObject({
      offer: z.string(),
      title: text,
      category: z.string(),
      contentType: z.string(),
      parts: z.array(z.strictObject({ id: z.string(), title: text })),
      score: z.number(),
      prices: z.array(price).optional().describe('What it costs or gives; absent: the offer has no prices.'),
    }),
  ),
  notAfter: z.int().describe('Do not show it later than this, Unix milliseconds.'),
  packHash: z.string(),
})

/** A decision id. */
export const decisionIdText = z.string().regex(/^[0-9a-f]{32}$/, 'a decision id is 32 hex digits')

/** Body of `POST /v1/permits/{decisionId}`. */
export const permitBody = z.strictObject({
  customerId: customerName,
  channel: z.string().min(1).max(64).describe('Id of the channel that the message would go out on.'),
})

export const permitAnswer = z.strictObject({
  permitted: z.boolean().describe('Only true is a permit.'),
  reason: z.enum(permitReasons).describe('Why not; `permitted` otherwise. Never which rule of the bank it was.'),
  until: z.int().describe('To be sent by then at the latest, Unix milliseconds; 0: not at all.'),
})

/** Body of `POST /v1/customers/{id}/erase`; an empty one is `{}`. */
export const eraseBody = z.strictObject({
  ground: z.enum(erasureGrounds).optional().describe('Why.'),
})

export const sqlBody = z.strictObject({
  query: z.string().min(1).max(100_000).describe('One SELECT, SHOW, DESCRIBE, EXPLAIN or WITH statement.'),
  format: z.enum(['table', 'json', 'csv']).default('json'),
})

/** Hash of a rule pack. */
export const packVersion = z.string().regex(/^[0-9a-f]{64}$/, 'a version is 64 hex digits')

/** Bodies with a pack: files of 8 MB, and JSON escapes. */
export const packBodyMaxBytes = 20 * 2 ** 20

/** Which pack a call is about: at most one of the two; neither: the pack in force. */
export const packChoice = {
  files: packFilesSchema.optional().describe('Files of a pack by name, such as features.yaml; at most 8 MB.'),
  version: packVersion.optional().describe('A version of the pack that is kept.'),
}

/** The first thing wrong with a body, in words, without its values. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'The body does not match its schema.'
  const where = issue.path.length === 0 ? 'body' : issue.path.join('.')
  return `${where}: ${issue.message}.`
}
