/**
 * A flat index from customer to the chain of its patches in the journal's ring: open addressing with linear probing and
 * backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R) over typed arrays.
 */
import { hash64 } from '../../ingest/hash.ts'

export type PatchIndex = {
  /** Adds a patch, newest so far, found at a position of the ring. */
  add(customerId: string, position: number): void
  /** Forgets the customer's patches. */
  clear(customerId: string): void
  /** The customer's oldest entry, or -1. */
  first(customerId: string): number
  /** The entry behind another, or -1. */
  next(entry: number): number
  /** Position in the ring of an entry. */
  position(entry: number): number
  /** Position in the ring of the customer's oldest patch, or -1. */
  oldest(customerId: string): number
  /** Forgets everything. */
  reset(): void
}

const lanes = new Uint32Array(2)

/** An empty index. `idAt` reads the customer id of the patch at a position, so that equal hashes are told apart. */
export function createPatchIndex(idAt: (position: number) => string): PatchIndex {
  let mask = 1_023
  let used = 0
  let high = new Uint32Array(mask + 1)
  let low = new Uint32Array(mask + 1)
  // Oldest and newest entry of the customer in a cell; an empty cell has heads -1.
  let heads = new Int32Array(mask + 1).fill(-1)
  let tails = new Int32Array(mask + 1)
  let positions = new Float64Array(1_024)
  let nexts = new Int32Array(1_024)
  let entries = 0
  let free = -1

  /** The cell of a customer, or the empty cell where it would go. Leaves its hash in `lanes`. */
  function cellOf(customerId: string): number {
    hash64(customerId, lanes)
    const hashHigh = lanes[0]!
    const hashLow = lanes[1]!
    let cell = hashLow & mask
    while (heads[cell]! >= 0) {
      if (low[cell] === hashLow && high[cell] === hashHigh && idAt(positions[heads[cell]!]!) === customerId) return cell
      cell = (cell + 1) & mask
    }
    return cell
  }

  function growTable(): void {
    const old = { high, low, heads, tails }
    mask = mask * 2 + 1
    high = new Uint32Array(mask + 1)
    low = new Uint32Array(mask + 1)
    heads = new Int32Array(mask + 1).fill(-1)
    tails = new Int32Array(mask + 1)
    for (let i = 0; i < old.heads.length; i++) {
      if (old.heads[i]! < 0) continue
      let cell = old.low[i]! & mask
      while (heads[cell]! >= 0) cell = (cell + 1) & mask
      high[cell] = old.high[i]!
      low[cell] = old.low[i]!
      heads[cell] = old.heads[i]!
      tails[cell] = old.tails[i]!
    }
  }

  function newEntry(position: number): number {
    let entry = free
    if (entry >= 0) {
      free = nexts[entry]!
    } else {
      if (entries === positions.length) {
        const morePositions = new Float64Array(entries * 2)
        morePositions.set(positions)
        positions = morePositions
        const moreNexts = new Int32Array(entries * 2)
        moreNexts.set(nexts)
        nexts = moreNexts
      }
      entry = entries++
    }
    positions[entry] = position
    nexts[entry] = -1
    return entry
  }

  /** Empties a cell and closes the gap, so that probing never meets a hole before its customer. */
  function vacate(cell: number): void {
    let hole = cell
    let probe = (cell + 1) & mask
    while (heads[probe]! >= 0) {
      const home = low[probe]! & mask
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        high[hole] = high[probe]!
        low[hole] = low[probe]!
        heads[hole] = heads[probe]!
        tails[hole] = tails[probe]!
        hole = probe
      }
      probe = (probe + 1) & mask
    }
    heads[hole] = -1
    used--
  }

  function first(customerId: string): number {
    return heads[cellOf(customerId)]!
  }

  return {
    add(customerId, position) {
      const entry = newEntry(position)
      const cell = cellOf(customerId)
      if (heads[cell]! >= 0) {
        nexts[tails[cell]!] = entry
        tails[cell] = entry
        return
      }
      high[cell] = lanes[0]!
      low[cell] = lanes[1]!
      heads[cell] = entry
      tails[cell] = entry
      used++
      if (used * 2 > mask) growTable()
    },
    clear(customerId) {
      const cell = cellOf(customerId)
      if (heads[cell]! < 0) return
      nexts[tails[cell]!] = free
      free = heads[cell]!
      vacate(cell)
    },
    first,
    next: (entry) => nexts[entry]!,
    position: (entry) => positions[entry]!,
    oldest(customerId) {
      const entry = first(customerId)
      return entry < 0 ? -1 : positions[entry]!
    },
    reset() {
      heads.fill(-1)
      used = 0
      entries = 0
      free = -1
    },
  }
}
