/**
 * Deletes what an erased customer left in ClickHouse, looks that nothing is left, looks again, and only then calls it gone. For
 * as long as it takes: until then the writer's stored position stays before the erasure, so that whoever goes on after a crash
 * comes by it again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../../ingest/backoff.ts'
import { type HistoryClient, sentenceOf } from './client.ts'
import type { Erasure } from './erased-customers.ts'
import { deleteRows, rowsLeft } from './erasure-statements.ts'

export type EraserOptions = {
  readonly client: HistoryClient
  readonly database: string
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
  /** Records that these are gone. */
  readonly markGone: (erasures: readonly Erasure[]) => Promise<void>
  /** How long after the deletion is looked again: longer than an insert may be under way that somebody has given up on. */
  readonly settleMs: number
}

export type Eraser = {
  /** Works until stopped. */
  run(): Promise<void>
  /** Takes erasures whose customers' rows may be there. One it has already is kept as it is. */
  add(erasures: readonly Erasure[]): void
  /** As `add`, of rows that came in after their customer was erased: deleted without holding anything back. */
  addLate(erasures: readonly Pick<Erasure, 'customerId' | 'customerHash' | 'erasedAt'>[]): void
  /** Where the events log has to be read again after a crash; null when nothing of the partition is pending. */
  heldAt(partition: number): number | null
  /** Leaves what belongs to other partitions to those who have them now. */
  keep(partitions: readonly number[]): void
  pending(): number
  lastError(): string | null
  stop(): void
}

/** More than that and the writer waits: an erasure takes in memory what its customer's id does, and little more. */
export const pendingMax = 20_000

/** Customers of one deletion: it reads each table once, however many they are. */
const atOnce = 2_000
const lookEveryMs = 1_000
const retry = { firstMs: 500, mostMs: 60_000, salt: 'history-eraser' }
/** After a deletion it rests so many times as long as that took, as a deletion rewrites the parts it concerns. */
const restTimes = 3

/** `left`: rows may be there. `settling`: none was seen; to be looked for again at `at`. */
type Pending = { readonly erasure: Omit<Erasure, 'place'>; readonly place: Erasure['place'] | null } & (
  | { readonly kind: 'left' }
  | { readonly kind: 'settling'; readonly at: number }
)

/** An eraser with nothing to do. */
export function createEraser(options: EraserOptions): Eraser {
  return new RowEraser(options)
}

class RowEraser implements Eraser {
  readonly #options: EraserOptions
  readonly #pending = new Map<string, Pending>()
  #lastError: string | null = null
  #restUntil = 0
  #wake = new AbortController()
  #stopping = false

  constructor(options: EraserOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    let attempt = 0
    while (!this.#stopping) {
      try {
        await this.#turn()
        attempt = 0
        this.#lastError = null
        await this.#pause(lookEveryMs)
      } catch (error) {
        attempt++
        this.#lastError = sentenceOf(error)
        await this.#pause(backoffMs(attempt, retry))
      }
    }
  }

  add(erasures: readonly Erasure[]): void {
    for (const erasure of erasures) {
      const key = `${erasure.customerHash} ${erasure.eventHash}`
      const { place } = erasure
      if (!this.#pending.has(key)) this.#pending.set(key, { kind: 'left', erasure, place })
    }
    if (erasures.length > 0) this.#wake.abort()
  }

  addLate(erasures: readonly Pick<Erasure, 'customerId' | 'customerHash' | 'erasedAt'>[]): void {
    for (const { customerId, customerHash, erasedAt } of erasures) {
      const erasure = { customerId, customerHash, eventHash: '', erasedAt, recordedAt: erasedAt }
      this.#pending.set(`${customerHash} ${erasedAt}`, { kind: 'left', erasure, place: null })
    }
    if (erasures.length > 0) this.#wake.abort()
  }

  heldAt(partition: number): number | null {
    let lowest: number | null = null
    for (const { place } of this.#pending.values()) {
      if (place?.partition === partition) lowest = Math.min(lowest ?? place.offset, place.offset)
    }
    return lowest
  }

  keep(partitions: readonly number[]): void {
    for (const [key, { place }] of this.#pending) {
      if (place !== null && !partitions.includes(place.partition)) this.#pending.delete(key)
    }
  }

  pending(): number {
    return this.#pending.size
  }

  lastError(): string | null {
    return this.#lastError
  }

  stop(): void {
    this.#stopping = true
    this.#wake.abort()
  }

  async #turn(): Promise<void> {
    const { now } = this.#options
    const settled = this.#entries((one) => one.kind === 'settling' && one.at <= now())
    if (settled.length > 0) await this.#look(settled, (key, one) => this.#gone(key, one))
    const left = this.#entries((one) => one.kind === 'left')
    if (left.length === 0 || now() < this.#restUntil) return
    const startedAt = now()
    const { client, database } = this.#options
    const isStopping = () => this.#stopping
    await deleteRows(
      client,
      database,
      left.map(([, { erasure }]) => erasure),
      isStopping,
    )
    if (this.#stopping) return
    this.#restUntil = now() + restTimes * (now() - startedAt)
    await this.#look(left, async (key, one) => {
      this.#pending.set(key, { ...one, kind: 'settling', at: now() + this.#options.settleMs })
    })
  }

  /** Counts what is left; of whom nothing is goes on, the others are deleted again. */
  async #look(
    entries: readonly [string, Pending][],
    onNone: (key: string, one: Pending) => Promise<void>,
  ): Promise<void> {
    const customers = entries.map(([, { erasure }]) => erasure)
    const left = await rowsLeft(this.#options.client, customers)
    for (const [key, one] of entries) {
      // Left to somebody else meanwhile.
      if (!this.#pending.has(key)) continue
      if (left.has(one.erasure.customerId)) this.#pending.set(key, { ...one, kind: 'left' })
      else await onNone(key, one)
    }
  }

  async #gone(key: string, { erasure, place }: Pending): Promise<void> {
    if (place !== null) await this.#options.markGone([{ ...erasure, place }])
    this.#pending.delete(key)
  }

  #entries(which: (one: Pending) => boolean): readonly [string, Pending][] {
    return [...this.#pending].filter(([, one]) => which(one)).slice(0, atOnce)
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#wake.signal }).catch(() => undefined)
    if (!this.#stopping) this.#wake = new AbortController()
  }
}
