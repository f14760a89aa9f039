/** Values in words and units: amounts, durations, instants, enum values, bounds. */
import type { Language } from '../../rules/explain-texts.ts'

/** How a value is to be read: type of a frame variable, or `ratio` for growth (2 is +200 %). */
export type ValueType = 'int' | 'double' | 'money' | 'bool' | 'enum' | 'instant' | 'duration' | 'ratio'

/** Whose units: amounts in minor units of `currency` (ISO 4217), instants in `zone` (IANA). */
export type Wording = { readonly language: Language; readonly currency: string; readonly zone: string }

/** A condition as it stands in a sentence: line breaks of the pack's YAML become spaces. */
export function oneLine(condition: string): string {
  return condition.trim().replace(/\s*\n\s*/g, ' ')
}

/** A value between two bounds in words: `6`, `5,000.00 CNY`, `at least 3`, `between 3 and 5`, or `unknown`. */
export function valueWords(
  bounds: { readonly lo: number; readonly hi: number },
  type: ValueType,
  values: readonly string[],
  wording: Wording,
): string {
  const { lo, hi } = bounds
  const zh = wording.language === 'zh'
  const one = (value: number): string => singleWords(value, type, values, wording)
  if (lo === hi) return one(lo)
  const open = !Number.isFinite(lo) && !Number.isFinite(hi)
  if (open || type === 'enum' || type === 'bool') return zh ? '未知' : 'unknown'
  if (!Number.isFinite(hi)) return zh ? `至少${one(lo)}` : `at least ${one(lo)}`
  if (!Number.isFinite(lo)) return zh ? `至多${one(hi)}` : `at most ${one(hi)}`
  return zh ? `介于${one(lo)}与${one(hi)}之间` : `between ${one(lo)} and ${one(hi)}`
}

/** An amount of integer minor units, such as `5,000.00 CNY`. */
export function moneyWords(minor: number, currency: string): string {
  const digits = String(Math.abs(Math.round(minor))).padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${minor < 0 ? '-' : ''}${whole}.${digits.slice(-2)} ${currency}`.trimEnd()
}

/** A duration in its largest sensible unit, one decimal at most: `2.5 days`, `15 minutes`, `0 seconds`. */
export function durationWords(ms: number, language: Language): string {
  const unit = units.find((candidate) => Math.abs(ms) >= candidate.ms) ?? secondUnit
  const amount = numberWords(Math.round((ms / unit.ms) * 10) / 10)
  if (language === 'zh') return `${amount}${unit.zh}`
  return `${amount} ${unit.en}${amount === '1' ? '' : 's'}`
}

/** An instant in the bank's zone, to the second: `2026-03-01 09:00:00`. */
export function instantWords(at: number, zone: string): string {
  if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return String(at)
  // The Swedish locale writes ISO 8601 order.
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: zone }).format(at)
}

/** A plain number with thousands separators and at most four decimals. */
export function numberWords(value: number): string {
  return numbers.format(value)
}

const numbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 4 })
const secondUnit = { ms: 1_000, en: 'second', zh: '秒' } as const
const units = [
  { ms: 86_400_000, en: 'day', zh: '天' },
  { ms: 3_600_000, en: 'hour', zh: '小时' },
  { ms: 60_000, en: 'minute', zh: '分钟' },
  secondUnit,
] as const

function singleWords(value: number, type: ValueType, values: readonly string[], wording: Wording): string {
  const zh = wording.language === 'zh'
  switch (type) {
    case 'money':
      return moneyWords(value, wording.currency)
    case 'duration':
      return durationWords(value, wording.language)
    case 'instant':
      return instantWords(value, wording.zone)
    case 'bool':
      if (value === 0) return zh ? '否' : 'no'
      return zh ? '是' : 'yes'
    case 'enum':
      return values[value] ?? (zh ? '未知' : 'unknown')
    case 'ratio':
      return `${value > 0 ? '+' : ''}${numberWords(Math.round(value * 10_000) / 100)} %`
    default:
      return numberWords(value)
  }
}
