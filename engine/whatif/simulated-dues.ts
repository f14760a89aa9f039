import type { Due } from '../state/states.ts'
import { MinHeap } from './min-heap.ts'

/** When something of each customer is due next, by partition: the first one at hand. */
export class SimulatedDues {
  readonly #at = new Map<string, number>()
  /** One a partition; an entry that is not that of `#at` any more is passed over. */
  readonly #heaps: MinHeap<Due>[] = []

  /** When something of a customer is due; 0: nothing is. */
  of(partition: number, customerId: string): number {
    return this.#at.get(`${partition} ${customerId}`) ?? 0
  }

  /** `at` 0: nothing is due any more. */
  set(partition: number, customerId: string, at: number): void {
    const key = `${partition} ${customerId}`
    if (at === 0) {
      this.#at.delete(key)
      return
    }
    if (this.#at.get(key) === at) return
    this.#at.set(key, at)
    while (this.#heaps.length <= partition) this.#heaps.push(new MinHeap(isBefore))
    this.#heaps[partition]?.push({ customerId, at })
  }

  /** Who is first, of two at one instant by the customer's id. */
  first(partition: number): Due | null {
    const heap = this.#heaps[partition]
    for (let first = heap?.first; first !== undefined; first = heap?.first) {
      if (this.of(partition, first.customerId) === first.at) return first
      heap?.pop()
    }
    return null
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.customerId < other.customerId)
}
