/** Windows of effect as people write them, and as the model has them. */
import { Temporal } from 'temporal-polyfill'
import { z } from 'zod'
import type { EffectiveModel } from './effective.ts'
import { isZone } from './zones.ts'

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

const instantPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/
const instantError =
  'must be a day or an instant that exists, in quotes: "2027-01-31", "2027-01-31T09:00", "2027-01-31T09:00+08:00"'
const edge = z
  .string()
  .regex(instantPattern, instantError)
  .refine((text) => edgeMs(text, 'UTC', 'first') !== null, instantError)
  .nullable()
  .default(null)

const parts = {
  from: edge.describe('First day or instant, such as "2027-01-01" or "2027-01-01T09:00"'),
  until: edge.describe('Last day ("2027-01-31" is in it), or the first instant that is not ("2027-01-31T18:00")'),
  on: z
    .array(z.enum(weekdays))
    .min(1)
    .max(7)
    .nullable()
    .default(null)
    .describe('Days of the week; left out: every day'),
  between: z
    .string()
    .regex(
      /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/,
      'must be two times of day in quotes: "12:00-18:00"',
    )
    .nullable()
    .default(null)
    .describe(
      'Hours of those days, "12:00-18:00": the first minute is in it, the last is not; over midnight: "22:00-02:00"',
    ),
  zone: z.string().min(1).nullable().default(null).describe('IANA zone of days and hours; left out: that of the pack'),
}

/** When an offer, trigger, allow or cap is in effect; left out: always. */
export const effective = z
  .strictObject(parts)
  .optional()
  .describe('When it is in effect; outside of it is as if it were not there')

/** When a guardrail is: it has to say itself that it is open at other times. */
export const guardrailEffective = z
  .strictObject({ ...parts, otherwise: z.literal('open').describe('At other times it closes nothing') })
  .optional()
  .describe('When it closes; such a guardrail guards no red line')

type Written = z.output<typeof effective> | z.output<typeof guardrailEffective>

/** The window of a rule as a property of its model; nothing when the rule is always in effect. */
export function effectiveOf(written: Written, packZone: string): { readonly effective?: EffectiveModel } {
  if (written === undefined) return {}
  const zone = written.zone ?? packZone
  const place = isZone(zone) ? zone : 'UTC'
  return {
    effective: {
      fromMs: written.from === null ? null : edgeMs(written.from, place, 'first'),
      untilMs: written.until === null ? null : edgeMs(written.until, place, 'last'),
      weekly: weeklyOf(written),
      zone,
    },
  }
}

function weeklyOf({ on, between }: NonNullable<Written>): EffectiveModel['weekly'] {
  const days = weekdays.flatMap((day, i) => (on === null || on.includes(day) ? [i + 1] : []))
  if (between === null) return days.length === 7 ? null : { days, from: 0, to: 1_440 }
  const [from = '', to = ''] = between.split('-')
  return { days, from: minuteOf(from), to: minuteOf(to) }
}

function minuteOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

/** The instant of a day or time; as the last one a day is meant whole. Null: there is no such day or time. */
function edgeMs(text: string, zone: string, as: 'first' | 'last'): number | null {
  try {
    if (!text.includes('T')) {
      const day = Temporal.PlainDate.from(text)
      return (as === 'first' ? day : day.add({ days: 1 })).toZonedDateTime(zone).epochMilliseconds
    }
    if (/(Z|[+-]\d{2}:\d{2})$/.test(text)) return Temporal.Instant.from(text).epochMilliseconds
    return Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
