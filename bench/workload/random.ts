/** Seeded draws for workloads: the same seed gives the same numbers on every machine. Not for secrets. */
import { hash64 } from '../../ingest/hash.ts'

export type Random = {
  /** Uniform in [0, 1), 32 bits. */
  next(): number
  /** Whole number from 0 to below `bound` (1 to 2^32). */
  below(bound: number): number
  /** True with the given probability. */
  chance(probability: number): boolean
  /** One of the values. */
  pick<const T extends readonly [unknown, ...unknown[]]>(values: T): T[number]
  /** Index drawn by weights that `cumulate` made. */
  weighted(cumulated: Float64Array): number
}

const lanes = new Uint32Array(2)

/**
 * Draws for one purpose. Different names give independent draws, so that a new purpose leaves the others as they were.
 * sfc32 (Doty-Humphrey, PractRand), seeded by the hash of seed and name.
 */
export function createRandom(seed: number, name: string): Random {
  hash64(`${seed} ${name}`, lanes)
  let a = lanes[0]! | 0
  let b = lanes[1]! | 0
  let c = seed | 0
  let counter = 1
  const bits = (): number => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  // The state needs some rounds before its bits are mixed.
  for (let i = 0; i < 12; i++) bits()
  const next = (): number => bits() / 0x1_0000_0000
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (values) => values[below(values.length)] ?? values[0],
    weighted: (cumulated) => search(cumulated, next() * (cumulated[cumulated.length - 1] ?? 0)),
  }
}

/** Running sums of weights, for `weighted`. */
export function cumulate(weights: readonly number[]): Float64Array {
  const sums = new Float64Array(weights.length)
  let sum = 0
  weights.forEach((weight, i) => {
    sum += weight
    sums[i] = sum
  })
  return sums
}

/** First index whose sum is above `x`. */
function search(sums: Float64Array, x: number): number {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle]! > x) high = middle
    else low = middle + 1
  }
  return low
}
