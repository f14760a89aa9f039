/** Policies that show one item at a position, as the probability of each. */
import { drawBeta } from '../../engine/step/beta-draw.ts'
import type { Weighted } from './estimates.ts'
import type { Impression } from './open-bandit-data.ts'

/** By position, the probability of each item. */
export type ItemPolicy = ReadonlyMap<number, Float64Array>

export type LearnerOptions = {
  readonly items: number
  readonly positions: readonly number[]
  /** Clicks and missed clicks that are taken for granted, as in a pack. */
  readonly prior: readonly [number, number]
  readonly floor: number
  /** Whether each position is a segment of its own. */
  readonly byPosition: boolean
  /** Decisions that are drawn to learn how often each item wins. */
  readonly draws: number
}

/**
 * The policy of the engine's learned propensities after it has seen a log: an item's propensity is a draw from
 * Beta(prior + clicks, prior + missed clicks), hashed from the decision and the item, and the highest wins. How often each
 * wins is counted over many decisions.
 */
export function learnerPolicy(seen: readonly Impression[], options: LearnerOptions): ItemPolicy {
  const { items, positions, prior, floor, byPosition, draws } = options
  const policy = new Map<number, Float64Array>()
  for (const position of positions) {
    const a = new Float64Array(items).fill(prior[0])
    const b = new Float64Array(items).fill(prior[1])
    for (const row of seen) {
      if (byPosition && row.position !== position) continue
      if (row.clicked) a[row.item]!++
      else b[row.item]!++
    }
    const wins = new Float64Array(items)
    for (let decision = 0; decision < draws; decision++) {
      let best = 0
      let highest = -1
      for (let item = 0; item < items; item++) {
        const drawn = Math.max(floor, drawBeta(`${position}-${decision}\0${item}`, a[item]!, b[item]!))
        if (drawn <= highest) continue
        highest = drawn
        best = item
      }
      wins[best]!++
    }
    policy.set(
      position,
      wins.map((count) => count / draws),
    )
  }
  return policy
}

/** How often a logged policy showed each item, on the average of its time. */
export function shownPolicy(log: readonly Impression[], items: number): ItemPolicy {
  const policy = new Map<number, Float64Array>()
  for (const { item, position } of log) {
    const shown = policy.get(position) ?? new Float64Array(items)
    shown[item]!++
    policy.set(position, shown)
  }
  for (const [position, shown] of policy) {
    const all = shown.reduce((sum, count) => sum + count, 0)
    policy.set(
      position,
      shown.map((count) => count / all),
    )
  }
  return policy
}

/** The rows of a log with the weights of a policy; null: of the policy that was logged, all of them 1. */
export function weighted(log: readonly Impression[], policy: ItemPolicy | null): Weighted {
  return {
    reward: Float64Array.from(log, ({ clicked }) => (clicked ? 1 : 0)),
    weight: Float64Array.from(log, ({ item, position, propensity }) =>
      policy === null ? 1 : (policy.get(position)?.[item] ?? 0) / propensity,
    ),
  }
}
