/** The pieces that the schemas of pack files share. */
import { z } from 'zod'
import { durationPattern, moneyPattern } from './quantities.ts'

export const ruleId = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'must be 1 to 64 small letters, digits, "_" or "-", a letter first')
export const variableId = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_]{0,63}$/, 'must be 1 to 64 letters, digits or "_", a small letter first')
export const eventName = z.string().min(1).max(64).describe('An event type, such as card.purchase')
export const fieldName = z.string().min(1).max(64).describe('A field of the event type')
export const condition = z.string().min(1).max(4_096).describe('A CEL condition')
export const sentence = z.string().trim().min(1).max(500)
export const duration = z
  .string()
  .regex(durationPattern, 'must be a number and a unit: 90s, 15m, 72h, 30d')
  .describe('A number and a unit: 90s, 15m, 72h, 30d')
export const money = z.string().regex(moneyPattern, 'must be an amount in quotes with two decimals: "5000.00"')
export const amountError = 'must be a number, or an amount in quotes with two decimals: "5000.00"'
export const text = z
  .strictObject({ en: sentence.describe('English'), zh: sentence.describe('Chinese') })
  .describe('A text in English and Chinese')
export const messageClass = z.enum(['regulatory', 'service', 'marketing'])
export const list = <T extends z.ZodType>(item: T, max: number) => z.array(item).max(max)
export const selector = z.union([z.literal('all'), z.array(z.string().min(1)).min(1).max(1_000)], {
  error: 'must be all, or a list with at least one entry',
})

export const scope = z
  .strictObject({
    categories: selector.describe('"all", or a list of categories'),
    exceptCategories: list(z.string(), 1_000).default([]).describe('Categories that are left out'),
    channels: selector.default('all').describe('"all", or a list of channels'),
    classes: z
      .union([z.literal('all'), z.array(messageClass).min(1).max(3)], {
        error: 'must be all, or a list of regulatory, service, marketing',
      })
      .default('all')
      .describe('"all", or a list of message classes'),
  })
  .describe('Which offers are meant: an offer matches when its category, channel and class all do')

export const contactScope = scope.extend({
  offers: selector.default('all').describe('"all", or a list of offers, such as those of a campaign'),
})

export const holdoutScope = z
  .strictObject({
    categories: selector.describe('"all", or a list of categories'),
    exceptCategories: list(z.string(), 1_000).default([]).describe('Categories that are left out'),
    channels: selector.default('all').describe('"all", or a list of channels'),
    offers: selector.default('all').describe('"all", or the offers of a campaign'),
  })
  .describe('Which marketing offers are held back from members: those that match everything said here')

export const eventFilter = { event: eventName, where: condition.nullable().default(null) }
