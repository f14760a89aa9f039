import type { Model } from '../../rules/model.ts'
import type { Claim } from '../shard/step-batch.ts'
import { nothingKnown, type Settlement, type StockInput } from '../step/funnel/stock-view.ts'

type Kept = { readonly resource: string; readonly amount: number; leaseUntil: number }

/**
 * The resources of a scenario, by its clock: what the story says is there, or the pack. One input comes after the other, so that what
 * is known of them is exact and nothing is refused behind the step.
 */
export class ScenarioStock {
  readonly #units: readonly { readonly id: string; readonly units: number | null }[]
  readonly #kept = new Map<string, Kept>()

  /** @param given units left at the start, null: not known; of what is left out the pack's number */
  constructor({ resources }: Model, given: Readonly<Record<string, number | null>>) {
    this.#units = resources.map(({ id, units }) => ({
      id,
      units: Object.hasOwn(given, id) ? (given[id] ?? null) : units,
    }))
  }

  /** What is left at an instant. */
  at(now: number): StockInput {
    const left = this.#units.map(({ id, units }) => {
      if (units === null) return Number.NaN
      let taken = 0
      for (const one of this.#kept.values()) if (one.resource === id && one.leaseUntil > now) taken += one.amount
      return Math.max(0, units - taken)
    })
    return { left, ...nothingKnown }
  }

  /** What a step claimed, and what became of earlier claims. */
  take(claims: readonly Claim[], settlements: readonly Settlement[]): void {
    for (const { resource, id, amount, leaseUntil } of claims) {
      this.#kept.set(`${resource} ${id}`, { resource, amount, leaseUntil })
    }
    for (const { kind, resource, id, amount } of settlements) {
      const key = `${resource} ${id}`
      if (kind === 'lapse') this.#kept.delete(key)
      else this.#kept.set(key, { resource, amount, leaseUntil: Number.POSITIVE_INFINITY })
    }
  }
}
