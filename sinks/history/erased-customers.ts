/** Who was erased: recorded in ClickHouse under a keyed hash, and looked up for rows on their way in. */
import { z } from 'zod'
import { erasedForMs } from '../../ingest/erasure.ts'
import { type HistoryClient, rowsOf } from './client.ts'
import { customerHash, erasureHash, refusedUntil } from './erasure-scope.ts'
import type { LoggedEvent } from './event-row.ts'

/** An erasure as it counts. */
export type Erasure = {
  readonly customerId: string
  readonly customerHash: string
  readonly eventHash: string
  /** Unix milliseconds, the log's append time of the event that erased the customer first. */
  readonly erasedAt: number
  /** When history recorded it first, Unix milliseconds. */
  readonly recordedAt: number
  /** Where its event stands. */
  readonly place: { readonly partition: number; readonly offset: number }
}

/** An erasure and whether its rows are known to be gone. */
export type RecordedErasure = Erasure & { readonly isGone: boolean }

/** Rows of one reading: a whole table in one answer would be large. */
const pageRows = 50_000
/** An insert may be seen so much later than the time it was stamped with. */
const unseenMs = 120_000
/** More than that and copying waits, and says so: what is refused could not be told from what is not. */
const erasedMax = 4_000_000
/** Customers remembered as not erased, which saves hashing their ids for each row. Forgotten together when there are more. */
const clearMax = 50_000

/** There are more erased customers than history can hold. */
export class TooManyErasedError extends Error {
  readonly code = 'history_too_many_erased'
  readonly retryable = true
}

export type ErasedCustomersOptions = {
  readonly client: HistoryClient
  /** Of the hashes, the same for as long as the rows are kept. */
  readonly key: string
  /** Name of the events log, noted beside the place of an erasure. */
  readonly log: string
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number
}

/** All erasures that may still concern a row on its way in, of every partition and whoever recorded them. */
export class ErasedCustomers {
  readonly #options: ErasedCustomersOptions
  /** Last erasure by customer hash. */
  readonly #erased = new Map<string, number>()
  readonly #clear = new Set<string>()
  /** Up to when records were read, by ClickHouse's clock. */
  #readUpTo = 0

  constructor(options: ErasedCustomersOptions) {
    this.#options = options
  }

