/**
 * The seqs whose outbox values are stored for one partition, ascending, so that a trim names fields instead of asking for
 * them. As many as the outbox holds, which the shard bounds.
 */
export class OutboxSeqs {
  #seqs: number[]
  #first = 0

  /** @param seqs in any order */
  constructor(seqs: readonly number[]) {
    this.#seqs = [...seqs].sort((a, b) => a - b)
  }

  /** Takes a new value's seq in; one that is not above all others is known. */
  add(seq: number): void {
    const last = this.#first < this.#seqs.length ? this.#seqs.at(-1) : undefined
    if (last === undefined || last < seq) this.#seqs.push(seq)
  }

  /** The oldest seqs up to `upTo`, at most `limit` of them. */
  oldest(upTo: number, limit: number): number[] {
    const found: number[] = []
    for (let i = this.#first; i < this.#seqs.length && found.length < limit; i++) {
      const seq = this.#seqs[i] ?? 0
      if (seq > upTo) break
      found.push(seq)
    }
    return found
  }

  /** Forgets the seqs up to `upTo`. */
  drop(upTo: number): void {
    while ((this.#seqs[this.#first] ?? Number.POSITIVE_INFINITY) <= upTo) this.#first++
    if (this.#first < 256 && this.#first < this.#seqs.length) return
    this.#seqs = this.#seqs.slice(this.#first)
    this.#first = 0
  }
}
