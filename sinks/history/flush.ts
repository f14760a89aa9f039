/** Whether everything up to some ends is copied, by this process or by others that share the partitions. */
import type { Bounds } from '../../ingest/log.ts'
import type { HistoryClient } from './client.ts'
import type { Feed } from './feed.ts'
import { copiedPositions } from './positions.ts'

/** What one log held at some moment. */
export type FlushTarget = { readonly feed: Feed; readonly bounds: readonly Bounds[] }

/** What the logs hold now. @throws LogError */
export async function targetsOf(feeds: readonly Feed[]): Promise<readonly FlushTarget[]> {
  return Promise.all(feeds.map(async (feed) => ({ feed, bounds: await feed.source.bounds() })))
}

/**
 * Whether all of it is copied. Of partitions that others copy ClickHouse is asked.
 * @throws errors of the client
 */
export async function isCopied(client: HistoryClient, targets: readonly FlushTarget[]): Promise<boolean> {
  const open = targets.flatMap(({ feed, bounds }) =>
    Array.from(bounds, ({ start, end }, partition) => ({
      log: feed.source.name,
      partition,
      end,
      ours: feed.cursor.positions().get(partition),
      isEmpty: start === end,
    })).filter(({ end, ours, isEmpty }) => (ours === undefined ? !isEmpty : ours < end)),
  )
  if (open.length === 0) return true
  if (open.some(({ ours }) => ours !== undefined)) return false
  const copied = await copiedPositions(client)
  return open.every(({ log, partition, end }) => (copied.get(log)?.get(partition) ?? 0) >= end)
}
