import type { Layout } from '../../rules/compiled.ts'
import type { Heap } from './heap.ts'
import type { RecordShape } from './record.ts'
import { DIRECTORY_N, NO_NUMBER, numberAt } from './record.ts'

/**
 * The names of attributes and series in stored states. A base and the patches after it number the keys they name in the order
 * they name them; a patch says the number. A target is an attribute's index (expiries behind them), or the number of both plus a series' index.
 */
export class Directory {
  /** Key of each target, as a number. */
  readonly keys: Float64Array
  readonly #attributes: ReadonlyMap<number, number>
  readonly #series: ReadonlyMap<number, number>
  readonly #heap: Heap
  readonly #shape: RecordShape

  constructor(heap: Heap, shape: RecordShape, layout: Layout) {
    this.#heap = heap
    this.#shape = shape
    const stored = [...layout.attributes, ...(layout.expiries ?? []), ...layout.series]
    const keyed = stored.map((def) => Number.parseInt(def.key, 16))
    this.keys = Float64Array.from(keyed)
    this.#attributes = new Map(keyed.slice(0, shape.attributes).map((key, index) => [key, index]))
    this.#series = new Map(keyed.slice(shape.attributes).map((key, index) => [key, shape.attributes + index]))
  }

  /** Target an attribute's key names; -1: the layout does not know it. */
  attribute(key: number): number {
    return this.#attributes.get(key) ?? -1
  }

  /** Target a series' key names; -1: the layout does not know it. */
  series(key: number): number {
    return this.#series.get(key) ?? -1
  }

  /** Number of a target in the stored customer; `NO_NUMBER`: not named yet. */
  numberOf(r: number, target: number): number {
    return this.#heap.u16[numberAt(this.#shape, r, target)]!
  }

  /** Gives the next number to a target; -1 lets an unknown key have it. */
  name(r: number, target: number): number {
    const { u16 } = this.#heap
    const number = u16[r * 4 + DIRECTORY_N]!++
    if (target !== -1) u16[numberAt(this.#shape, r, target)] = number
    return number
  }

  /** Forgets all numbers. */
  clear(r: number): void {
    const { u16 } = this.#heap
    for (let target = 0; target < this.keys.length; target++) u16[numberAt(this.#shape, r, target)] = NO_NUMBER
    u16[r * 4 + DIRECTORY_N] = 0
  }
}
