/** Numbers for customers, given in the order they come, so that sets of them are bits. */
export class CustomerNumbers {
  readonly #numbers = new Map<string, number>()
  readonly #ids: string[] = []

  of(customerId: string): number {
    const known = this.#numbers.get(customerId)
    if (known !== undefined) return known
    const number = this.#ids.length
    this.#numbers.set(customerId, number)
    this.#ids.push(customerId)
    return number
  }

  /** @param number one that `of` gave */
  idOf(number: number): string {
    return this.#ids[number] ?? ''
  }

  /** All of them, each at its number. */
  get ids(): readonly string[] {
    return this.#ids
  }
}

/** A set of customers by number: a bit each. */
export class CustomerSet {
  #words = new Uint32Array(64)
  #size = 0

  get size(): number {
    return this.#size
  }

  add(number: number): void {
    const word = number >>> 5
    if (word >= this.#words.length) {
      const larger = new Uint32Array(Math.max(word + 1, this.#words.length * 2))
      larger.set(this.#words)
      this.#words = larger
    }
    const bit = 1 << (number & 31)
    if ((this.#words[word]! & bit) !== 0) return
    this.#words[word]! |= bit
    this.#size++
  }

  /** Its customers by number, ascending. */
  *numbers(): Generator<number> {
    for (const [word, bits] of this.#words.entries())
      for (let left = bits; left !== 0; left &= left - 1) yield word * 32 + (31 - Math.clz32(left & -left))
  }

  has(number: number): boolean {
    const word = number >>> 5
    return word < this.#words.length && (this.#words[word]! & (1 << (number & 31))) !== 0
  }

  /** How many of this set are not in the other, and the first ones of them. */
  without(other: CustomerSet, firstMax: number): { readonly count: number; readonly first: readonly number[] } {
    let count = 0
    const first: number[] = []
    for (let word = 0; word < this.#words.length; word++) {
      const theirs = word < other.#words.length ? other.#words[word]! : 0
      for (let left = this.#words[word]! & ~theirs; left !== 0; left &= left - 1) {
        count++
        if (first.length < firstMax) first.push(word * 32 + (31 - Math.clz32(left & -left)))
      }
    }
    return { count, first }
  }
}
