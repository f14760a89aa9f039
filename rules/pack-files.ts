/**
 * The files of a rule pack as people write them: one strict schema each. Editors complete and check against the JSON Schemas
 * generated from these (`rules/schema/`); `normalise.ts` turns what passed into the model.
 */
import { z } from 'zod'
import { contactFile } from './contact-file.ts'
import {
  amountError,
  condition,
  duration,
  eventFilter,
  eventName,
  fieldName,
  holdoutScope,
  list,
  messageClass,
  money,
  ruleId,
  scope,
  sentence,
  text,
  variableId,
} from './file-pieces.ts'
import { windowPattern } from './quantities.ts'
import { guardrailReasons } from './reasons.ts'
import { oncePer, resources, takes } from './stock-pieces.ts'
import { type TermName, termLimits } from './terms.ts'

/** Most rules (features, guardrails, allows, offers, triggers, placements, caps and the rest together) a pack may have. */
export const rulesMax = 20_000
/** Most holdouts a pack may have: the funnel keeps a customer's in the bits of a number. */
export const holdoutsMax = 30
/** Most channels a pack may have. */
export const channelsMax = 100
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
})

export const sourcesFile = z.strictObject({
  sources: list(
    z.strictObject({
      id: ruleId,
      lawfulBasis: z
        .enum(['contract', 'consent', 'legal_obligation', 'legitimate_interest', 'none'])
        .describe('Ground on which the bank may use the data; none: it may not'),
      purposes: list(z.enum(['service', 'marketing', 'fraud_prevention', 'credit_risk', 'regulatory']), 5).describe(
        'What the data may be used for; [] for a source without a lawful basis',
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
    }),
    2_000,
  ),
  allows: list(
    z.strictObject({
      id: ruleId,
      text: text.describe('The rule in words, for colleagues'),
      opens: scope,
      when: condition.nullable().default(null).describe('Opens while this must be true: unknown opens nothing'),
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

const bounds = (name: TermName) =>
  z
    .tuple([z.number(), z.number()])
    .default([...termLimits[name]])
    .describe(`Lowest and highest ${name} of any offer; what an expression gives beyond them is cut off`)

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
      takes,
      oncePer,
      validFor: duration.describe('Not to be sent or shown later than this after the decision'),
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
