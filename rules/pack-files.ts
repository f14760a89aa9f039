/**
 * The files of a rule pack as people write them: one strict schema each. Editors complete and check against the JSON Schemas
 * generated from these (`rules/schema/`); `normalise.ts` turns what passed into the model.
 */
import { z } from 'zod'
import { arbitrationFile, channelsMax } from './arbitration-file.ts'
import { contactFile } from './contact-file.ts'
import { effective, guardrailEffective } from './effective-file.ts'
import {
  amountError,
  condition,
  duration,
  eventFilter,
  eventName,
  fieldName,
  list,
  messageClass,
  money,
  ruleId,
  scope,
  sentence,
  text,
  variableId,
} from './file-pieces.ts'
import { prices, pricing } from './price-file.ts'
import { windowPattern } from './quantities.ts'
import { guardrailReasons } from './reasons.ts'
import { purposes } from './source-table.ts'
import { oncePer, resources, takes } from './stock-pieces.ts'

/** Most rules (features, guardrails, allows, offers, triggers, placements, caps and the rest together) a pack may have. */
export const rulesMax = 20_000
/** Most offers a pack may have. */
export const offersMax = 5_000

export const packFile = z.strictObject({
  name: ruleId.describe('Name of the pack'),
  description: sentence.describe('What the pack is for'),
  zone: z.string().min(1).describe('IANA time zone of the bank, such as Asia/Shanghai'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a three-letter ISO 4217 code')
    .describe('ISO 4217 code of all amounts'),
  lateness: duration.default('24h').describe('An event older than this when it arrives is refused as too late'),
  categories: list(
    z.strictObject({
      id: ruleId,
      guardedBy: z
        .array(z.enum(guardrailReasons))
        .describe('Reasons that must be able to close the category; [] says that none is needed'),
    }),
    1_000,
  ).min(1),
  fairness: z
    .strictObject({
      attributes: list(variableId, 8)
        .min(1)
        .describe('Enum or bool attributes that every decision records, read by a rule or not'),
    })
    .optional()
    .describe('By which groups of customers it can be reported who gets offers, see `proffer report distribution`'),
  pricing,
})

export const sourcesFile = z.strictObject({
  sources: list(
    z.strictObject({
      id: ruleId,
      lawfulBasis: z
        .enum(['contract', 'consent', 'legal_obligation', 'legitimate_interest', 'none'])
        .describe('Ground on which the bank may use the data; none: it may not'),
      purposes: list(z.enum(purposes), 5).describe(
        'What the data may be used for; [] for a source without a lawful basis',
      ),
      sends: list(eventName, 200)
        .min(1)
        .optional()
        .describe(
          'Event types it sends; left out: any. The check goes by it to find marketing that nothing opens; it keeps nothing out',
        ),
      authorisation: z
        .strictObject({
          id: z.string().trim().min(1).max(200).describe('The agreement, as the bank files it'),
          until: z.iso
            .date('must be a day in quotes: "2027-12-31"')
            .describe('The last day it holds, in the zone of the pack'),
        })
        .nullable()
        .default(null)
        .describe(
          'Data of others: by which agreement it may be used, and until when. Behind it the source is as one without a basis',
        ),
    }),
    1_000,
  ).min(1),
})

export const profileFile = z.strictObject({
  attributes: list(
    z.strictObject({
      id: variableId.describe('Read in conditions as profile.<id>'),
      type: z
        .enum(['enum', 'int', 'double', 'money', 'bool', 'instant', 'age'])
        .describe('age: set by a birth date, read as whole years as of now'),
      values: list(z.string().min(1).max(64), 200).default([]).describe('The closed list of values of an enum'),
      setBy: z
        .array(
          z.strictObject({
            ...eventFilter,
            field: fieldName,
            until: fieldName.nullable().default(null).describe('A field with the instant until which the value holds'),
          }),
        )
        .min(1)
        .max(50)
        .describe('Events that set it from one of their fields'),
      validFor: duration.nullable().default(null).describe('Reads as unknown when not set again for this long'),
    }),
    500,
  ),
})

export const featuresFile = z.strictObject({
  features: list(
    z.strictObject({
      id: variableId.describe('Read in conditions by this name'),
      kind: z.enum(['count', 'sum', 'min', 'max', 'average', 'first', 'last', 'time_since', 'distinct', 'growth']),
      ...eventFilter,
      value: fieldName.nullable().default(null).describe('The field that is summed, compared or counted distinct'),
      window: z
        .string()
        .regex(windowPattern, 'must be a duration (30d), calendar-day, calendar-week, calendar-month or lifetime')
        .describe('A duration (30d), calendar-day, calendar-week, calendar-month or lifetime'),
      baseline: z
        .strictObject({
          windows: z.int().min(1).max(12).describe('How many earlier windows make the baseline'),
          minimum: z
            .union([z.number().positive(), money], { error: amountError })
            .describe('Growth is unknown while the mean is below this'),
        })
        .nullable()
        .default(null)
        .describe('Only for growth'),
    }),
    2_000,
  ),
})

export const guardrailsFile = z.strictObject({
  guardrails: list(
    z.strictObject({
      id: ruleId,
      reason: z.enum(guardrailReasons),
      text: text.describe('The rule in words, for the customer and for colleagues'),
      closes: scope,
      when: condition.nullable().default(null).describe('Closes while this may be true: unknown closes too'),
      suppression: z
        .strictObject({
          ...eventFilter,
          for: duration.describe('How long it stays closed after the event'),
          liftedBy: z.strictObject(eventFilter).nullable().default(null).describe('The event that ends it early'),
        })
        .nullable()
        .default(null)
        .describe('Closes for some time after an event'),
      override: z
        .union(
          [
            z.literal('never'),
            z.strictObject({
              role: ruleId.describe('The role, as the event guardrail.overridden names it'),
              atMost: duration.describe('Longest an override may last'),
            }),
          ],
          { error: 'must be never, or a role and the longest time (atMost)' },
        )
        .default('never')
        .describe('never: nothing opens it. A role: it may be opened for one customer, with a reason and an end'),
      instead: z
        .enum(['non_personal'])
        .optional()
        .describe(
          'non_personal: while it may close, an app is answered without anything that is known of the customer',
        ),
      effective: guardrailEffective,
    }),
    2_000,
  ),
  allows: list(
    z.strictObject({
      id: ruleId,
      text: text.describe('The rule in words, for colleagues'),
      opens: scope,
      when: condition.nullable().default(null).describe('Opens while this must be true: unknown opens nothing'),
      effective,
    }),
    500,
  )
    .default([])
    .describe('Where guardrails that a role may open are open for everybody; never opens one that nothing may open'),
})

const termNumber = z.number().nonnegative()
const told = z
  .strictObject({
    from: condition.describe('A CEL expression, such as an attribute that a scoring system sets'),
    whenUnknown: termNumber.describe('What holds while it is not known: never set, withdrawn, expired'),
  })
  .describe('A number that may be unknown')
const termError = 'must be a number from 0 on, a CEL expression, or { from, whenUnknown }'
const term = z.union([termNumber, condition, told], { error: termError }).default(1)

const learned = z
  .strictObject({
    learned: z.strictObject({
      model: ruleId.describe('A model of arbitration.yaml'),
      floor: z.number().min(0).max(1).default(0.01).describe('It is never below this, so that it always has a chance'),
      prior: z
        .tuple([z.number().min(0.1).max(1_000_000), z.number().min(0.1).max(1_000_000)])
        .default([1, 1])
        .describe('Successes and failures that count before any are known'),
      segment: condition
        .nullable()
        .default(null)
        .describe('An enum attribute such as profile.riskGrade, or a condition: each answer is learned apart'),
    }),
  })
  .describe('Learned from what became of earlier offers, see `proffer learn`')
const propensity = z.union([termNumber, condition, told, learned], { error: `${termError}, or { learned }` }).default(1)

export const offersFile = z.strictObject({
  offers: list(
    z.strictObject({
      id: ruleId,
      title: text,
      unavailable: text
        .optional()
        .describe('What a customer is told when it is not offered, whatever the reason; it may not hint at any'),
      category: z.string().min(1),
      class: messageClass,
      contentType: ruleId.describe('What it looks like: banner, card, message, talk'),
      channels: z.array(z.string().min(1)).min(1).max(100),
      eligible: condition.nullable().default(null).describe('Who may get it: must be true'),
      riskGrade: z.int().min(1).max(5).nullable().default(null).describe('Risk grade of an investment product'),
      priority: z.int().min(-1_000).max(1_000).default(0).describe('Higher wins before scores are compared'),
      propensity: propensity.describe('How likely the customer is to want it, 0 to 1'),
      context: term.describe('How well the moment fits'),
      value: term.describe('What it is worth to customer and bank'),
      lever: term.describe('How much the bank wants to push it'),
      parts: list(
        z.strictObject({
          id: ruleId,
          title: text,
          category: z
            .string()
            .min(1)
            .nullable()
            .default(null)
            .describe('Its own category: what closes that closes the whole offer'),
          riskGrade: z.int().min(1).max(5).nullable().default(null).describe('Its own risk grade; the highest counts'),
        }),
        20,
      )
        .default([])
        .describe('Several things that are offered or withheld together'),
      prices,
      takes,
      oncePer,
      validFor: duration.describe('Not to be sent or shown later than this after the decision'),
      effective,
    }),
    offersMax,
  ).min(1),
  resources,
  bands: list(
    z.strictObject({
      id: ruleId,
      of: z.string().min(1).describe('The number the offers are laddered by, such as profile.assets'),
      from: z.union([z.number(), money], { error: amountError }),
      to: z.union([z.number(), money], { error: amountError }).nullable().default(null),
      offers: z.array(z.string().min(1)).min(1).max(100),
    }),
    200,
  )
    .default([])
    .describe('Ladders of offers that must cover every value, and none twice'),
})

export const triggersFile = z.strictObject({
  triggers: list(
    z.strictObject({
      id: ruleId,
      on: eventName,
      when: condition.nullable().default(null).describe('Fires when this must be true'),
      offers: z.array(z.string().min(1)).min(1).max(100),
      placement: z.string().min(1).describe('An outbound placement'),
      freshness: duration.default('15m').describe('An event older than this counts but does not send'),
      effective,
    }),
    rulesMax,
  ),
})

export const placementsFile = z.strictObject({
  channels: list(
    z.strictObject({
      id: ruleId,
      contact: z.boolean().describe('Whether caps count what goes out here'),
      receipts: z
        .boolean()
        .default(false)
        .describe('Whether the gateway reports what it sent; what nobody confirmed in time then stops to count'),
    }),
    channelsMax,
  ).min(1),
  placements: list(
    z.strictObject({
      id: ruleId,
      channel: z.string().min(1),
      direction: z.enum(['inbound', 'outbound']).describe('inbound: an app asks; outbound: triggers fill it'),
      slots: z.int().min(1).max(20).default(1),
      contentTypes: z.array(z.string().min(1)).min(1).max(50),
      fallback: z.string().min(1).nullable().default(null).describe('Inbound: the offer that is always safe'),
    }),
    500,
  ).min(1),
})

/** Every file a pack has, by name; all are required. */
export const packFiles = {
  'pack.yaml': packFile,
  'sources.yaml': sourcesFile,
  'profile.yaml': profileFile,
  'features.yaml': featuresFile,
  'guardrails.yaml': guardrailsFile,
  'offers.yaml': offersFile,
  'triggers.yaml': triggersFile,
  'placements.yaml': placementsFile,
  'contact.yaml': contactFile,
  'arbitration.yaml': arbitrationFile,
} as const
export type PackFileName = keyof typeof packFiles

/** The contents of a pack's files after they passed their schemas. */
export type PackContents = { readonly [file in PackFileName]: z.output<(typeof packFiles)[file]> }
