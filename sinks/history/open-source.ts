/** Opens the logs that history copies. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../../ingest/backoff.ts'
import { type LogReader, openLogReader } from '../../ingest/lmdb-log-reader.ts'
import { codeOf } from './client.ts'
import type { LogPlace } from './log-place.ts'
import type { CopySource, LogSource } from './log-source.ts'

const retry = { firstMs: 250, mostMs: 1_000, salt: 'history-source' }
const pollMs = 100

/**
 * Opens them; an embedded log is waited for, as the engine makes it at its own start.
 * @param share of a log that several nodes have: `all` partitions are for this process, or those that fall to it in the `group`
 */
export async function openSource(place: LogPlace, share: 'all' | 'group'): Promise<CopySource> {
  if (place.kind === 'lmdb') return lmdbSource(await openReader(place.dir))
  // Embedded logs need no client for brokers, its time to load and its memory.
  const { kafkaSource } = await import('./kafka-source.ts')
  return kafkaSource(place, share)
}

async function openReader(dir: string): Promise<LogReader> {
  for (let attempt = 1; ; attempt++) {
    try {
      const reader = openLogReader(dir)
      if (['events', 'decisions', 'batches'].every((name) => reader.names().includes(name))) return reader
      await reader.close()
    } catch (cause) {
      if (codeOf(cause) !== 'log_unavailable') throw cause
    }
    await sleep(backoffMs(attempt, retry))
  }
}

function lmdbSource(reader: LogReader): CopySource {
  const sourceOf = (name: string): LogSource => {
    const partitions = reader.partitions(name)
    return {
      name,
      partitions,
      async read(partition, from, limit) {
        const records = reader.read(name, partition, from, limit)
        return { records, next: (records.at(-1)?.offset ?? from - 1) + 1 }
      },
      bounds: async () => Array.from({ length: partitions }, (_, partition) => reader.bounds(name, partition)),
      done: () => undefined,
    }
  }
  const events = sourceOf('events')
  const all = Array.from({ length: events.partitions }, (_, partition) => partition)
  return {
    events,
    decisions: sourceOf('decisions'),
    batches: sourceOf('batches'),
    pollMs,
    assigned: () => all,
    isCertain: () => true,
    certainMs: Number.POSITIVE_INFINITY,
    failure: () => null,
    close: () => reader.close(),
  }
}
