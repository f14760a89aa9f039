/** Decimals without floats: text in, whole minor units out. */

/** A decimal as `digits / 10^scale`. */
export type Decimal = { readonly digits: bigint; readonly scale: number }

const plain = /^([+-]?)(\d{1,18})(?:\.(\d{0,12}))?$/

/** Reads a decimal with at most 18 digits before and 12 after the point; null when the text is none. */
export function parseDecimal(text: string): Decimal | null {
  const match = plain.exec(text)
  if (match === null) return null
  const fraction = match[3] ?? ''
  const digits = BigInt(`${match[2] ?? ''}${fraction}`)
  return { digits: match[1] === '-' ? -digits : digits, scale: fraction.length }
}

/** Below 0, 0 or above 0 as `a` is less than, equal to or more than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const left = a.digits * 10n ** BigInt(b.scale)
  const right = b.digits * 10n ** BigInt(a.scale)
  return left < right ? -1 : left > right ? 1 : 0
}

/** How amounts are written and what they are worth. */
export type MoneyRule = {
  readonly rate: Decimal
  readonly minorDigits: number
  readonly decimalMark: string
  readonly groupMark: string
}

/**
 * Turns an amount into whole minor units: `amount x rate`, rounded half to even.
 * Null when the text is no amount, or more than a safe integer of minor units.
 */
export function minorUnits(text: string, rule: MoneyRule): number | null {
  const decimal = parseDecimal(unmarked(text, rule))
  if (decimal === null) return null
  const product = decimal.digits * rule.rate.digits
  const scale = decimal.scale + rule.rate.scale - rule.minorDigits
  const minor = scale <= 0 ? product * 10n ** BigInt(-scale) : halfEven(product, 10n ** BigInt(scale))
  const number = Number(minor)
  return Number.isSafeInteger(number) ? number : null
}

function unmarked(text: string, rule: MoneyRule): string {
  const whole = rule.groupMark === '' ? text : ungrouped(text, rule)
  return rule.decimalMark === '.' ? whole : whole.includes('.') ? 'x' : whole.replace(rule.decimalMark, '.')
}

/** Groups must be of three digits: `1,5` under the group mark `,` is more likely a wrong mapping than fifteen. */
function ungrouped(text: string, rule: MoneyRule): string {
  const end = text.indexOf(rule.decimalMark)
  const whole = end < 0 ? text : text.slice(0, end)
  const parts = whole.split(rule.groupMark)
  if (parts.slice(1).some((part) => !/^\d{3}$/.test(part))) return 'x'
  return parts.join('') + (end < 0 ? '' : text.slice(end))
}

function halfEven(value: bigint, unit: bigint): bigint {
  const sign = value < 0n ? -1n : 1n
  const magnitude = value * sign
  const quotient = magnitude / unit
  const twice = (magnitude % unit) * 2n
  const up = twice > unit || (twice === unit && quotient % 2n === 1n)
  return sign * (up ? quotient + 1n : quotient)
}
