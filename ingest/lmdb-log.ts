import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { type Database, open, type RootDatabase } from 'lmdb'
import { createLogWriter, type LmdbLogOptions } from './lmdb-log-writer.ts'
import { unlinkCommitted } from './lmdb-unlink.ts'
import { type Log, LogError } from './log.ts'
import { MAP_BYTES, MAX_LOGS, openLogTables, openRegistry, readBounds, readRecords, registerLog } from './log-tables.ts'

export type { LmdbLogOptions }

/** One LMDB environment that holds the logs of a data directory. */
export type LogEnvironment = {
  /**
   * Opens a log; makes it when it is not there.
   * @throws LogError `log_unavailable` when it was made with another number of partitions or in another format
   */
  openLog(options: LmdbLogOptions): Promise<Log>
  /** Names this environment among all others, for as long as it exists. */
  identity(): Promise<string>
  /** Closes every log of it after what is being written is durable, then the environment. */
  close(): Promise<void>
}

/** Opens one log with an environment of its own, which closes with it. */
export async function openLmdbLog(options: LmdbLogOptions & { readonly dir: string }): Promise<Log> {
  const environment = openLogEnvironment(options.dir)
  try {
    const log = await environment.openLog(options)
    return { ...log, close: () => environment.close() }
  } catch (cause) {
    await environment.close()
    throw cause
  }
}

/**
 * Opens (makes) the environment in a directory for reading and writing. Appends are durable when they resolve: each
 * LMDB commit is synced before it is acknowledged. Several processes and threads may write; each append then sees the
 * others' (the store has one writer at a time).
 * @throws LogError `log_unavailable` when the directory cannot be opened
 */
export function openLogEnvironment(dir: string): LogEnvironment {
  const root = openRoot(dir)
  unlinkCommitted(root)
  const registry = openRegistry(root)
  const logs: Log[] = []

  return {
    identity: () => identityOf(root),
    async openLog(options) {
      assert(/^[a-z0-9_-]{1,64}$/.test(options.name), 'log name')
      assert(options.partitions >= 1 && options.partitions <= 1_024, 'partitions')
      await registerLog(registry, options.name, options.partitions)
      const tables = openLogTables(root, options.name)
      assert(tables !== undefined)
      const writer = createLogWriter(tables, options, dir)
      const log: Log = {
        partitions: options.partitions,
        append: (partition, records) => writer.append(partition, records),
        read: async (partition, from, limit) => {
          writer.assertOpen()
          return readRecords(tables, partition, from, limit)
        },
        bounds: async (partition) => {
          writer.assertOpen()
          return readBounds(tables, partition)
        },
        onAppend: (listener) => writer.onAppend(listener),
        trim: () => writer.trim(),
        close: () => writer.close(),
      }
      logs.push(log)
      return log
    },
    async close() {
      await Promise.all(logs.map((log) => log.close()))
      await root.close()
    },
  }
}

/** Made once, with the environment. */
async function identityOf(root: RootDatabase): Promise<string> {
  const known: Database<string, string> = root.openDB({ name: 'identity', encoding: 'string' })
  if (known.get('log') === undefined) await known.ifNoExists('log', () => known.put('log', `embedded ${randomUUID()}`))
  return known.get('log') ?? ''
}

function openRoot(dir: string): RootDatabase {
  try {
    return open({
      path: dir,
      noSubdir: false,
      mapSize: MAP_BYTES,
      maxDbs: MAX_LOGS * 2 + 2,
      // A commit is synced before it is acknowledged; overlapping would acknowledge first.
      overlappingSync: false,
      // With batching by event turn a failed commit also rejects a promise nobody can reach, which ends the process.
      eventTurnBatching: false,
    })
  } catch (cause) {
    throw new LogError('log_unavailable', 'the log directory cannot be opened', { retryable: false, cause })
  }
}
