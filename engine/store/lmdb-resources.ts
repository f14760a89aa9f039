/** Resources in an LMDB environment of their own. Each call is one durable transaction; those that come together share its fsync. */
import { mkdirSync } from 'node:fs'
import { type Database, open, type RootDatabase } from 'lmdb'
import { translated } from './lmdb-store-errors.ts'
import {
  type ConfirmReply,
  checkName,
  checkReservation,
  checkUnits,
  type LapseReply,
  oversoldOf,
  type Reservation,
  type ReserveReply,
  type ResourceCount,
  type ResourcePiece,
  type Resources,
  sweepMax,
} from './resource.ts'
import { StoreError } from './store.ts'

type Totals = { readonly capacity: number | null; readonly reserved: number; readonly confirmed: number }
type Held = { readonly amount: number; readonly lease: number; readonly isConfirmed: boolean }

/** Reservations given to a backup at once. */
const pieceSize = 1_000
const none: Totals = { capacity: null, reserved: 0, confirmed: 0 }

/**
 * Opens, or creates, the resources of a folder.
 * @throws StoreError `store_unavailable` when it cannot be opened
 */
export function openLmdbResources(options: { readonly dir: string }): Resources {
  return new LmdbResources(options.dir)
}

class LmdbResources implements Resources {
  readonly #dir: string
  readonly #root: RootDatabase
  readonly #totals: Database<Totals, string>
  readonly #held: Database<Held, [resource: string, id: string]>
  /** The open reservations by the end of their lease; the value is the amount. */
  readonly #leases: Database<number, [resource: string, lease: number, id: string]>

  constructor(dir: string) {
    this.#dir = dir
    try {
      mkdirSync(dir, { recursive: true })
      // A call is durable when it resolves.
      this.#root = open({ path: dir, overlappingSync: false, eventTurnBatching: false, maxDbs: 3, noSubdir: false })
      this.#totals = this.#root.openDB({ name: 'totals', encoding: 'json' })
      this.#held = this.#root.openDB({ name: 'held', encoding: 'json' })
      this.#leases = this.#root.openDB({ name: 'leases', encoding: 'json' })
    } catch (cause) {
      const message = `The resources in ${dir} cannot be opened.`
      throw new StoreError('store_unavailable', message, { retryable: false, cause })
    }
  }

