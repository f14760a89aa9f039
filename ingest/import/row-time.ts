/** Dates as files write them, turned into instants in a declared zone. */
import { Temporal } from 'temporal-polyfill'
import type { DateFormat, TimeMapping } from './mapping.ts'

/** A calendar date with the milliseconds after its local midnight, or an instant. */
export type ReadDate =
  | {
      readonly kind: 'local'
      readonly year: number
      readonly month: number
      readonly day: number
      readonly ofDayMs: number
    }
  | { readonly kind: 'instant'; readonly ms: number }

const dayMs = 86_400_000
/** Instants outside the years 0001 to 9999 are refused. */
const minMs = -62_135_596_800_000
const maxMs = 253_402_300_799_999

const patterns: Partial<Record<DateFormat, RegExp>> = {
  yymmdd: /^(?<y>\d\d)(?<m>\d\d)(?<d>\d\d)$/,
  yymmdd_month50: /^(?<y>\d\d)(?<m>\d\d)(?<d>\d\d)$/,
  yyyyMMdd: /^(?<y>\d{4})(?<m>\d\d)(?<d>\d\d)$/,
  'yyyy-MM-dd': /^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)$/,
  'dd.MM.yyyy': /^(?<d>\d\d?)\.(?<m>\d\d?)\.(?<y>\d{4})$/,
  'yymmdd HH:mm:ss': /^(?<y>\d\d)(?<m>\d\d)(?<d>\d\d) (?<h>\d\d):(?<i>\d\d):(?<s>\d\d)$/,
  'yyyy-MM-dd HH:mm:ss': /^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)[ T](?<h>\d\d):(?<i>\d\d):(?<s>\d\d)$/,
}

/** Whether a format is a date without a time. */
export function isDateOnly(format: DateFormat): boolean {
  return patterns[format] !== undefined && !format.includes('HH')
}

/** Whether a format has two-digit years. */
export function needsCentury(format: DateFormat): boolean {
  return format.startsWith('yy') && !format.startsWith('yyyy')
}

/** Reads a date; null when the text is none of that format, or no day of the calendar. */
export function readDate(text: string, format: DateFormat, century: number | undefined): ReadDate | null {
  if (format === 'epoch_ms' || format === 'epoch_s') return readEpoch(text, format === 'epoch_s' ? 1000 : 1)
  if (format === 'rfc3339') return readRfc3339(text)
  const groups = patterns[format]?.exec(text)?.groups
  if (groups === undefined) return null
  const shortYear = Number(groups['y'])
  const year = needsCentury(format) ? (century ?? 1900) + shortYear : shortYear
  const written = Number(groups['m'])
  const month = format === 'yymmdd_month50' && written > 50 ? written - 50 : written
  const day = Number(groups['d'])
  const [hour, minute, second] = [Number(groups['h'] ?? 0), Number(groups['i'] ?? 0), Number(groups['s'] ?? 0)]
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null
  if (hour > 23 || minute > 59 || second > 59) return null
  return { kind: 'local', year, month, day, ofDayMs: ((hour * 60 + minute) * 60 + second) * 1000 }
}

/** The date as `yyyy-MM-dd`; an instant is read in the zone. */
export function isoDate(date: ReadDate, zone: string): string {
  if (date.kind === 'instant') {
    return Temporal.Instant.fromEpochMilliseconds(date.ms).toZonedDateTimeISO(zone).toPlainDate().toString()
  }
  return `${String(date.year).padStart(4, '0')}-${String(date.month).padStart(2, '0')}-${String(date.day).padStart(2, '0')}`
}

/** Whether the zone is known to this runtime. */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return true
  } catch {
    return false
  }
}

/** Local days remembered; a file has few, and forgetting one costs a conversion. */
const rememberedDays = 4096

/**
 * Makes the function from a date to Unix milliseconds in a zone. A local time that a clock change skips is moved
 * forward by the gap, one that happens twice is the first of the two (Temporal's `compatible`).
 */
export function zoneInstants(zone: string): (date: ReadDate) => number {
  const days = new Map<number, number>()
  return (date) => {
    if (date.kind === 'instant') return date.ms
    const key = (date.year * 12 + date.month) * 31 + date.day
    const start = days.get(key)
    if (start !== undefined) return start + date.ofDayMs
    const midnight = Temporal.PlainDate.from({ year: date.year, month: date.month, day: date.day })
    const startMs = midnight.toZonedDateTime(zone).epochMilliseconds
    const nextMs = midnight.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds
    // A day of 24 hours has no clock change, so its times are plain sums; the two other days of a year ask Temporal.
    if (nextMs - startMs === dayMs && midnight.toZonedDateTime(zone).hour === 0) {
      if (days.size >= rememberedDays) days.clear()
      days.set(key, startMs)
      return startMs + date.ofDayMs
    }
    const local = midnight.toPlainDateTime().add({ milliseconds: date.ofDayMs })
    return local.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds
  }
}

/** Distinct dates a spread keeps count of: 270 years. */
const maxSpreadDates = 100_000

/**
 * Makes the function that gives each row its time, called once a row in file order with the text of the time column
 * (ignored for a constant). Null: the text is no date of the format, or the spread has seen too many dates.
 */
export function rowTimes(mapping: TimeMapping, zone: string): (text: string) => number | null {
  if ('constant' in mapping) {
    const ms = Date.parse(mapping.constant)
    return () => ms
  }
  const instants = zoneInstants(zone)
  const ofDay = timesOfDay(mapping.timeOfDay)
  return (text) => {
    const date = readDate(text, mapping.format, mapping.century)
    if (date === null) return null
    if (date.kind === 'instant' || ofDay === null) return instants(date)
    const ofDayMs = ofDay(text)
    return ofDayMs === null ? null : instants({ ...date, ofDayMs })
  }
}

type TimeOfDay = Extract<TimeMapping, { column: string }>['timeOfDay']

function timesOfDay(timeOfDay: TimeOfDay): ((date: string) => number | null) | null {
  if (timeOfDay === undefined) return null
  if (typeof timeOfDay === 'string') {
    const ms = clockMs(timeOfDay)
    return () => ms
  }
  const { from, stepMs } = timeOfDay
  const fromMs = clockMs(from)
  const seen = new Map<string, number>()
  return (date) => {
    const before = seen.get(date) ?? 0
    if (before === 0 && seen.size >= maxSpreadDates) return null
    seen.set(date, before + 1)
    return Math.min(fromMs + before * stepMs, dayMs - 1)
  }
}

function clockMs(text: string): number {
  const [hours, minutes, seconds] = text.split(':').map(Number)
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000
}

function readEpoch(text: string, unitMs: number): ReadDate | null {
  if (!/^-?\d{1,15}$/.test(text)) return null
  const ms = Number(text) * unitMs
  return ms >= minMs && ms <= maxMs ? { kind: 'instant', ms } : null
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/

function readRfc3339(text: string): ReadDate | null {
  if (!rfc3339.test(text)) return null
  try {
    return { kind: 'instant', ms: Temporal.Instant.from(text).epochMilliseconds }
  } catch {
    return null
  }
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
