/**
 * A scenario file as people write it: strict schemas. A file is checked in pieces, so that a mistake is told of the step it is in;
 * `scenarioFile` is the whole, for editors.
 */
import { z } from 'zod'
import { rejectReasons } from '../../ingest/event.ts'
import { moneyPattern } from '../quantities.ts'
import { isReasonCode, type ReasonCode, reasons } from '../reasons.ts'
import { unitsMax } from '../stock-pieces.ts'
import { fateStages, outcomes, permitAnswers } from './scenario.ts'
import { instantPattern, spanPattern } from './times.ts'

/** Most steps of a file. */
export const stepsMax = 200
/** Most repeats of a step. */
export const timesMax = 1_000

const codes: readonly ReasonCode[] = Object.keys(reasons).filter(isReasonCode)
/** Reasons a candidate may be dropped for. */
export const fateReasons = codes.filter((code) => !['offered', 'answer', 'silence'].includes(reasons[code].stage))
/** Reasons of a whole answer. */
export const answerReasons = codes.filter((code) => reasons[code].stage === 'answer')
/** What may become of an event that does not count. */
export const refusals = ['duplicate', ...rejectReasons] as const

const id = z.string().min(1).max(64)
const customerId = z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/, 'must be 1 to 64 letters, digits, or one of . _ : -')
const span = z
  .string()
  .regex(spanPattern, 'must be a number and a unit, or a sum of them: 90s, 15m, 72h, 30d, 7d + 1ms, 180d - 1ms')
const instant = z
  .string()
  .regex(instantPattern, 'must be a date and a time: 2026-03-02T09:00+08:00, or without a zone for the bank’s own')
const fields = z.record(z.string().max(64), z.unknown())
const offers = z.union([id, z.array(id).max(20)], { error: 'must be an offer, or a list of offers; [] for none' })
const when = {
  after: span.optional().describe('This long after the step before'),
  at: z
    .union([span, instant], {
      error: 'must be a time since the start (35d, 7d + 1ms) or an instant (2026-03-02T09:00)',
    })
    .optional()
    .describe('At this instant, or this long after the start'),
  times: z.int().min(1).max(timesMax).default(1).describe('How often'),
  every: span.optional().describe('With times: this long apart'),
  customer: customerId.optional().describe('Another customer than the one of the scenario'),
}

/** Something happens: an event, or several alike. */
export const eventStep = z.strictObject({
  event: id.describe('Something happens: an event type, such as card.purchase'),
  data: fields.default({}).describe('Its fields. Amounts are quoted with two decimals: "5000.00"'),
  source: id.optional().describe('The system it comes from; the first one of the pack for marketing when left out'),
  consent: z.string().min(1).max(128).optional().describe('The consent that the data was collected under'),
  ...when,
  late: span.optional().describe('It happened this long before it arrives'),
  ahead: span.optional().describe('It claims to happen this long after it arrives'),
  id: id.optional().describe('Its id, to send the same event again'),
})

/** An app asks for offers. */
export const requestStep = z.strictObject({
  request: id.describe('An app asks what to show: an inbound placement'),
  count: z.int().min(1).max(20).default(1).describe('How many offers it asks for'),
  personalised: z.boolean().default(true).describe('False: an answer that reads nothing of the customer'),
  ...when,
  id: id.optional().describe('Its id, to send the same request again'),
})

/** Time passes. */
export const waitStep = z.strictObject({ wait: span.describe('Time passes') })

/** Why an offer is not made, in full: a reason, the rule that gave it, how far the offer came; one of them at least. */
export const whyParts = z
  .strictObject({
    reason: z.enum(fateReasons).optional().describe('The reason it fell for'),
    rule: id.optional().describe('The guardrail, cap, resource or holdout that gave the reason'),
    stage: z.enum(fateStages).optional().describe('How far it came'),
  })
  .refine((parts) => Object.keys(parts).length > 0, 'must say a reason, a rule or a stage')

/** The same, or a reason alone. */
export const why = z.union([z.enum(fateReasons), whyParts], {
  error: `must be a reason, or { reason, rule, stage }; reasons are ${fateReasons.join(' ')}`,
})

const refusedPermits = permitAnswers.filter((answer) => answer !== 'permitted')
/** Why a message may not leave. */
export const permitRefusal = z.enum(refusedPermits)

