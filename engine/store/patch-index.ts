import { hash64 } from '../../ingest/hash.ts'

const lanes = new Uint32Array(2)

/**
 * A flat index from customer to the chain of its patches in the journal's ring: open addressing with linear probing and
 * backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R) over typed arrays. No object a customer or a patch.
 */
export class PatchIndex {
  /** Reads the customer id of the patch at a position, so that equal hashes are told apart. */
  readonly #idAt: (position: number) => string
  #mask = 1_023
  #used = 0
  #high = new Uint32Array(1_024)
  #low = new Uint32Array(1_024)
  /** Oldest and newest entry of the customer in a cell; an empty cell has head -1. */
  #heads = new Int32Array(1_024).fill(-1)
  #tails = new Int32Array(1_024)
  /** Entries: where the patch lies in the ring, and which entry follows. */
  #positions = new Float64Array(1_024)
  #nexts = new Int32Array(1_024)
  #entries = 0
  #free = -1

  constructor(idAt: (position: number) => string) {
    this.#idAt = idAt
  }

  /** Adds a patch, newest so far, found at a position of the ring. */
  add(customerId: string, position: number): void {
    const entry = this.#newEntry(position)
    const cell = this.#cellOf(customerId)
    if (this.#heads[cell]! >= 0) {
      this.#nexts[this.#tails[cell]!] = entry
      this.#tails[cell] = entry
      return
    }
    this.#high[cell] = lanes[0]!
    this.#low[cell] = lanes[1]!
    this.#heads[cell] = entry
    this.#tails[cell] = entry
    this.#used++
    if (this.#used * 2 > this.#mask) this.#growTable()
  }

  /** Forgets the customer's patches. */
  clear(customerId: string): void {
    const cell = this.#cellOf(customerId)
    if (this.#heads[cell]! < 0) return
    this.#nexts[this.#tails[cell]!] = this.#free
    this.#free = this.#heads[cell]!
    this.#vacate(cell)
  }

  /** The customer's oldest entry, or -1. */
  first(customerId: string): number {
    return this.#heads[this.#cellOf(customerId)]!
  }

  /** The entry behind another, or -1. */
  next(entry: number): number {
    return this.#nexts[entry]!
  }

  /** Position in the ring of an entry. */
  position(entry: number): number {
    return this.#positions[entry]!
  }

  /** Position in the ring of the customer's oldest patch, or -1. */
  oldest(customerId: string): number {
    const entry = this.first(customerId)
    return entry < 0 ? -1 : this.#positions[entry]!
  }

  /** Forgets everything. */
  reset(): void {
    this.#heads.fill(-1)
    this.#used = 0
    this.#entries = 0
    this.#free = -1
  }

  /** The cell of a customer, or the empty cell where it would go. Leaves its hash in `lanes`. */
  #cellOf(customerId: string): number {
    hash64(customerId, lanes)
    const high = lanes[0]!
    const low = lanes[1]!
    let cell = low & this.#mask
    while (this.#heads[cell]! >= 0) {
      const isSame = this.#low[cell] === low && this.#high[cell] === high
      if (isSame && this.#idAt(this.#positions[this.#heads[cell]!]!) === customerId) return cell
      cell = (cell + 1) & this.#mask
    }
    return cell
  }

  /** Empties a cell and closes the gap, so that probing never meets a hole before its customer. */
  #vacate(cell: number): void {
    const mask = this.#mask
    let hole = cell
    let probe = (cell + 1) & mask
    while (this.#heads[probe]! >= 0) {
      const home = this.#low[probe]! & mask
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        this.#high[hole] = this.#high[probe]!
        this.#low[hole] = this.#low[probe]!
        this.#heads[hole] = this.#heads[probe]!
        this.#tails[hole] = this.#tails[probe]!
        hole = probe
      }
      probe = (probe + 1) & mask
    }
    this.#heads[hole] = -1
    this.#used--
  }

  #newEntry(position: number): number {
    let entry = this.#free
    if (entry >= 0) {
      this.#free = this.#nexts[entry]!
    } else {
      if (this.#entries === this.#positions.length) this.#growEntries()
      entry = this.#entries++
    }
    this.#positions[entry] = position
    this.#nexts[entry] = -1
    return entry
  }

  #growEntries(): void {
    const positions = new Float64Array(this.#entries * 2)
    positions.set(this.#positions)
    this.#positions = positions
    const nexts = new Int32Array(this.#entries * 2)
    nexts.set(this.#nexts)
    this.#nexts = nexts
  }

  #growTable(): void {
    const old = { high: this.#high, low: this.#low, heads: this.#heads, tails: this.#tails }
    const size = (this.#mask + 1) * 2
    this.#mask = size - 1
    this.#high = new Uint32Array(size)
    this.#low = new Uint32Array(size)
    this.#heads = new Int32Array(size).fill(-1)
    this.#tails = new Int32Array(size)
    for (let i = 0; i < old.heads.length; i++) {
      if (old.heads[i]! < 0) continue
      let cell = old.low[i]! & this.#mask
      while (this.#heads[cell]! >= 0) cell = (cell + 1) & this.#mask
      this.#high[cell] = old.high[i]!
      this.#low[cell] = old.low[i]!
      this.#heads[cell] = old.heads[i]!
      this.#tails[cell] = old.tails[i]!
    }
  }
}
