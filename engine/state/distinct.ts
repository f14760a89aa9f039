/** Slots at first; grows with the largest window ever counted, and windows are bounded. */
const START_SLOTS = 1024

/** Counts different numbers: an open-addressing set that is emptied by a new stamp, so that counting makes no garbage. */
export class DistinctSet {
  /** Different values added since `clear`. */
  size = 0
  #values = new Float64Array(START_SLOTS)
  #stamps = new Uint32Array(START_SLOTS)
  #stamp = 0
  #mask = START_SLOTS - 1
  readonly #bits = new Float64Array(1)
  readonly #halves = new Uint32Array(this.#bits.buffer)

  /** Empties the set and makes sure that `most` values fit. */
  clear(most: number): void {
    this.size = 0
    this.#stamp++
    let slots = 32
    while (slots < most * 2) slots *= 2
    if (slots > this.#values.length || this.#stamp > 0xffff_fff0) {
      const length = Math.max(slots, this.#values.length)
      this.#values = new Float64Array(length)
      this.#stamps = new Uint32Array(length)
      this.#stamp = 1
    }
    this.#mask = slots - 1
  }

  /** Adds a value; the number of values must stay within what `clear` was told. */
  add(value: number): void {
    this.#bits[0] = value
    let hash = Math.imul(this.#halves[0]! ^ Math.imul(this.#halves[1]!, 0x9e3779b1), 0x85ebca6b)
    hash ^= hash >>> 15
    let slot = hash & this.#mask
    while (this.#stamps[slot] === this.#stamp) {
      if (this.#values[slot] === value) return
      slot = (slot + 1) & this.#mask
    }
    this.#stamps[slot] = this.#stamp
    this.#values[slot] = value
    this.size++
  }
}