/** What is expected of the step above it. */
export const expectation = z.strictObject({
  placement: id.optional().describe('Only the decisions for this placement are meant; there is at least one'),
  offered: offers.optional().describe('Exactly these offers, in this order'),
  'not offered': z
    .union([id, z.array(id).max(50), z.record(z.string().max(64), why)])
    .optional()
    .describe('These are not offered; with a reason: they were candidates and fell for it'),
  held: offers.optional().describe('Exactly these wait for quiet hours to end'),
  recalled: offers.optional().describe('Exactly these were taken back: their messages are not to leave any more'),
  permitted: offers.optional().describe('The last message of each of these may leave now'),
  'not permitted': z
    .union([id, z.array(id).max(20), z.record(z.string().max(64), permitRefusal)])
    .optional()
    .describe('The last message of each of these may not leave now; with what the gateway is answered'),
  prices: z
    .record(
      z.string().regex(/^[^.]{1,64}\.[^.]{1,64}$/, 'must be an offer and its price: offer.price'),
      z.union([z.number(), z.string().regex(moneyPattern)], {
        error: 'must be a number, or of a fee an amount in quotes: "5.00"',
      }),
    )
    .optional()
    .describe('Prices that are told, each by offer.price: a number, or of a fee an amount in quotes'),
  fallback: id.optional().describe('The safe offer of the placement is the answer'),
  outcome: z.enum(outcomes).optional().describe('offered, fallback, or none'),
  reason: z.enum(answerReasons).optional().describe('Why the answer is a fallback or nothing'),
  refused: z.enum(refusals).optional().describe('The event does not count, for this reason'),
  features: fields.optional().describe('Values of features and attributes (profile.riskGrade), or unknown'),
})

/** The same, its reasons not looked at yet. */
export const expectationParts = expectation.extend({
  'not offered': z
    .union([id, z.array(id).max(50), fields], {
      error: 'must be an offer, a list of offers, or offers with their reasons',
    })
    .optional(),
  'not permitted': z
    .union([id, z.array(id).max(20), fields], {
      error: 'must be an offer, a list of offers, or offers with what the gateway is answered',
    })
    .optional(),
})

/** A step that expects something, not looked at yet: `nothing`, or `expectationParts`. */
export const expectStep = z.strictObject({ expect: z.unknown() })

/** Whom the story is about, and what is known of them at its start. */
export const customerPart = z.strictObject({
  id: customerId.default('C1').describe('Customer id'),
  profile: fields.optional().describe('Fields of profile.updated that are known at the start'),
  consents: z
    .array(z.enum(['sms', 'push', 'email', 'phone', 'in_app']))
    .max(5)
    .default([])
    .describe('Channels on which marketing is agreed to'),
})

const head = {
  name: z.string().trim().min(1).max(200).describe('What the scenario shows, in a few words'),
  about: z.string().trim().max(2_000).default('').describe('Why the bank wants it so'),
  start: instant.describe('When the story begins, such as 2026-03-02T09:00+08:00'),
  'complete since': instant
    .optional()
    .describe('From here on the log holds every event; before it the past is unknown. Always, when left out'),
  gateway: z
    .enum(['reports', 'silent'])
    .default('reports')
    .describe('Whether the gateway reports each message as sent, where its channel has receipts'),
  stock: z
    .record(
      z.string().max(64),
      z.union([z.int().min(0).max(unitsMax), z.literal('unknown')], { error: 'must be a number of units, or unknown' }),
    )
    .default({})
    .describe('Units left of resources at the start, or unknown; what the pack says when left out'),
  customer: customerPart.default({ id: 'C1', consents: [] }).describe('Whom it is about, and what is known of them'),
}

/** A file without its table, its steps not looked at yet. */
export const scenarioHead = z.strictObject({ ...head, steps: z.array(z.unknown()).min(1).max(stepsMax) })

const named = fields.refine(({ name }) => typeof name === 'string' && name.length > 0 && name.length <= 80)
const cell = z.union([z.string().max(80), z.number(), z.boolean(), named], {
  error: 'must be a short text, a number, true or false, or a map with a name',
})

/** The table of a file: the scenario is played for every combination of its values. */
export const forEachPart = z
  .record(z.string().regex(/^[a-z][A-Za-z0-9_]*$/, 'must begin with a small letter'), z.array(cell).min(1).max(200))
  .describe('The scenario is played for each value; <name> stands for it, <name.key> for a part of it')

/** A whole file, as editors see it. */
export const scenarioFile = z.strictObject({
  ...head,
  'for each': forEachPart.optional(),
  steps: z
    .array(
      z.union([
        eventStep,
        requestStep,
        waitStep,
        z.strictObject({
          expect: z
            .union([z.literal('nothing'), expectation])
            .describe('Of the step above; nothing: no decision at all'),
        }),
      ]),
    )
    .min(1)
    .max(stepsMax)
    .describe('What happens, and what is expected right after it'),
})
