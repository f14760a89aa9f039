import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../ingest/log.ts'
import type { Meta } from '../store/store.ts'
import type { RunnerOptions } from './runner-options.ts'
import type { StoredOutbox } from './shard-port.ts'

/** What came of trying to own a partition. */
export type Taken =
  /** Owned from here on; the previous owner can commit nothing. The values are committed and perhaps not published. */
  | { readonly kind: 'taken'; readonly meta: Meta; readonly values: readonly StoredOutbox[] }
  /** `meta`: the header as it was found, if it was. */
  | { readonly kind: 'closed'; readonly meta: Meta | null; readonly reason: string }
  /** The engine stops. */
  | { readonly kind: 'given_up' }

const backOffMs = { least: 20, most: 2_000 } as const

/**
 * Takes a partition with a new token, compares its position with the log, and reads the outbox values above
 * `publishedAbove(meta)`. Tries again with back-off while the shard or the store fails.
 */
export async function takePartition(
  options: Pick<RunnerOptions, 'partition' | 'port' | 'log' | 'newToken'>,
  steering: {
    /** Highest seq that needs no publishing. */
    readonly published: (meta: Meta) => number
    readonly isStopping: () => boolean
    readonly onFailure: (reason: string) => void
  },
): Promise<Taken> {
  const { partition, port, log } = options
  for (let pauseMs: number = backOffMs.least; !steering.isStopping(); pauseMs = Math.min(pauseMs * 2, backOffMs.most)) {
    try {
      const result = await port.acquire(partition, options.newToken(), '')
      if (result.kind === 'closed') return { kind: 'closed', meta: null, reason: result.reason }
      if (result.kind === 'acquired') {
        const { meta } = result
        const reason = await logFault(log, partition, meta.next)
        if (reason !== null) return { kind: 'closed', meta, reason }
        const values = await port.outbox(partition, steering.published(meta), meta.seq)
        return { kind: 'taken', meta, values }
      }
      steering.onFailure(result.reason)
    } catch {
      steering.onFailure('The shard does not answer; trying again.')
    }
    await sleep(pauseMs)
  }
  return { kind: 'given_up' }
}

/** Why a position is not one of the log, in a sentence; null when it is. Never jumped over: records would go uncounted. */
export async function logFault(log: Log, partition: number, next: number): Promise<string | null> {
  const { start, end } = await log.bounds(partition)
  if (next < start) return `log_gap: the log begins at ${start}, the events from ${next} on were dropped unread.`
  if (next > end) return `log_reset: the log ends at ${end}, the state was made from events up to ${next}.`
  return null
}
