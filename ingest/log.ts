/**
 * The log port: an ordered, durable, partitioned list of records, the one source of every fact. `lmdb-log.ts` is the embedded
 * adapter, `kafka/` the one for brokers.
 *
 * The events log carries what comes in, the decisions log what goes out; both are this port. A record's bytes are
 * opaque here. Adapters pass the one suite in `test/conformance/log.ts`.
 */

/** A record to append. The key is the customer id, kept with the record so that tools can filter without decoding. */
export type NewRecord = {
  readonly key: string
  readonly value: Uint8Array
  /** Append time to stamp instead of the clock's, for logs on an event clock; a time before the last one is raised to it. */
  readonly appendTime?: number
  /** What is said of the record beside its value; at most 64 KB of JSON. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A stored record. */
export type LogRecord = {
  readonly offset: number
  /** When the log took it, Unix milliseconds; never decreases within a partition. */
  readonly appendTime: number
  readonly key: string
  readonly value: Uint8Array
  /** Absent when there are none. A repeated name has its last value. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Where records ended up: offsets are consecutive from `firstOffset`. */
export type Appended = { readonly firstOffset: number; readonly lastOffset: number }

/** First offset kept and the offset the next append gets: `start == end` when the partition holds nothing. */
export type Bounds = { readonly start: number; readonly end: number }

export type LogErrorCode = 'log_full' | 'log_closed' | 'log_unavailable' | 'log_gap'

/** I/O failure of the log, translated once in the adapter. */
export class LogError extends Error {
  readonly code: LogErrorCode
  readonly retryable: boolean
  constructor(code: LogErrorCode, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryable = options.retryable
  }
}

export type Log = {
  readonly partitions: number
  /**
   * Appends records to one partition, all or none; resolved when they are durable.
   * @throws LogError `log_full` (nothing written; what is there stays readable), `log_closed`
   */
  append(partition: number, records: readonly NewRecord[]): Promise<Appended>
  /**
   * Reads records from `from` on, at most `maxBytes` of values (at least one record when there is one), at most
   * `maxRecords`. Empty when `from` is the end.
   * @throws LogError `log_gap` when `from` is below the first kept offset or above the end
   */
  read(
    partition: number,
    from: number,
    limit: { readonly maxBytes: number; readonly maxRecords: number },
  ): Promise<readonly LogRecord[]>
  bounds(partition: number): Promise<Bounds>
  /**
   * Calls back when a partition has, or may have, records that were not there before: after each durable append of this
   * process, and where others append too when something of theirs was fetched. Returns how to stop.
   */
  onAppend(listener: (partition: number) => void): () => void
  /** Drops records older than the retention; returns how many went. Also runs by itself. */
  trim(): Promise<number>
  close(): Promise<void>
}

/** A log whose records come by themselves: a read gives what has come so far. */
export type Feed = Pick<Log, 'read' | 'onAppend'> & {
  /** Whether everything below an offset has come: only then an empty read says that there is nothing more of it. */
  hasCome(partition: number, below: number): boolean
}

/** A log that is read where it stands. */
export function feedOf(log: Pick<Log, 'read' | 'onAppend'>): Feed {
  return {
    read: (partition, from, limit) => log.read(partition, from, limit),
    onAppend: (listener) => log.onAppend(listener),
    hasCome: () => true,
  }
}
