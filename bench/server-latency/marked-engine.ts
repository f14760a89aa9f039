/** The engine on servers as a process that notes when records are fetched and decisions handed to the producer. */
import type { Feed, Log } from '../../ingest/log.ts'
import { sharedNow } from '../latency/gc-watch.ts'
import { childOptions, endWithParent } from '../servers/child.ts'
import { ProgressTeller } from '../servers/progress.ts'
import { openServerEngine, type ServerEngineOptions } from '../servers/server-engine.ts'
import { MarkKeeper } from './marks.ts'

const everything = { maxBytes: 2 ** 30, maxRecords: 2 ** 20 }

const marks = new MarkKeeper()
const teller = new ProgressTeller(() => engine.shards.drained())
const engine = await openServerEngine(childOptions<ServerEngineOptions>(), {
  wrapFeed: markFetches,
  wrapDecisions: markHandOvers,
  onBatch(report) {
    teller.done(report.events, report.partition, report.next)
    if (report.events === 0) return
    const { partition, events, next } = report
    marks.batch({ partition, events, next, at: sharedNow() })
    teller.add('batches', 1)
    for (const name of ['loadMs', 'stepMs', 'commitMs'] as const) teller.add(name, report[name])
  },
})
endWithParent(async () => {
  await engine.stop()
  await teller.end()
})

/**
 * The feed calls back as soon as something was fetched. How far that goes is seen by reading from where the engine read last: that
 * drops nothing, and its cost is the engine's.
 */
function markFetches(feed: Feed): Feed {
  const readFrom = new Map<number, number>()
  return {
    hasCome: (partition, below) => feed.hasCome(partition, below),
    read(partition, from, limit) {
      readFrom.set(partition, from)
      return feed.read(partition, from, limit)
    },
    onAppend: (listener) =>
      feed.onAppend((partition) => {
        const at = sharedNow()
        const from = readFrom.get(partition)
        if (from !== undefined) void peek(feed, partition, from, at)
        listener(partition)
      }),
  }
}

async function peek(feed: Feed, partition: number, from: number, at: number): Promise<void> {
  // A failure is told to the engine by its own read.
  const records = await feed.read(partition, from, everything).catch(() => [])
  const last = records.at(-1)
  if (last !== undefined) marks.fetched({ partition, next: last.offset + 1, at })
}

function markHandOvers(decisions: Log): Log {
  return {
    partitions: decisions.partitions,
    async append(partition, records) {
      const at = sharedNow()
      const appended = await decisions.append(partition, records)
      marks.handed({ partition, first: appended.firstOffset, count: records.length, at })
      return appended
    },
    read: (partition, from, limit) => decisions.read(partition, from, limit),
    bounds: (partition) => decisions.bounds(partition),
    onAppend: (listener) => decisions.onAppend(listener),
    trim: () => decisions.trim(),
    close: () => decisions.close(),
  }
}
