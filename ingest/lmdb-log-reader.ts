import { open, type RootDatabase } from 'lmdb'
import { type Bounds, type Log, LogError, type LogRecord } from './log.ts'
import {
  type LogTables,
  MAP_BYTES,
  MAX_LOGS,
  openLogTables,
  openRegistry,
  readBounds,
  readRecords,
} from './log-tables.ts'

/** Reads logs that another process writes. */
export type LogReader = {
  /** Names of the logs there are now. */
  names(): readonly string[]
  /**
   * Number of partitions of a log.
   * @throws LogError `log_unavailable` when there is no such log (yet)
   */
  partitions(name: string): number
  /**
   * As `Log.read`.
   * @throws LogError `log_gap`, `log_unavailable` when there is no such log (yet)
   */
  read(name: string, partition: number, from: number, limit: Parameters<Log['read']>[2]): readonly LogRecord[]
  /** As `Log.bounds`. @throws LogError `log_unavailable` when there is no such log (yet) */
  bounds(name: string, partition: number): Bounds
  close(): Promise<void>
}

/**
 * Opens the log environment of a directory for reading only; it sees what was committed at the moment of each call.
 * @throws LogError `log_unavailable`, retryable: nothing was written there yet
 */
export function openLogReader(dir: string): LogReader {
  const root = openRoot(dir)
  const opened = new Map<string, LogTables>()
  const registry = () => {
    const table = openRegistry(root)
    table?.resetReadTxn()
    return table
  }
  const tablesOf = (name: string) => {
    const tables = opened.get(name) ?? openLogTables(root, name)
    if (tables === undefined) throw missing()
    opened.set(name, tables)
    return tables
  }
  return {
    names: () => Array.from(registry()?.getKeys() ?? []),
    partitions(name) {
      const known = registry()?.get(name)
      if (known === undefined) throw missing()
      return known.partitions
    },
    read: (name, partition, from, limit) => readRecords(tablesOf(name), partition, from, limit),
    bounds: (name, partition) => readBounds(tablesOf(name), partition),
    close: () => root.close(),
  }
}

function openRoot(dir: string): RootDatabase {
  try {
    return open({ path: dir, mapSize: MAP_BYTES, maxDbs: MAX_LOGS * 2 + 1, readOnly: true, noSubdir: false })
  } catch (cause) {
    throw missing(cause)
  }
}

function missing(cause?: unknown): LogError {
  return new LogError('log_unavailable', 'there is no such log yet', { retryable: true, cause })
}
