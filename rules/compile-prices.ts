/** From the prices of an offer to functions over the frame. */
import { strict as assert } from 'node:assert'
import { compileAmount, compileNumber } from './cel/compile.ts'
import type { Guard } from './cel/guard.ts'
import type { CelResult } from './cel/problem.ts'
import type { CompiledPrice, NumberExpression } from './compiled.ts'
import { isPrice, type PriceModel } from './price-model.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Compiles what a price is worked out by; constants too. */
export function compilePriceValue(
  { kind, value }: PriceModel,
  vocabulary: Vocabulary,
  guard: Guard | null = null,
): CelResult<NumberExpression> {
  if (typeof value === 'number' || kind !== 'fee') return compileNumber(value, vocabulary, guard)
  return compileAmount(value, vocabulary, guard)
}

/** Compiles the prices of a checked pack. A price that throws under a guard is as one of which something is not known. */
export function compilePrices(
  prices: readonly PriceModel[],
  vocabulary: Vocabulary,
  guard: Guard | null,
): readonly CompiledPrice[] {
  return prices.map((price) => {
    const compiled = compilePriceValue(price, vocabulary, guard)
    assert(compiled.kind === 'ok', 'the prices of a checked pack compile')
    const { low, reads } = compiled.value
    const value = (lo: Float64Array, hi: Float64Array): number => {
      for (let i = 0; i < reads.length; i++) if (lo[reads[i]!] !== hi[reads[i]!]) return Number.NaN
      return priceNumber(price, low(lo, hi, null))
    }
    const otherwise = price.otherwise ?? priceNumber(price, low(noFrame, noFrame, null))
    return { id: price.id, kind: price.kind, value, otherwise, reads }
  })
}

const noFrame = new Float64Array(0)

/** A fee in whole minor units, half a unit up; NaN beyond the limits of the kind. */
export function priceNumber({ kind }: PriceModel, value: number): number {
  // Never -0, which is no other price than 0 and looks like one.
  const number = (kind === 'fee' ? Math.round(value) : value) + 0
  return isPrice(kind, number) ? number : Number.NaN
}
