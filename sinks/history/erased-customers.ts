/** Who was erased: recorded in ClickHouse under a keyed hash, and looked up for rows on their way in. */
import { z } from 'zod'
import { type HistoryClient, rowsOf } from './client.ts'
import { customerHash, erasureHash } from './erasure-scope.ts'
import type { LoggedEvent } from './event-row.ts'

/** An erasure as it counts. */
export type Erasure = {
  readonly customerId: string
  readonly customerHash: string
  readonly eventHash: string
  /** Unix milliseconds, the log's append time of the first copy of the event. */
  readonly erasedAt: number
  /** When history recorded it first, Unix milliseconds. */
  readonly recordedAt: number
  /** Where its event stands. */
  readonly place: { readonly partition: number; readonly offset: number }
}

/** An erasure and whether its rows are known to be gone. */
export type RecordedErasure = Erasure & { readonly isGone: boolean }

/** How much further back is read than asked for, so that partitions a little apart do not ask one after the other. */
const slackMs = 3_600_000
/** How often those go that are older than every row of late. */
const pruneEveryMs = 3_600_000

export class ErasedCustomers {
  readonly #client: HistoryClient
  readonly #key: string
  readonly #log: string
  /** Last erasure by customer hash, of all since `#since`. */
  readonly #erased = new Map<string, number>()
  #since = Number.POSITIVE_INFINITY
  #latest = Number.NEGATIVE_INFINITY
  /** Oldest instant asked about since they were pruned. */
  #oldest = Number.POSITIVE_INFINITY
  #prunedAt = performance.now()

  /**
   * @param key of the hashes, the same for as long as the rows are kept
   * @param log name of the events log, noted beside the place of an erasure
   */
  constructor(client: HistoryClient, key: string, log: string) {
    this.#client = client
    this.#key = key
    this.#log = log
  }

  /** Forgets what it has read: others may have recorded more. */
  forget(): void {
    this.#erased.clear()
    this.#since = Number.POSITIVE_INFINITY
    this.#latest = Number.NEGATIVE_INFINITY
  }

  /**
   * Makes sure that every erasure from an instant on is known here. Only those can concern a row accepted at that instant or
   * later, so memory holds no more than those younger than the oldest row of the last hours.
   */
  async reach(instant: number): Promise<void> {
    this.#oldest = Math.min(this.#oldest, instant)
    if (performance.now() - this.#prunedAt > pruneEveryMs) this.#prune()
    if (instant >= this.#since) return
    const since = instant - slackMs
    const rows = await rowsOf(
      this.#client,
      z.object({ customer_hash: z.string(), erased: z.number() }),
      `SELECT customer_hash, toUnixTimestamp64Milli(max(erased_at)) AS erased FROM erased_raw FINAL
       WHERE toUnixTimestamp64Milli(erased_at) >= {since:Int64} GROUP BY customer_hash`,
      { since },
    )
    for (const { customer_hash, erased } of rows) this.#add(customer_hash, erased)
    this.#since = since
  }

  /** When the customer of a row was erased last, at or after the row's instant; null when not. Call `reach` first. */
  erasedSince(customerId: string, instant: number): number | null {
    // The usual case costs no hash: nobody was erased since.
    if (instant > this.#latest) return null
    const at = this.#erased.get(customerHash(this.#key, customerId))
    return at !== undefined && instant <= at ? at : null
  }

  /**
   * Records erasures before their customers' rows are looked at. Of an event that is on the log twice the first copy counts: a
   * copy of a signed record verifies too, and must not erase what came in between.
   */
  async record(events: readonly LoggedEvent[], now: number): Promise<readonly RecordedErasure[]> {
    const known = await this.#find(events.map(({ event }) => customerHash(this.#key, event.customerId)))
    const fresh: RecordedErasure[] = []
    const all = events.map(({ event, place }): RecordedErasure => {
      const [customer, copyOf] = [customerHash(this.#key, event.customerId), erasureHash(this.#key, event)]
      const { customerId } = event
      const found = known.get(`${customer} ${copyOf}`)
      if (found !== undefined) return { ...found, customerId, place }
      const { appendTime, ...rest } = place
      const erasure = { customerId, customerHash: customer, eventHash: copyOf, erasedAt: appendTime, recordedAt: now }
      const recorded = { ...erasure, place: rest, isGone: false }
      known.set(`${customer} ${copyOf}`, recorded)
      fresh.push(recorded)
      return recorded
    })
    await this.#store(fresh, null)
    for (const { customerHash: customer, erasedAt } of all) this.#add(customer, erasedAt)
    return all
  }

  /** Notes that no row of these customers is left from before their erasures. */
  async markGone(erasures: readonly Erasure[], now: number): Promise<void> {
    await this.#store(erasures, now)
  }

  #prune(): void {
    this.#since = Math.max(this.#since, this.#oldest - slackMs)
    for (const [customer, at] of this.#erased) if (at < this.#since) this.#erased.delete(customer)
    this.#oldest = Number.POSITIVE_INFINITY
    this.#prunedAt = performance.now()
  }

  #add(customer: string, erasedAt: number): void {
    this.#erased.set(customer, Math.max(erasedAt, this.#erased.get(customer) ?? erasedAt))
    this.#latest = Math.max(this.#latest, erasedAt)
  }

  async #find(customers: readonly string[]): Promise<Map<string, Omit<RecordedErasure, 'customerId' | 'place'>>> {
    const rows = await rowsOf(
      this.#client,
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
    return new Map(
      rows.map((row) => [
        `${row.customer_hash} ${row.event_hash}`,
        {
          customerHash: row.customer_hash,
          eventHash: row.event_hash,
          erasedAt: row.erased,
          recordedAt: row.recorded,
          isGone: row.gone === 1,
        },
      ]),
    )
  }

  async #store(erasures: readonly Erasure[], goneAt: number | null): Promise<void> {
    if (erasures.length === 0) return
    await this.#client.insert({
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
        this.#log,
        place.partition,
        place.offset,
        one.recordedAt,
        goneAt,
      ]),
      format: 'JSONCompactEachRow',
    })
  }
}
