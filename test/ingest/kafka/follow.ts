import { setTimeout as sleep } from 'node:timers/promises'
import type { Log, LogRecord } from '../../../ingest/log.ts'

const WIDE = { maxBytes: 1_000_000, maxRecords: 10_000 }

/** Reads a partition of a feed as the engine does, until `enough` says so; what it read. */
export async function follow(
  feed: Log,
  partition: number,
  from: number,
  enough: (records: readonly LogRecord[]) => boolean,
  withinMs = 15_000,
): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = []
  const until = performance.now() + withinMs
  let news = Promise.withResolvers<void>()
  const off = feed.onAppend((one) => {
    if (one === partition) news.resolve()
  })
  try {
    while (!enough(records)) {
      const heard = news
      const next = (records.at(-1)?.offset ?? from - 1) + 1
      const found = await feed.read(partition, next, WIDE)
      records.push(...found)
      if (found.length > 0) continue
      const leftMs = until - performance.now()
      if (leftMs < 0) throw new Error(`only ${records.length} records came in time`)
      await Promise.race([heard.promise, sleep(leftMs)])
      news = Promise.withResolvers<void>()
    }
  } finally {
    off()
  }
  return records
}

/** Waits until something holds. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 15_000,
): Promise<void> {
  const until = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`not in time: ${what}`)
    await sleep(20)
  }
}
