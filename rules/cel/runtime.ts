/**
 * What generated conditions call. Numbers are intervals [low, high]; a low is never +Infinity, a high never -Infinity, and
 * neither is ever NaN, so that comparisons of unknowns stay unknown.
 *
 * Interval arithmetic after Moore, Kearfott and Cloud, Introduction to Interval Analysis (2009), chapter 2. Corners are
 * rounded to nearest, as the value itself would be: rounding is monotone, so the interval holds every rounded result.
 */
import { celLimits } from './limits.ts'

/** Event data that says nothing: every field reads as unknown. */
export const noEvent: Readonly<Record<string, unknown>> = Object.freeze({ __proto__: null })

/** Low end of a sum whose terms have these low ends; a sum beyond the largest double stays just below Infinity. */
export function sumLow(a: number, b: number): number {
  const sum = a + b
  return sum === Infinity ? Number.MAX_VALUE : sum
}

/** High end of a sum whose terms have these high ends. */
export function sumHigh(a: number, b: number): number {
  const sum = a + b
  return sum === -Infinity ? -Number.MAX_VALUE : sum
}

/** Low end of [al, ah] * [bl, bh]. */
export function productLow(al: number, ah: number, bl: number, bh: number): number {
  const low = Math.min(corner(al, bl), corner(al, bh), corner(ah, bl), corner(ah, bh))
  return low === Infinity ? Number.MAX_VALUE : low
}

/** High end of [al, ah] * [bl, bh]. */
export function productHigh(al: number, ah: number, bl: number, bh: number): number {
  const high = Math.max(corner(al, bl), corner(al, bh), corner(ah, bl), corner(ah, bh))
  return high === -Infinity ? -Number.MAX_VALUE : high
}

/** Low end of [al, ah] / [bl, bh]; unknown when the divisor may be 0. */
export function quotientLow(al: number, ah: number, bl: number, bh: number): number {
  if (bl <= 0 && bh >= 0) return -Infinity
  const low = lowest(lowest(al / bl, al / bh), lowest(ah / bl, ah / bh))
  return low === Infinity ? Number.MAX_VALUE : low
}

/** High end of [al, ah] / [bl, bh]; unknown when the divisor may be 0. */
export function quotientHigh(al: number, ah: number, bl: number, bh: number): number {
  if (bl <= 0 && bh >= 0) return Infinity
  const high = 0 - lowest(lowest(0 - al / bl, 0 - al / bh), lowest(0 - ah / bl, 0 - ah / bh))
  return high === -Infinity ? -Number.MAX_VALUE : high
}

/** Low end of an event number: -Infinity when the event does not say. */
export function fieldLow(value: unknown): number {
  return typeof value === 'number' && value > -Infinity && value < Infinity ? value : -Infinity
}

/** High end of an event number: Infinity when the event does not say. */
export function fieldHigh(value: unknown): number {
  return typeof value === 'number' && value > -Infinity && value < Infinity ? value : Infinity
}

/** The list, or null when the event does not say or says more than conditions look at. */
export function listOf(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) && value.length <= celLimits.eventListLength ? value : null
}

/** Number of elements of an event list; NaN never: `unknown` (the end of the interval wanted) when it does not say. */
export function sizeOr(value: unknown, unknown: number): number {
  return Array.isArray(value) ? value.length : unknown
}

/** Whether one of the ascending values lies in [low, high]. */
export function anyWithin(values: readonly number[], low: number, high: number): boolean {
  for (const value of values) if (value >= low) return value <= high
  return false
}

/** The four operations on intervals, for constants and traces; generated code calls the parts above. */
export function intervalOf(
  operator: '+' | '-' | '*' | '/',
  [al, ah]: readonly [number, number],
  [bl, bh]: readonly [number, number],
): readonly [number, number] {
  switch (operator) {
    case '+':
      return [sumLow(al, bl), sumHigh(ah, bh)]
    case '-':
      return [sumLow(al, 0 - bh), sumHigh(ah, 0 - bl)]
    case '*':
      return [productLow(al, ah, bl, bh), productHigh(al, ah, bl, bh)]
    case '/':
      return [quotientLow(al, ah, bl, bh), quotientHigh(al, ah, bl, bh)]
  }
}

/** 0 * Infinity is 0: the end of an interval is a bound, not a value. */
function corner(a: number, b: number): number {
  const product = a * b
  return Number.isNaN(product) ? 0 : product
}

/** The lower of two quotients; Infinity / Infinity adds nothing, because the other corners span it. */
function lowest(a: number, b: number): number {
  if (Number.isNaN(a)) return b
  return Number.isNaN(b) || a < b ? a : b
}
