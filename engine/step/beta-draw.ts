/**
 * Draws from a Beta distribution that are a function of a text: the same text gives the same draw on every node and in every
 * replay (to the last bit on one release of the runtime, whose `log`, `cos` and powers they go through).
 */
import { hash64 } from '../../ingest/hash.ts'

/** Rejections in a row before the mode of the distribution is taken: less likely than 10^-80. */
const triesMax = 64

/** Generator of the draw at hand. Scratch memory: every draw seeds it anew. */
const state = new Uint32Array(4)
const seed = new Uint32Array(2)

/**
 * A draw from Beta(a, b): X / (X + Y) of two Gamma draws with shapes a and b (Johnson, Kotz and Balakrishnan 1995, Continuous
 * Univariate Distributions 2, section 25.2). Cost: below 1 us.
 *
 * @param text what the draw is hashed from, different for each draw that is to be independent
 * @param a at least 0.1
 * @param b at least 0.1
 * @returns from 0 to 1, never NaN
 */
export function drawBeta(text: string, a: number, b: number): number {
  seedWith(text)
  const x = gamma(a)
  const y = gamma(b)
  return x / (x + y)
}

/**
 * A draw from Gamma(shape, 1): Marsaglia and Tsang 2000, A simple method for generating gamma variables, ACM Transactions on
 * Mathematical Software 26(3), section 2; shapes below 1 by their section 6.
 */
function gamma(shape: number): number {
  if (shape < 1) return gamma(shape + 1) * uniform() ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (let i = 0; i < triesMax; i++) {
    const x = normal()
    const root = 1 + c * x
    if (root <= 0) continue
    const v = root * root * root
    if (Math.log(uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
  return d
}

/** A draw from the normal distribution with mean 0 and deviation 1: Box and Muller 1958, Annals of Mathematical Statistics 29(2). */
function normal(): number {
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** Uniform over (0, 1), both ends left out: 53 bits. */
function uniform(): number {
  const high = next() >>> 5
  const low = next() >>> 6
  return (high * 67_108_864 + low + 0.5) / 9_007_199_254_740_992
}

/** sfc32, the small fast counting generator of Doty-Humphrey (PractRand, 2010): passes its tests beyond 2^40 bytes. */
function next(): number {
  const a = state[0]!
  const b = state[1]!
  const c = state[2]!
  const counter = state[3]!
  const drawn = (a + b + counter) >>> 0
  state[3] = counter + 1
  state[0] = b ^ (b >>> 9)
  state[1] = c + (c << 3)
  state[2] = ((c << 21) | (c >>> 11)) + drawn
  return drawn
}

/** Fills the generator from 64 bits of hash; twelve rounds mix them, as its author does. */
function seedWith(text: string): void {
  hash64(text, seed)
  state[0] = seed[0]!
  state[1] = seed[1]!
  state[2] = 0x9e3779b9
  state[3] = 1
  for (let i = 0; i < 12; i++) next()
}