  /**
   * Reads what was recorded since, also by others. Erasures from so long ago that a row they concern would have been on the log
   * for longer than rows are refused are left out.
   * @throws TooManyErasedError, and errors of the client
   */
  async refresh(): Promise<void> {
    const { client, now } = this.#options
    const params = { recorded: now() - 2 * erasedForMs, stored: this.#readUpTo - unseenMs, limit: pageRows }
    let readUpTo = this.#readUpTo
    for (let after = ''; ; ) {
      const rows = await rowsOf(
        client,
        z.object({ customer_hash: z.string(), erased: z.number(), stored: z.number() }),
        `SELECT customer_hash, toUnixTimestamp64Milli(max(erased_at)) AS erased,
                toUnixTimestamp64Milli(max(stored_at)) AS stored
         FROM erased_raw
         WHERE customer_hash > {after:String} AND toUnixTimestamp64Milli(recorded_at) >= {recorded:Int64}
           AND toUnixTimestamp64Milli(stored_at) >= {stored:Int64}
         GROUP BY customer_hash ORDER BY customer_hash LIMIT {limit:UInt32}`,
        { ...params, after },
      )
      for (const { customer_hash, erased, stored } of rows) {
        this.#add(customer_hash, erased)
        readUpTo = Math.max(readUpTo, stored)
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < pageRows) break
      after = last.customer_hash
    }
    this.#readUpTo = readUpTo
  }

  /** When the customer of a row was erased, if the row is not to be taken because of it; null otherwise. */
  erasedAt(customerId: string, acceptedAt: number): number | null {
    // The usual cases cost no hash.
    if (this.#erased.size === 0 || this.#clear.has(customerId)) return null
    const at = this.#erased.get(customerHash(this.#options.key, customerId))
    if (at !== undefined) return acceptedAt <= refusedUntil(at) ? at : null
    if (this.#clear.size >= clearMax) this.#clear.clear()
    this.#clear.add(customerId)
    return null
  }

  /**
   * Records erasures before their customers' rows are looked at. Of an event that is on the log twice the first copy counts. One of
   * a customer who is erased already is to be carried out again, and prolongs nothing, as for the engine.
   */
  async record(events: readonly LoggedEvent[]): Promise<readonly RecordedErasure[]> {
    const { key, now } = this.#options
    const known = await this.#find(events.map(({ event }) => customerHash(key, event.customerId)))
    const fresh: RecordedErasure[] = []
    const all = events.map(({ event, place }): RecordedErasure => {
      const { customerId } = event
      const { appendTime, partition, offset } = place
      const [customer, copyOf] = [customerHash(key, customerId), erasureHash(key, event)]
      const earlier = known.filter((one) => one.customerHash === customer)
      const same = earlier.find((one) => one.eventHash === copyOf)
      if (same !== undefined) return { ...same, customerId, place: { partition, offset } }
      const inForce = earlier.find(({ erasedAt: at }) => at <= appendTime && appendTime <= refusedUntil(at))
      const recorded = {
        customerId,
        customerHash: customer,
        eventHash: copyOf,
        erasedAt: inForce?.erasedAt ?? appendTime,
        recordedAt: now(),
        place: { partition, offset },
        isGone: false,
      }
      known.push(recorded)
      fresh.push(recorded)
      return recorded
    })
    await this.#store(fresh, null)
    for (const { customerHash: customer, erasedAt } of all) this.#add(customer, erasedAt)
    return all
  }

  /** Notes that no row of these customers is left. */
  async markGone(erasures: readonly Erasure[]): Promise<void> {
    await this.#store(erasures, this.#options.now())
  }

  #add(customer: string, erasedAt: number): void {
    const before = this.#erased.get(customer)
    if (before === undefined) {
      if (this.#erased.size >= erasedMax) {
        throw new TooManyErasedError(`more than ${erasedMax} customers are erased; copying waits`)
      }
      // Who was remembered as not erased may be this one.
      this.#clear.clear()
    }
    this.#erased.set(customer, Math.max(erasedAt, before ?? erasedAt))
  }

  async #find(customers: readonly string[]): Promise<Omit<RecordedErasure, 'customerId' | 'place'>[]> {
    const rows = await rowsOf(
      this.#options.client,
      z.object({
        customer_hash: z.string(),
        event_hash: z.string(),
        erased: z.number(),
        recorded: z.number(),
        gone: z.number(),
      }),
      `SELECT customer_hash, event_hash, toUnixTimestamp64Milli(erased_at) AS erased,
              toUnixTimestamp64Milli(recorded_at) AS recorded, isNotNull(gone_at) AS gone
       FROM erased_raw FINAL WHERE customer_hash IN {customers:Array(String)}`,
      { customers },
    )
    return rows.map((row) => ({
      customerHash: row.customer_hash,
      eventHash: row.event_hash,
      erasedAt: row.erased,
      recordedAt: row.recorded,
      isGone: row.gone === 1,
    }))
  }

  async #store(erasures: readonly Erasure[], goneAt: number | null): Promise<void> {
    if (erasures.length === 0) return
    await this.#options.client.insert({
      table: 'erased_raw',
      columns: [
        'customer_hash',
        'event_hash',
        'erased_at',
        'log',
        'log_partition',
        'log_offset',
        'recorded_at',
        'gone_at',
      ],
      values: erasures.map(({ place, ...one }) => [
        one.customerHash,
        one.eventHash,
        one.erasedAt,
        this.#options.log,
        place.partition,
        place.offset,
        one.recordedAt,
        goneAt,
      ]),
      format: 'JSONCompactEachRow',
    })
  }
}
