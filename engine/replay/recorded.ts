/** What was recorded of an installation, as the replayer reads it, and how it says that something of it is not there. */
import type { LogRecord } from '../../ingest/log.ts'
import type { Batch } from '../../sinks/batch.ts'
import type { Decision } from '../../sinks/decision.ts'

/** A record of the events log as it was. What could not be decoded has an empty value. */
export type RecordedEvent = LogRecord & {
  /** Whether it came through our own door. */
  readonly trusted: boolean
}

/**
 * Batches and events of an installation, by partition. Pages are ordered: batches by number, each once; events by offset, each once.
 * Who was erased is not in it: a request of theirs has no customer (an empty text), their events are missing.
 */
export type RecordedSource = {
  readonly partitions: number
  /** Batches with a number above `after`, at most `limit` of them; none: there are no more, now. @throws HistoryError, LogError */
  batches(partition: number, after: number, limit: number): Promise<readonly Batch[]>
  /** Events with `from` <= offset < `to`, at most `limit` of them. Fewer than `limit`: there are no more. */
  events(partition: number, from: number, to: number, limit: number): Promise<readonly RecordedEvent[]>
  /** Decisions by id, to be adopted; those that are not there (any more) are missing. */
  decisions(partition: number, ids: readonly string[]): Promise<ReadonlyMap<string, Decision>>
  /** Stretches of numbers of a partition whose commits the store lost: above `from`, below `to`. Their batches count for nothing. */
  lost(partition: number): Promise<readonly { readonly from: number; readonly to: number }[]>
  /** Whether events of the partition may be missing because their customers were erased. */
  mayMiss(partition: number): Promise<boolean>
}

/**
 * Something missing in the record of a partition, whoever it is about: batches above `after` and below `before` (`after` 0: the record begins with
 * `before`), or `count` events from offset `from` on, below `to`, that a batch took.
 */
export type Gap =
  | { readonly kind: 'batches'; readonly after: number; readonly before: number }
  | { readonly kind: 'events'; readonly from: number; readonly to: number; readonly count: number }

/**
 * The record as far as one customer needs it. Batches are those that touch the customer or all: with a request or an event of the customer,
 * or something due; that adopt or fill; that say of the series. Events are the customer's. What is missing elsewhere is asked for.
 */
export type CustomerSource = RecordedSource & {
  /** The first gap of a partition in the batches up to number `last` that count; null: none. Events are not missed where `mayMiss`. */
  gap(partition: number, last: number): Promise<Gap | null>
}

/**
 * Why a replay is not exact from a place of a partition on. Nothing is skipped in silence.
 *
 * - `begins_later`: the record of batches begins with number `seq`; the states before it are not known
 * - `batches_missing`: those above `after` and below `before` are not there
 * - `events_missing`: `count` events of the log from offset `from` on, below `to`, are not there and nobody's erasure explains it. Offsets
 *   that never were records, where transactions ended or were called off, are not missing: the batch says how many it took
 * - `pack_not_kept`: the store does not have the pack, or the learned table, of this hash
 * - `adopted_missing`: a decision that the states were mended with is not there
 * - `backfilled`: a backfill added entries at batch `seq`, from events that are not there (any more)
 */
export type Hole =
  | { readonly kind: 'begins_later'; readonly partition: number; readonly seq: number }
  | { readonly kind: 'batches_missing'; readonly partition: number; readonly after: number; readonly before: number }
  | {
      readonly kind: 'events_missing'
      readonly partition: number
      readonly from: number
      readonly to: number
      readonly count: number
    }
  | { readonly kind: 'pack_not_kept'; readonly partition: number; readonly hash: string }
  | { readonly kind: 'adopted_missing'; readonly partition: number; readonly seq: number }
  | { readonly kind: 'backfilled'; readonly partition: number; readonly seq: number }

/** A decision as it was computed again. */
export type ReplayedDecision = {
  readonly id: string
  readonly customerId: string
  /** Its record, as it would leave: `codecs.decisions` decodes it. */
  readonly bytes: Uint8Array
}

/** A batch that was stepped again. */
export type ReplayedBatch = {
  readonly batch: Batch
  /** In the order in which they left; fallbacks that were made without the shard are not among them. */
  readonly decisions: readonly ReplayedDecision[]
  /** What was found missing at it; from the first hole on nothing of the partition is exact. */
  readonly holes: readonly Hole[]
}
