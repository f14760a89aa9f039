import type { TakenUnits } from '../../sinks/batch.ts'

/** Notes what each input of a step takes off what is left of resources. */
export class UnitsTaken {
  readonly units: TakenUnits[] = []
  readonly #left: Float64Array
  readonly #before: Float64Array
  readonly #others: readonly TakenUnits[]
  #next = 0

  /**
   * @param left what is left, as the step sees and changes it
   * @param others what inputs took that are not stepped here, by place
   */
  constructor(left: Float64Array, others: readonly TakenUnits[]) {
    this.#left = left
    this.#before = left.slice()
    this.#others = others
  }

  /** The input at a place comes next; places ascend. What others took before it is gone. */
  begin(input: number): void {
    for (let other = this.#others[this.#next]; other !== undefined && other.input < input; ) {
      this.#left[other.resource]! -= other.amount
      other = this.#others[++this.#next]
    }
    this.#before.set(this.#left)
  }

  /** The input was stepped. */
  end(input: number): void {
    for (let resource = 0; resource < this.#left.length; resource++) {
      const amount = this.#before[resource]! - this.#left[resource]!
      // What is not known, or without end, stays as it is.
      if (amount > 0) this.units.push({ input, resource, amount })
    }
  }
}
