/** Values of options that commands share. */
import { InvalidArgumentError } from 'commander'

/** Reads a whole number within bounds. */
export const wholeNumber = (min: number, max: number) => (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max)
    throw new InvalidArgumentError(`a whole number from ${min} to ${max}`)
  return value
}

const shape = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** Reads a date, or an instant with its offset. Other spellings mean different days in different countries, and days that are none another one. */
export function dateOrInstant(text: string): number {
  const [, day = ''] = shape.exec(text) ?? []
  const at = Date.parse(text)
  const midnight = Date.parse(day)
  const isDay = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day)
  if (Number.isNaN(at) || !isDay) throw new InvalidArgumentError('a date such as 2026-01-31 or 2026-01-31T08:00:00Z')
  return at
}

/** Why a log cannot be complete since then, with what to do; null: it can. What is settled here cannot be changed afterwards. */
export function notSince(completeSince: number | undefined, clock: 'wall' | 'event', now: number): string | null {
  if (completeSince === undefined || clock === 'event' || completeSince <= now) return null
  return `--complete-since ${new Date(completeSince).toISOString()} lies ahead: until then nothing would be known. Give an instant of the past.`
}
