import type { EventCodec } from '../../ingest/avro-codec.ts'
import { hash64 } from '../../ingest/hash.ts'
import { isAdmitted, isFilledFrom, type PastEvent, type Takes } from '../step/fill-event.ts'
import type { StepContext } from '../step/step.ts'
import { batchCustomersMax } from './batch-customers.ts'
import { EventCursor } from './event-frame.ts'
import type { IdWindow } from './id-window.ts'
import { recordRefusal } from './record-refusal.ts'

/** An event that has entries to be filled in. */
export type FoundEvent = PastEvent & { readonly offset: number }

/** What a stretch of the log holds for the series to be filled. */
export type Found = {
  readonly events: readonly FoundEvent[]
  readonly customers: ReadonlySet<string>
  /** Records that were looked at. */
  readonly read: number
}

export type ScanParts = {
  readonly context: StepContext
  readonly codec: Pick<EventCodec, 'decode'>
  readonly partition: number
  /** Partitions of the log. */
  readonly partitions: number
  readonly ids: IdWindow
}

/**
 * Reads the log once more as the shard did, by the same rules, to find what the series to be filled would have got. It knows the ids
 * of everything that was accepted within the horizon, so that a duplicate does not count here either.
 */
export class FillScan {
  readonly #parts: ScanParts
  /** Offset it goes on at. */
  #at: number

  constructor(parts: ScanParts, at: number) {
    this.#parts = parts
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  /**
   * Takes the ids of records that are filled in already.
   * @param through offset behind the last record of the frame
   */
  warm(records: ArrayBuffer, through: number): 'done' | 'full' {
    const found = this.#take(records, through, through, null)
    return found === 'full' ? 'full' : 'done'
  }

  /**
   * Finds the events with entries for the series to be filled, of at most as many customers as a batch may have: it ends before the
   * one that is too much, and `at` says where.
   * @param end offset that nothing is looked at from on
   * @param limits for each series the offset below which it is filled
   */
  read(records: ArrayBuffer, through: number, end: number, limits: Float64Array): Found | 'full' {
    return this.#take(records, through, end, limits)
  }

  #take(records: ArrayBuffer, through: number, end: number, limits: Float64Array | null): Found | 'full' {
    const { context, ids } = this.#parts
    const events: FoundEvent[] = []
    const customers = new Set<string>()
    let read = 0
    let offset = 0
    const takes: Takes = (series) => offset < (limits?.[series] ?? -1)
    const record = new EventCursor(records)
    while (record.next()) {
      offset = record.offset
      if (offset < this.#at) continue
      if (offset >= end) break
      const past = this.#eventOf(record)
      if (past !== null) {
        const isFound = limits !== null && isFilledFrom(context, past, takes)
        const { customerId } = past.event
        if (isFound && customers.size >= batchCustomersMax && !customers.has(customerId)) {
          return { events, customers, read }
        }
        const known = this.#remember(ids, past)
        if (known === 'full') return 'full'
        if (known === 'new' && isFound) {
          customers.add(customerId)
          events.push({ ...past, offset })
        }
      }
      read++
      this.#at = offset + 1
    }
    this.#at = Math.max(this.#at, Math.min(through, end))
    return { events, customers, read }
  }

  /** The event of a record when it was admitted; else null. */
  #eventOf(record: EventCursor): PastEvent | null {
    const { context, codec, partition, partitions } = this.#parts
    const decoded = codec.decode(record.value)
    if (decoded.kind !== 'ok') return null
    const { event } = decoded
    if (recordRefusal(event, record.isTrusted, partition, partitions) !== null) return null
    const past = { event, acceptedAt: record.appendTime }
    return isAdmitted(context, past) ? past : null
  }

  #remember(ids: IdWindow, { event, acceptedAt }: PastEvent): 'new' | 'known' | 'full' {
    hash64(`${event.customerId}\0${event.source}\0${event.id}`, idHash)
    return ids.remember(idHash[0]!, idHash[1]!, acceptedAt)
  }
}

const idHash = new Uint32Array(2)
