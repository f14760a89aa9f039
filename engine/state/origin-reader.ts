import { everyPurpose, type SourceTable } from '../../rules/source-table.ts'
import type { Heap } from './heap.ts'
import { ANY_TYPE, BEFORE, ORIGINS_MAX, OTHER_CONSENTS, OTHER_SOURCES, REVOKED } from './origins.ts'
import { ORIGINS, ORIGINS_N } from './record.ts'

const WORDS = 2

/** Tells what a customer's data may be used for by where it came from. See `origins.ts` for what is kept. */
export class OriginReader {
  readonly #heap: Heap
  #table: SourceTable | null = null
  /** What may not be used of the customer at hand: by type of event the newest instant of it. */
  readonly #types = new Uint32Array(ORIGINS_MAX)
  readonly #ats = new Float64Array(ORIGINS_MAX)
  #spoils = 0

  constructor(heap: Heap) {
    this.#heap = heap
  }

  /** Which sources may be used from now on. */
  judge(table: SourceTable): void {
    this.#table = table
  }

  /**
   * Takes up a customer. False, as nearly always: all data of theirs may be used.
   * @param purposes bits that data has to be usable for
   */
  begin(r: number, now: number, purposes: number): boolean {
    const { u32, f64, u16 } = this.#heap
    this.#spoils = 0
    const n = u16[r * 4 + ORIGINS_N]!
    let p = u32[r * 2 + ORIGINS]!
    let origin = -1
    let usable = true
    let revokedAt = -1
    for (let i = 0; i < n; i++, p += WORDS) {
      const of = u32[p * 2]!
      const type = u32[p * 2 + 1]!
      if (of !== origin) {
        origin = of
        revokedAt = -1
        usable = this.#isUsable(of, now, purposes)
      }
      if (type === REVOKED) revokedAt = f64[p + 1]!
      if (type < ANY_TYPE || (usable && revokedAt < 0)) continue
      this.#types[this.#spoils] = type
      this.#ats[this.#spoils] = usable ? Math.min(revokedAt, f64[p + 1]!) : f64[p + 1]!
      this.#spoils++
    }
    return this.#spoils > 0
  }

  /** Whether something that may not be used fed, from an instant on, what events of some types feed. */
  isSpoilt(types: Uint32Array, from: number): boolean {
    for (let i = 0; i < this.#spoils; i++) {
      if (this.#ats[i]! < from) continue
      const type = this.#types[i]!
      if (type === ANY_TYPE || types.includes(type)) return true
    }
    return false
  }

  /** The purposes that some of the customer's data lacks. */
  limitsOf(r: number): number {
    const { u32, u16 } = this.#heap
    const n = u16[r * 4 + ORIGINS_N]!
    let p = u32[r * 2 + ORIGINS]! * 2
    let origin = -1
    let lacking = 0
    for (let i = 0; i < n; i++, p += WORDS * 2) {
      const of = u32[p]!
      if (of === origin) continue
      origin = of
      lacking |= everyPurpose & ~this.#purposesOf(of)
    }
    return lacking
  }

  /** Calls `visit` with each origin that may have fed, from an instant on, what events of some types feed. */
  visit(r: number, types: Uint32Array, from: number, visit: (origin: number) => void): void {
    const { u32, f64, u16 } = this.#heap
    const n = u16[r * 4 + ORIGINS_N]!
    let p = u32[r * 2 + ORIGINS]!
    let told = -1
    for (let i = 0; i < n; i++, p += WORDS) {
      const origin = u32[p * 2]!
      const type = u32[p * 2 + 1]!
      if (origin === told || type < ANY_TYPE || f64[p + 1]! < from) continue
      if (type !== ANY_TYPE && !types.includes(type)) continue
      told = origin
      visit(origin)
    }
  }

  #isUsable(origin: number, now: number, purposes: number): boolean {
    const table = this.#table
    if (table === null || isOfNoSource(origin)) return true
    // Which sources these were is not known: unknown unless all may be used.
    if (origin === OTHER_SOURCES)
      return table.untils.every((until, i) => now < until && lacks(table, i, purposes) === 0)
    const i = table.keys.indexOf(origin)
    return i >= 0 && now < table.untils[i]! && lacks(table, i, purposes) === 0
  }

  #purposesOf(origin: number): number {
    const table = this.#table
    if (table === null || isOfNoSource(origin)) return everyPurpose
    if (origin === OTHER_SOURCES) return table.purposes.reduce((all, one) => all & one, everyPurpose)
    const i = table.keys.indexOf(origin)
    return i < 0 ? everyPurpose : table.purposes[i]!
  }
}

function isOfNoSource(origin: number): boolean {
  return origin === BEFORE || origin === OTHER_CONSENTS || (origin & 1) === 1
}

function lacks(table: SourceTable, i: number, purposes: number): number {
  return purposes & ~table.purposes[i]!
}
