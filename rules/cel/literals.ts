/** Constants that conditions write as text: amounts, durations, instants. */

/** Minor units of an amount such as "5000", "5000.5" or "-12.30": at most 13 digits and two decimals; null: no amount. */
export function minorUnitsOf(text: string): number | null {
  const parts = /^(-?)(\d{1,13})(?:\.(\d{1,2}))?$/.exec(text)
  if (parts === null) return null
  const [, sign = '', whole = '', cents = ''] = parts
  const minor = Number(whole) * 100 + Number(cents.padEnd(2, '0'))
  return sign === '-' ? 0 - minor : minor
}

/** The amount as conditions write it: "5000.00". */
export function amountText(minor: number): string {
  const absolute = Math.abs(minor)
  const whole = Math.floor(absolute / 100)
  const cents = absolute - whole * 100
  const sign = minor < 0 ? '-' : ''
  if (!Number.isInteger(cents)) return `${sign}${absolute / 100}`
  return `${sign}${whole}.${String(cents).padStart(2, '0')}`
}

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

/**
 * Milliseconds of a duration such as "72h", "1h30m", "500ms" or "30d"; null: no duration. The unit `d` (24 hours) is
 * ours, the rest is CEL's; fractions are refused, so is more than 100 years.
 */
export function durationMsOf(text: string): number | null {
  if (!/^-?(?:\d{1,9}(?:ms|[dhms]))+$/.test(text)) return null
  let total = 0
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+)(ms|[dhms])/g)) {
    total += Number(digits) * (unit === 'd' || unit === 'h' || unit === 'm' || unit === 's' ? unitsMs[unit] : 1)
  }
  if (total > 36_525 * unitsMs.d) return null
  return text.startsWith('-') ? 0 - total : total
}

/** The duration as conditions write it, in its largest whole units: "30d", "1h30m". */
export function durationText(ms: number): string {
  if (ms === 0) return '0s'
  let rest = Math.abs(Math.round(ms))
  let text = ms < 0 ? '-' : ''
  for (const [unit, size] of Object.entries(unitsMs)) {
    const whole = Math.floor(rest / size)
    if (whole > 0) text += `${whole}${unit}`
    rest -= whole * size
  }
  return text
}

/** Unix milliseconds of an RFC 3339 instant such as "2026-01-31T08:00:00Z"; null: no instant. */
export function instantMsOf(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}
