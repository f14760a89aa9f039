/** The past as history has it, embedded or on a server: as far back as it is kept, wherever the logs are. */
import { z } from 'zod'
import type { Batch } from '../../sinks/batch.ts'
import type { SchemaPlace } from '../../sinks/codecs.ts'
import { createHistoryClient, type HistoryAddress, rowsOf } from '../../sinks/history/client.ts'
import { asked, rowsBy } from '../../sinks/history/records.ts'
import type { PastHistory } from './past-history.ts'
import { pastSource } from './past-source.ts'

/** Where to ask, and how records are to be read. Plain data, so that it goes to another process. */
export type PastPlace = {
  readonly address: HistoryAddress
  readonly schemas: SchemaPlace
  readonly partitions: number
}

const extent = z.object({ partition: z.number(), first: z.number(), first_prev: z.number(), before: z.number() })

/**
 * Opens history for reading. It asks nothing yet; every call throws HistoryError when ClickHouse does not answer.
 * @param isBusy whether the thread works for seconds on end, see `createHistoryClient`
 */
export function pastOfHistory({ address, schemas, partitions }: PastPlace, isBusy: boolean): PastHistory {
  const client = createHistoryClient(address, { isBusy })
  const rows = rowsBy(client)
  const source = pastSource(rows, schemas, partitions)
  const numbers = Array.from({ length: partitions }, (_, partition) => partition)

  /** By partition the first batch, and the last one before an instant; 0: there is none. */
  const extentsAt = (at: number) =>
    asked(() =>
      rowsOf(
        client,
        extent,
        `SELECT log_partition AS partition, min(seq) AS first, argMin(prev, seq) AS first_prev,
                maxIf(seq, decided_at < fromUnixTimestamp64Milli({at:Int64})) AS before
         FROM batches_raw GROUP BY log_partition`,
        { at },
      ),
    )
  const firstOf = async (partition: number): Promise<Batch | null> => (await source.batches(partition, 0, 1))[0] ?? null

  /** On an event clock a partition's clock stands at nothing before its first event. */
  const beganAt = async ({ partition, steps, now, from, next }: Batch): Promise<number> => {
    const [first] = steps
    if (first !== undefined && first.now > 0) return first.now
    if (next === from) return now
    const page = await source.events(partition, from, next, 1)
    return page.count > 0 ? page.take().appendTime : now
  }
  return {
    ...source,
    rows,
    async startsAt() {
      let least: number | null = null
      for (const partition of numbers) {
        const batch = await firstOf(partition)
        if (batch === null) continue
        const at = await beganAt(batch)
        least = least === null ? at : Math.min(least, at)
      }
      return least
    },
    async begin(from) {
      const found = new Map((await extentsAt(from)).map((one) => [one.partition, one]))
      return {
        after: numbers.map((partition) => found.get(partition)?.before ?? 0),
        isWhole: [...found.values()].every((one) => one.first_prev === 0 && one.before === 0),
      }
    },
    count: async (from, to) => {
      const [row] = await asked(() =>
        rowsOf(
          client,
          z.object({ n: z.number() }),
          `SELECT count() AS n FROM event_records_raw
           WHERE accepted_at >= fromUnixTimestamp64Milli({from:Int64}) AND accepted_at < fromUnixTimestamp64Milli({to:Int64})`,
          { from, to },
        ),
      )
      return row?.n ?? 0
    },
    async stockLeft(at, { hash, resources }) {
      const left = new Map<string, number>()
      if (resources.length === 0) return left
      const last = await asked(() =>
        rowsOf(
          client,
          z.object({ partition: z.number(), seq: z.number() }),
          `SELECT log_partition AS partition, max(seq) AS seq FROM batches_raw
           WHERE pack_hash = {hash:String} AND decided_at < fromUnixTimestamp64Milli({at:Int64}) GROUP BY log_partition`,
          { hash, at },
        ),
      )
      let asOf = 0
      for (const { partition, seq } of last) {
        const [batch] = await source.batches(partition, seq - 1, 1)
        const stock = batch?.steps.findLast((step) => step.stock !== null)?.stock
        if (batch === undefined || stock == null || batch.now < asOf) continue
        asOf = batch.now
        for (const [i, units] of stock.left.entries()) left.set(resources[i] ?? '', units)
      }
      return left
    },
    async close() {
      await client.close()
    },
  }
}