  async define(resource: string, capacity: number): Promise<void> {
    checkName(resource)
    checkUnits(capacity, 0)
    await this.#change(() => {
      this.#put(resource, { ...this.#of(resource), capacity })
    })
  }

  async reserve(resource: string, id: string, reservation: Reservation): Promise<ReserveReply> {
    checkName(resource)
    checkName(id)
    checkReservation(reservation)
    return this.#change(() => this.#reserve(resource, id, reservation))
  }

  async confirm(resource: string, id: string, amount: number): Promise<ConfirmReply> {
    checkName(resource)
    checkName(id)
    checkUnits(amount, 1)
    return this.#change(() => {
      let totals = this.#of(resource)
      const held = this.#held.get([resource, id])
      if (held?.isConfirmed !== true) {
        const units = held?.amount ?? amount
        if (held !== undefined) this.#leases.remove([resource, held.lease, id])
        this.#held.put([resource, id], { amount: units, lease: 0, isConfirmed: true })
        totals = {
          ...totals,
          reserved: totals.reserved - (held?.amount ?? 0),
          confirmed: totals.confirmed + units,
        }
        this.#put(resource, totals)
      }
      return { kind: 'confirmed', oversold: oversoldOf(totals.capacity ?? 0, totals.reserved, totals.confirmed) }
    })
  }

  async lapse(resource: string, id: string): Promise<LapseReply> {
    checkName(resource)
    checkName(id)
    return this.#change(() => {
      const held = this.#held.get([resource, id])
      if (held === undefined) return { kind: 'unknown' }
      if (held.isConfirmed) return { kind: 'confirmed' }
      const totals = this.#of(resource)
      this.#free(resource, id, held.lease)
      this.#put(resource, { ...totals, reserved: totals.reserved - held.amount })
      return { kind: 'lapsed' }
    })
  }

  async sweep(resource: string, now: number): Promise<number> {
    checkName(resource)
    return this.#change(() => {
      const totals = this.#of(resource)
      const { freed, count } = this.#sweep(resource, now, Number.POSITIVE_INFINITY)
      if (count > 0) this.#put(resource, { ...totals, reserved: totals.reserved - freed })
      return count
    })
  }

  async count(resource: string): Promise<ResourceCount | null> {
    checkName(resource)
    const totals = this.#totals.get(resource)
    if (totals === undefined) return null
    const { reserved, confirmed } = totals
    const capacity = totals.capacity ?? 0
    return { capacity, reserved, confirmed, oversold: oversoldOf(capacity, reserved, confirmed) }
  }

  async *all(): AsyncGenerator<ResourcePiece> {
    for (let start = ''; ; ) {
      const found = [...this.#totals.getRange({ start, limit: pieceSize })]
      for (const { key, value } of found) yield* this.#reservations(key, value.capacity)
      if (found.length < pieceSize) return
      start = behind(found.at(-1)?.key)
    }
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  *#reservations(name: string, capacity: number | null): Generator<ResourcePiece> {
    for (let start = ''; ; ) {
      const range = { start: [name, start], end: [name, '\uffff'], limit: pieceSize }
      const reservations = [...this.#held.getRange(range)].map(({ key: [, id], value: held }) => {
        return { id, amount: held.amount, leaseUntil: held.isConfirmed ? null : held.lease }
      })
      yield { name, capacity, reservations }
      if (reservations.length < pieceSize) return
      start = behind(reservations.at(-1)?.id)
    }
  }

  #reserve(resource: string, id: string, { amount, leaseUntil, now }: Reservation): ReserveReply {
    const totals = this.#of(resource)
    if (totals.capacity === null) return { kind: 'not_defined' }
    const held = this.#held.get([resource, id])
    if (held !== undefined) {
      if (!held.isConfirmed && held.lease < leaseUntil) {
        this.#free(resource, id, held.lease)
        this.#keep(resource, id, { ...held, lease: leaseUntil })
      }
      return { kind: 'reserved' }
    }
    let { reserved } = totals
    let left = totals.capacity - reserved - totals.confirmed
    if (left < amount) {
      const { freed, count } = this.#sweep(resource, now, amount - left)
      reserved -= freed
      left += freed
      if (count > 0) this.#put(resource, { ...totals, reserved })
    }
    if (left < amount) return { kind: 'refused', left: Math.max(0, left) }
    this.#keep(resource, id, { amount, lease: leaseUntil, isConfirmed: false })
    this.#put(resource, { ...totals, reserved: reserved + amount })
    return { kind: 'reserved' }
  }

  /** Frees lapsed leases, oldest first, until so many units are free. */
  #sweep(resource: string, now: number, enough: number): { freed: number; count: number } {
    const range = { start: [resource, Number.MIN_SAFE_INTEGER, ''], end: [resource, now + 1, ''], limit: sweepMax }
    let freed = 0
    let count = 0
    for (const { key, value } of [...this.#leases.getRange(range)]) {
      if (freed >= enough) break
      this.#free(resource, key[2], key[1])
      freed += value
      count++
    }
    return { freed, count }
  }

  #keep(resource: string, id: string, held: Held): void {
    this.#held.put([resource, id], held)
    this.#leases.put([resource, held.lease, id], held.amount)
  }

  #free(resource: string, id: string, lease: number): void {
    this.#held.remove([resource, id])
    this.#leases.remove([resource, lease, id])
  }

  #of(resource: string): Totals {
    return this.#totals.get(resource) ?? none
  }

  #put(resource: string, totals: Totals): void {
    this.#totals.put(resource, totals)
  }

  /** Runs a change in LMDB's one write transaction: what it reads is current, and nothing comes between. It must not throw. */
  async #change<T>(change: () => T): Promise<T> {
    try {
      return await this.#root.transaction(change)
    } catch (error) {
      throw await translated(error, this.#dir)
    }
  }
}

/** The first name above another one: names hold no space. */
function behind(name = ''): string {
  return `${name} `
}
