/**
 * Draws follow their distribution: they are held against quantiles that are known in closed form, and against the exact
 * distribution function for whole parameters, by the test of Kolmogorov. The draws are hashed, so that nothing here is by chance.
 */
import { describe, expect, test } from 'vitest'
import { drawBeta } from '../../../engine/step/beta-draw.ts'

const count = 100_000

function draws(a: number, b: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => drawBeta(`${a}/${b}/${i}`, a, b)).sort()
}

/** Largest distance between the draws and a distribution function, times the root of their number: above 1.95 in one of a thousand. */
function distance(sorted: Float64Array, cdf: (x: number) => number): number {
  let most = 0
  sorted.forEach((x, i) => {
    const p = cdf(x)
    most = Math.max(most, Math.abs(p - i / count), Math.abs(p - (i + 1) / count))
  })
  return most * Math.sqrt(count)
}

/** P(Beta(a, b) <= x) = P(Binomial(a + b - 1, x) >= a) for whole a and b: Abramowitz and Stegun 26.5.24. */
function wholeCdf(a: number, b: number): (x: number) => number {
  const n = a + b - 1
  return (x) => {
    let sum = 0
    let term = (1 - x) ** n
    for (let k = 0; k <= n; k++) {
      if (k >= a) sum += term
      term *= ((n - k) / (k + 1)) * (x / (1 - x))
    }
    return Math.min(1, sum)
  }
}

describe('quantiles in closed form', () => {
  const known: readonly (readonly [string, number, number, (p: number) => number])[] = [
    ['uniform', 1, 1, (p) => p],
    ['a power', 3, 1, (p) => p ** (1 / 3)],
    ['a power from above', 1, 20, (p) => 1 - (1 - p) ** (1 / 20)],
    ['the arcsine law', 0.5, 0.5, (p) => Math.sin((p * Math.PI) / 2) ** 2],
  ]
  test.each(known)('of %s are met: Beta(%d, %d)', (_, a, b, quantile) => {
    const sorted = draws(a, b)
    for (const p of [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]) {
      const low = sorted[Math.floor((p - 4 * Math.sqrt((p * (1 - p)) / count)) * count)] ?? 0
      const high = sorted[Math.ceil((p + 4 * Math.sqrt((p * (1 - p)) / count)) * count)] ?? 1
      expect(quantile(p)).toBeGreaterThanOrEqual(low)
      expect(quantile(p)).toBeLessThanOrEqual(high)
    }
  })
})

test.each([
  [1, 1],
  [2, 5],
  [7, 3],
  [1, 30],
  [40, 60],
])('the whole distribution of Beta(%d, %d) is met', (a, b) => {
  expect(distance(draws(a, b), wholeCdf(a, b))).toBeLessThan(1.95)
})

test('the test of Kolmogorov would see parameters that are a little off', () => {
  expect(distance(draws(2, 5), wholeCdf(2, 6))).toBeGreaterThan(1.95)
})

test('mean and variance are those of the distribution also where there is much evidence', () => {
  const [a, b] = [3_000.5, 57_000.25]
  const sorted = draws(a, b)
  const mean = sorted.reduce((sum, x) => sum + x, 0) / count
  const variance = sorted.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count
  const exact = (a * b) / ((a + b) ** 2 * (a + b + 1))
  expect(Math.abs(mean - a / (a + b))).toBeLessThan(4 * Math.sqrt(exact / count))
  expect(variance / exact).toBeCloseTo(1, 1)
})

test('extreme parameters give numbers from 0 to 1', () => {
  for (let i = 0; i < 2_000; i++) {
    for (const [a, b] of [
      [0.1, 0.1],
      [0.1, 2e9],
      [2e9, 0.1],
      [1e6, 1e6],
    ] as const) {
      const x = drawBeta(`extreme ${i}`, a, b)
      expect(x >= 0 && x <= 1).toBe(true)
    }
  }
})

test('the same text draws the same, another text another', () => {
  expect(drawBeta('d1\0offer', 2, 30)).toBe(drawBeta('d1\0offer', 2, 30))
  const many = new Set(Array.from({ length: 10_000 }, (_, i) => drawBeta(`d${i}\0offer`, 2, 30)))
  expect(many.size).toBe(10_000)
})

test('draws of one decision for two offers have nothing to do with each other', () => {
  let product = 0
  for (let i = 0; i < count; i++) product += (drawBeta(`d${i}\0a`, 1, 1) - 0.5) * (drawBeta(`d${i}\0b`, 1, 1) - 0.5)
  // Each product has deviation 1/12.
  expect(Math.abs(product / count)).toBeLessThan((4 * (1 / 12)) / Math.sqrt(count))
})
