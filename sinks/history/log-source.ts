/** The logs as the writer reads them, whatever keeps them. */
import type { Bounds, LogError, LogRecord } from '../../ingest/log.ts'

/** What the writer needs of a log. */
export type LogSource = {
  /** Names it among all logs that may ever be copied to one ClickHouse: its positions are kept under this name. */
  readonly name: string
  readonly partitions: number
  /**
   * As `Log.read`, and where to go on: offsets may have holes, and behind the last record there may be nothing but holes.
   * @throws LogError
   */
  read(
    partition: number,
    from: number,
    limit: { readonly maxBytes: number; readonly maxRecords: number },
  ): Promise<{ readonly records: readonly LogRecord[]; readonly next: number }>
  /** Of every partition. @throws LogError */
  bounds(): Promise<readonly Bounds[]>
  /** Takes note of how far a partition is copied, for lag tools. */
  done(partition: number, next: number): void
}

export type CopySource = {
  readonly events: LogSource
  readonly decisions: LogSource
  readonly batches: LogSource
  /** Pause between two looks at logs with nothing new. */
  readonly pollMs: number
  /** Partitions that fall to this process, of both logs; another array whenever they have been settled anew. */
  assigned(): readonly number[]
  /**
   * Whether they are its own for sure during the next `certainMs`. While not, somebody else may copy them: harmless for what is
   * only written again, not for what was erased meanwhile.
   */
  isCertain(): boolean
  readonly certainMs: number
  /** Why nothing can be read for the time being; null when it can. */
  failure(): LogError | null
  close(): Promise<void>
}
