/**
 * What a policy would have earned, estimated from what another one did. For each logged row the weight is how likely the judged
 * policy is to do the same, over how likely the logging one was.
 */
import { createRandom } from '../workload/random.ts'

/** A logged row: what it earned, and the weight of the judged policy. */
export type Weighted = { readonly reward: Float64Array; readonly weight: Float64Array }

export type Estimate = { readonly value: number; readonly low: number; readonly high: number }

/**
 * - `inverse`: inverse propensity weighting, the mean of weight x reward (Horvitz and Thompson 1952): unbiased, wide.
 * - `selfNormalised`: the sum of weight x reward over the sum of weights (Swaminathan and Joachims 2015, The self-normalized
 *   estimator for counterfactual learning): a little biased, mostly narrower, never beyond the rewards.
 */
export type Estimator = 'inverse' | 'selfNormalised'

/** The estimate of the rows as they are. */
export function estimate(rows: Weighted, estimator: Estimator): number {
  const { reward, weight } = rows
  let earned = 0
  let weights = 0
  for (let i = 0; i < reward.length; i++) {
    earned += weight[i]! * reward[i]!
    weights += weight[i]!
  }
  if (estimator === 'inverse') return reward.length === 0 ? Number.NaN : earned / reward.length
  return weights === 0 ? Number.NaN : earned / weights
}

/**
 * The estimate with its 95 % interval by the bootstrap: rows are drawn with replacement, and the 2.5th and 97.5th of a hundred
 * of the estimates are the ends (Efron 1979; percentile method). Rows count as independent, although three of them are one
 * page. The same seed gives the same interval.
 */
export function estimateWithin(rows: Weighted, estimator: Estimator, { resamples = 2_000, seed = 1 } = {}): Estimate {
  const { reward, weight } = rows
  const count = reward.length
  const random = createRandom(seed, 'bootstrap')
  const drawn = new Float64Array(resamples)
  for (let round = 0; round < resamples; round++) {
    let earned = 0
    let weights = 0
    for (let i = 0; i < count; i++) {
      const row = random.below(count)
      earned += weight[row]! * reward[row]!
      weights += weight[row]!
    }
    drawn[round] = estimator === 'inverse' ? earned / count : weights === 0 ? 0 : earned / weights
  }
  drawn.sort()
  const at = (share: number): number => drawn[Math.min(resamples - 1, Math.floor(share * resamples))] ?? Number.NaN
  return { value: estimate(rows, estimator), low: at(0.025), high: at(0.975) }
}

/** How many rows of equal weight would tell as much: (sum of weights)^2 / sum of squares (Kish 1965). */
export function effectiveRows({ weight }: Weighted): number {
  let sum = 0
  let squares = 0
  for (const one of weight) {
    sum += one
    squares += one * one
  }
  return squares === 0 ? 0 : (sum * sum) / squares
}
