/** RFC 3339 date-time with a zone; lower-case letters are allowed as the RFC does. */
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/**
 * Unix milliseconds of an RFC 3339 date-time; what is finer than a millisecond is cut off. Undefined for anything
 * else: no zone, a day or hour that does not exist, a leap second.
 */
export function parseInstant(text: string): number | undefined {
  const match = RFC_3339.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const zoneHours = Number(match[9] ?? 0)
  const zoneMinutes = Number(match[10] ?? 0)
  if (hour > 23 || minute > 59 || second > 59 || zoneHours > 23 || zoneMinutes > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const milliseconds = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'))
  date.setUTCHours(hour, minute, second, milliseconds)
  const offsetMs = (zoneHours * 60 + zoneMinutes) * 60_000 * (match[8] === '-' ? -1 : 1)
  return date.getTime() - offsetMs
}

/** RFC 3339 in UTC with milliseconds, such as `2026-01-31T09:00:00.000Z`; years 0 to 9999 only. */
export function printInstant(atMs: number): string {
  return new Date(atMs).toISOString()
}
