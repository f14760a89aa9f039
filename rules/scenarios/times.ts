/** Stretches of time and instants as a scenario writes them. */
import { zoneInstants } from '../../ingest/import/row-time.ts'
import { parseInstant } from '../../ingest/instant.ts'
import { durationMs } from '../quantities.ts'

/** Durations of a pack, added and taken away: `30d`, `7d + 1ms`, `180d - 1ms`. */
export const spanPattern = /^[0-9]{1,9}(ms|s|m|h|d)( *[+-] *[0-9]{1,9}(ms|s|m|h|d)){0,8}$/
/** A date, a time of day, a zone; without a time midnight, without a zone the bank's: `2026-03-02T09:00+08:00`. */
export const instantPattern =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]([0-9]{2}:[0-9]{2})(:([0-9]{2})([.]([0-9]{1,3}))?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$/

/** Milliseconds of a text that matches `spanPattern`, 0 or more; null for any other text, and when less than nothing is left. */
export function spanMs(text: string): number | null {
  if (!spanPattern.test(text)) return null
  let total = 0
  let sign = 1
  for (const [part] of text.matchAll(/[+-]|[0-9]+(?:ms|s|m|h|d)/g)) {
    if (part === '+' || part === '-') sign = part === '-' ? -1 : 1
    else total += sign * (durationMs(part) ?? 0)
  }
  return total >= 0 ? total : null
}

/**
 * Unix milliseconds of a text that matches `instantPattern`; null for any other text, and for a day or hour that does not
 * exist. A local time that a clock change skips is moved forward, one that happens twice is the first of the two.
 *
 * @param zone IANA zone of a text without one
 */
export function instantMs(text: string, zone: string): number | null {
  const match = instantPattern.exec(text)
  if (match === null) return null
  const date = match[1] ?? ''
  const time = `${match[3] ?? '00:00'}:${match[5] ?? '00'}.${(match[7] ?? '0').padEnd(3, '0')}`
  const given = match[8]
  if (given !== undefined) return parseInstant(`${date}T${time}${given}`) ?? null
  const midnight = parseInstant(`${date}T00:00:00Z`)
  const utc = parseInstant(`${date}T${time}Z`)
  if (midnight === undefined || utc === undefined) return null
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number)
  return zoneInstants(zone)({ kind: 'local', year, month, day, ofDayMs: utc - midnight })
}
