/** Judging a policy by the log of another one is held against logs whose truth is known. */
import { describe, expect, test } from 'vitest'
import { effectiveRows, estimate, estimateWithin, type Weighted } from '../../../bench/off-policy/estimates.ts'
import { learnerPolicy, shownPolicy, weighted } from '../../../bench/off-policy/item-policies.ts'
import { judge } from '../../../bench/off-policy/off-policy.ts'
import type { Impression } from '../../../bench/off-policy/open-bandit-data.ts'
import { createRandom, type Random } from '../../../bench/workload/random.ts'

const rates = [0.02, 0.05, 0.1, 0.3]

/** Impressions of a policy that shows item i with probability `shows[i]`, clicked at the rates above. */
function log(shows: readonly number[], count: number, random: Random): readonly Impression[] {
  return Array.from({ length: count }, (_, n) => {
    let item = 0
    for (let u = random.next(); item < shows.length - 1 && u >= (shows[item] ?? 0); item++) u -= shows[item] ?? 0
    return { item, position: 1 + (n % 3), clicked: random.chance(rates[item] ?? 0), propensity: shows[item] ?? 1 }
  })
}

const worth = (shows: readonly number[]) => shows.reduce((sum, share, item) => sum + share * (rates[item] ?? 0), 0)
const uniform = [0.25, 0.25, 0.25, 0.25]
const skewed = [0.1, 0.2, 0.3, 0.4]
const policyOf = (shows: readonly number[]) =>
  new Map([1, 2, 3].map((position) => [position, Float64Array.from(shows)] as const))

describe('a policy judged by the log of another', () => {
  test.each([
    ['uniform', uniform, 'skewed', skewed],
    ['skewed', skewed, 'uniform', uniform],
  ] as const)('that was %s is worth what it is worth: %#', (_, logging, __, judged) => {
    const rows = weighted(log(logging, 200_000, createRandom(3, 'truth')), policyOf(judged))
    for (const estimator of ['inverse', 'selfNormalised'] as const)
      expect(estimate(rows, estimator)).toBeCloseTo(worth(judged), 2)
  })

  test('is not what the log earned: without weights the answer would be another', () => {
    const rows = log(uniform, 200_000, createRandom(3, 'truth'))
    expect(estimate(weighted(rows, null), 'inverse')).toBeCloseTo(worth(uniform), 2)
    expect(worth(skewed) - worth(uniform)).toBeGreaterThan(0.03)
  })

  test('is within its interval nineteen times of twenty', () => {
    let within = 0
    const times = 200
    for (let i = 0; i < times; i++) {
      const rows = weighted(log(uniform, 800, createRandom(i, 'coverage')), policyOf(skewed))
      const { low, high } = estimateWithin(rows, 'selfNormalised', { resamples: 300, seed: i })
      if (low <= worth(skewed) && worth(skewed) <= high) within++
    }
    // Of 200 at 95 %, fewer than 177 or more than 199 come once in thousands.
    expect(within).toBeGreaterThanOrEqual(177)
    expect(within).toBeLessThanOrEqual(199)
  })
})

test('estimates of a few rows are those of a pocket calculator', () => {
  const rows: Weighted = { reward: Float64Array.of(1, 0, 1), weight: Float64Array.of(0.5, 2, 1) }
  expect(estimate(rows, 'inverse')).toBeCloseTo(1.5 / 3, 12)
  expect(estimate(rows, 'selfNormalised')).toBeCloseTo(1.5 / 3.5, 12)
  expect(effectiveRows(rows)).toBeCloseTo(3.5 ** 2 / 5.25, 12)
  expect(effectiveRows({ ...rows, weight: Float64Array.of(1, 1, 1) })).toBe(3)
})

test('the same seed gives the same interval, another one about the same', () => {
  const rows = weighted(log(uniform, 2_000, createRandom(5, 'seed')), policyOf(skewed))
  const first = estimateWithin(rows, 'inverse', { resamples: 500, seed: 1 })
  expect(estimateWithin(rows, 'inverse', { resamples: 500, seed: 1 })).toEqual(first)
  expect(estimateWithin(rows, 'inverse', { resamples: 500, seed: 2 }).low).toBeCloseTo(first.low, 2)
})

describe('the learner', () => {
  const options = { items: 4, positions: [1, 2, 3], prior: [1, 9], floor: 0, byPosition: false, draws: 4_000 } as const

  test('that has seen nothing shows all items alike', () => {
    for (const shares of learnerPolicy([], options).values())
      for (const share of shares) expect(share).toBeCloseTo(0.25, 1)
  })

  test('that has seen much shows the best, and is judged to earn more than who showed them alike', () => {
    const seen = log(uniform, 20_000, createRandom(7, 'seen'))
    const policy = learnerPolicy(seen, options)
    for (const shares of policy.values()) {
      expect(shares[3]).toBeGreaterThan(0.99)
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
    }
    const judgedOn = log(uniform, 20_000, createRandom(8, 'judged on'))
    const { low } = estimateWithin(weighted(judgedOn, policy), 'selfNormalised', { resamples: 200 })
    expect(low).toBeGreaterThan(2 * worth(uniform))
  })

  test('learns each position apart when it is told to', () => {
    const seen = log(uniform, 3_000, createRandom(9, 'apart')).filter(({ position }) => position === 1)
    const policy = learnerPolicy(seen, { ...options, byPosition: true })
    expect(policy.get(1)?.[3]).toBeGreaterThan(0.9)
    expect(policy.get(2)?.[3]).toBeLessThan(0.4)
  })
})

test('how often a log showed what is read from it', () => {
  const shown = shownPolicy(log(skewed, 30_000, createRandom(4, 'shown')), 4)
  for (const shares of shown.values())
    for (const [item, share] of skewed.entries()) expect(shares[item]).toBeCloseTo(share, 1)
})

test('no row judges a policy that has learned from it', () => {
  const random = log(uniform, 300, createRandom(1, 'random'))
  const bts = log(skewed, 300, createRandom(2, 'bts'))
  const rows = judge({ random, bts }, { byPosition: false, resamples: 20, prior: null })
  expect(rows.map(({ policy, judgedOn }) => [policy, judgedOn])).toEqual([
    ['random', 'its own log'],
    ['bts', 'its own log'],
    ['bts', 'the log of random'],
    ['learner, having seen bts', 'the log of random'],
    ['learner, having seen random', 'the log of bts'],
  ])
})
