/** Which event ids were accepted within a horizon, in one flat table of bounded size: 12 bytes a slot, no object an id. */
import assert from 'node:assert/strict'

const slotsMin = 4_096
/** Share of the slots that may be taken. */
const loadMax = 0.7
/** A table, and the one that replaces it. */
const bytesPerSlot = 2 * 12
/** Low halves of instants are told apart for twice as long. */
const sweepMs = 2 ** 31

/** A power of two. */
function slotsIn(bytes: number): number {
  return Math.max(slotsMin, 2 ** Math.floor(Math.log2(bytes / bytesPerSlot)))
}

/**
 * Remembers ids as the state of a customer does, for all customers of a partition: an id is known while its last acceptance is no
 * longer ago than the horizon. Acceptances come in order.
 */
export class IdWindow {
  readonly #horizonMs: number
  readonly #slotsMax: number
  /** High half, low half, low half of the acceptance: three numbers a slot. An id of zeros: empty. */
  #table = new Uint32Array(slotsMin * 3)
  #taken = 0
  #newest = 0
  #sweptAt = 0

  /** @param horizonMs less than 24 days */
  constructor(horizonMs: number, maxBytes: number) {
    assert(horizonMs >= 0 && horizonMs < sweepMs, 'ids are remembered for less than 24 days')
    this.#horizonMs = horizonMs
    this.#slotsMax = slotsIn(maxBytes)
  }

  /** `known`: accepted within the horizon, nothing changes. `full`: there is no room to remember it. */
  remember(high: number, low: number, acceptedAt: number): 'new' | 'known' | 'full' {
    this.#newest = Math.max(this.#newest, acceptedAt)
    const isFull = this.#taken >= this.#slots * loadMax
    if ((isFull || this.#newest - this.#sweptAt >= sweepMs) && !this.#sweep()) return 'full'
    const table = this.#table
    const a = high >>> 0
    const b = a === 0 && low === 0 ? 1 : low >>> 0
    let free = -1
    for (let at = this.#first(a, b); ; at = this.#after(at)) {
      if (isEmpty(table, at)) {
        if (free === -1) this.#taken++
        put(table, free === -1 ? at : free, a, b, acceptedAt)
        return 'new'
      }
      if (table[at] === a && table[at + 1] === b) {
        if (this.#isLive(table, at)) return 'known'
        put(table, at, a, b, acceptedAt)
        return 'new'
      }
      if (free === -1 && !this.#isLive(table, at)) free = at
    }
  }

  get #slots(): number {
    return this.#table.length / 3
  }

  #first(high: number, low: number): number {
    return ((Math.imul(high, 0x9e3779b1) ^ low) & (this.#slots - 1)) * 3
  }

  #after(at: number): number {
    return at + 3 === this.#table.length ? 0 : at + 3
  }

  #isLive(table: Uint32Array, at: number): boolean {
    return !isEmpty(table, at) && (this.#newest - table[at + 2]!) >>> 0 <= this.#horizonMs
  }

  /** A table without what is beyond the horizon, larger when that frees too little; false: it must not get larger. */
  #sweep(): boolean {
    const before = this.#table
    let live = 0
    for (let at = 0; at < before.length; at += 3) if (this.#isLive(before, at)) live++
    let slots = this.#slots
    while (live > (slots * loadMax) / 2 && slots < this.#slotsMax) slots *= 2
    // A table that is almost full would be swept again and again.
    if (live > slots * loadMax * 0.95) return false
    this.#table = new Uint32Array(slots * 3)
    this.#taken = live
    this.#sweptAt = this.#newest
    for (let at = 0; at < before.length; at += 3) {
      if (this.#isLive(before, at)) this.#move(before, at)
    }
    return true
  }

  #move(before: Uint32Array, from: number): void {
    let at = this.#first(before[from]!, before[from + 1]!)
    while (!isEmpty(this.#table, at)) at = this.#after(at)
    put(this.#table, at, before[from]!, before[from + 1]!, before[from + 2]!)
  }
}

function isEmpty(table: Uint32Array, at: number): boolean {
  return table[at] === 0 && table[at + 1] === 0
}

function put(table: Uint32Array, at: number, high: number, low: number, acceptedAt: number): void {
  table[at] = high
  table[at + 1] = low
  table[at + 2] = acceptedAt
}
