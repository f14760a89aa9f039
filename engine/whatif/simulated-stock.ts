import type { Model } from '../../rules/model.ts'
import type { Decision } from '../../sinks/decision.ts'
import { nothingKnown, type Settlement, type StockInput } from '../step/funnel/stock-view.ts'
import { MinHeap } from './min-heap.ts'

type Kept = { readonly resource: number; readonly amount: number; leaseUntil: number }
type Lease = { readonly key: string; readonly until: number }

/**
 * The resources of a simulated bank: what is left by its own clock, exactly, as one input comes after the other. What is claimed and not
 * accepted comes back when its lease is over.
 */
export class SimulatedStock {
  readonly #ids: readonly string[]
  readonly #index: ReadonlyMap<string, number>
  readonly #left: Float64Array
  readonly #kept = new Map<string, Kept>()
  /** By their end; one that was settled meanwhile is passed over when its turn comes. */
  readonly #leases = new MinHeap<Lease>((one, other) => one.until < other.until)
  /** When a resource had less than an offer would have taken first, Unix milliseconds; 0: never. */
  readonly ranOutAt: Float64Array

  /** All of what the pack says is there. */
  constructor({ resources }: Pick<Model, 'resources'>) {
    this.#ids = resources.map(({ id }) => id)
    this.#index = new Map(this.#ids.map((id, i) => [id, i]))
    this.#left = Float64Array.from(resources, ({ units }) => units)
    this.ranOutAt = new Float64Array(resources.length)
  }

  get isUsed(): boolean {
    return this.#ids.length > 0
  }

  /** From now on this much is left, by id; of what is not named the pack's units less what is kept. Nothing has run out yet. */
  begin(left: ReadonlyMap<string, number>): void {
    for (const [i, id] of this.#ids.entries()) {
      const units = left.get(id)
      if (units !== undefined && !Number.isNaN(units)) this.#left[i] = units
    }
    this.ranOutAt.fill(0)
  }

  /** Units left of a resource by index. */
  leftOf(resource: number): number {
    return this.#left[resource]!
  }

  /** What is known at an instant. */
  at(now: number): StockInput {
    for (let first = this.#leases.first; first !== undefined && first.until <= now; first = this.#leases.first) {
      this.#leases.pop()
      const kept = this.#kept.get(first.key)
      if (kept === undefined || kept.leaseUntil !== first.until) continue
      this.#kept.delete(first.key)
      this.#left[kept.resource]! += kept.amount
    }
    return { left: Array.from(this.#left), ...nothingKnown }
  }

  /** What a decision claimed, and which resources it found too little of. */
  claim({ stock, now }: Pick<Decision, 'stock' | 'now'>): void {
    for (const { resource, claim: id, amount, left, until } of stock) {
      const index = this.#index.get(resource)
      if (index === undefined) continue
      if (id === null) {
        if (left !== null && left < amount && this.ranOutAt[index] === 0) this.ranOutAt[index] = now
        continue
      }
      const key = `${resource} ${id}`
      if (this.#kept.has(key)) continue
      this.#kept.set(key, { resource: index, amount, leaseUntil: until })
      this.#left[index]! -= amount
      this.#leases.push({ key, until })
    }
  }

  /** What became of claims. */
  settle(settlements: readonly Settlement[]): void {
    for (const { kind, resource, id, amount } of settlements) {
      const index = this.#index.get(resource)
      if (index === undefined) continue
      const key = `${resource} ${id}`
      const kept = this.#kept.get(key)
      if (kind === 'lapse') {
        if (kept === undefined) continue
        this.#kept.delete(key)
        this.#left[index]! += kept.amount
      } else if (kept === undefined) {
        this.#kept.set(key, { resource: index, amount, leaseUntil: Number.POSITIVE_INFINITY })
        this.#left[index]! -= amount
      } else {
        kept.leaseUntil = Number.POSITIVE_INFINITY
      }
    }
  }
}
