/** Durations, windows and money as people write them in a pack. */
import type { Window } from './model.ts'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A number and a unit, `30d`, `15m`, `72h`, `90s`, `250ms`; nothing else. */
export const durationPattern = /^([0-9]{1,9})(ms|s|m|h|d)$/
/** A duration, a calendar period of the bank's zone, or everything since the start. */
export const windowPattern = /^([0-9]{1,9}(ms|s|m|h|d)|calendar-(day|week|month)|lifetime)$/
/** An amount with its two decimals, `5000.00`. */
export const moneyPattern = /^-?[0-9]{1,13}\.[0-9]{2}$/

/** Milliseconds of a text that matches `durationPattern`; null for any other text. */
export function durationMs(text: string): number | null {
  const match = durationPattern.exec(text)
  const unit = match?.[2]
  if (match === null || (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd')) return null
  return Number(match[1]) * unitMs[unit]
}

/** A window as the model has it; null when the text does not match `windowPattern`. */
export function windowOf(text: string): Window | null {
  if (text === 'lifetime') return { kind: 'lifetime' }
  if (text === 'calendar-day') return { kind: 'calendar', period: 'day' }
  if (text === 'calendar-week') return { kind: 'calendar', period: 'week' }
  if (text === 'calendar-month') return { kind: 'calendar', period: 'month' }
  const ms = durationMs(text)
  return ms === null ? null : { kind: 'rolling', ms }
}

/** Minor units of an amount such as `5000.00`; null when the text does not match `moneyPattern`. */
export function moneyMinor(text: string): number | null {
  return moneyPattern.test(text) ? Number(text.replace('.', '')) : null
}

/** A duration in the largest unit that divides it: 2592000000 is `30d`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= unitMs[unit] && ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return `${ms}ms`
}
