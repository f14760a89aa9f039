/** Prices in words, and as they are told to apps. */
import type { PriceKind } from './price-model.ts'

/** An amount of minor units as a decimal text, `5.00`. */
export function amountText(minor: number): string {
  const digits = String(minor).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** A price for people: `1.85 %`, `5.00 CNY`, `1.2`. */
export function formatPrice(kind: PriceKind, value: number, currency: string): string {
  if (kind === 'fee') return `${amountText(value)} ${currency}`
  return kind === 'multiplier' ? String(value) : `${Number((value * 100).toPrecision(12))} %`
}
