/** How far each log has been copied, kept in ClickHouse beside the rows. */
import { z } from 'zod'
import { type HistoryClient, rowsOf } from './client.ts'

/** Next offset to copy, by log and partition. */
export type Positions = ReadonlyMap<string, ReadonlyMap<number, number>>

/** What a power failure may take from ClickHouse, which does not sync each insert: the kernel writes back after 30 s. */
const unsyncedMs = 60_000

/**
 * Reads the positions. When the machine was started after the last of them was stored, they are those of a minute before:
 * rows of that minute may not have reached the disk, and copying them again changes nothing.
 * @param bootedAt when the machine started, Unix milliseconds
 */
export async function loadPositions(client: HistoryClient, bootedAt: number): Promise<Positions> {
  const row = z.object({ log: z.string(), log_partition: z.number(), next: z.number() })
  const newestRow = z.object({ newest: z.number() })
  const [newest] = await rowsOf(
    client,
    newestRow,
    'SELECT toUnixTimestamp64Milli(max(stored_at)) AS newest FROM positions_raw',
  )
  const at = newest?.newest ?? 0
  const until = bootedAt > at ? at - unsyncedMs : at
  const rows = await rowsOf(
    client,
    row,
    `SELECT log, log_partition, argMax(next, stored_at) AS next FROM positions_raw
     WHERE toUnixTimestamp64Milli(stored_at) <= {until:Int64} GROUP BY log, log_partition`,
    { until },
  )
  const positions = new Map<string, Map<number, number>>()
  for (const { log, log_partition, next } of rows) {
    const partitions = positions.get(log) ?? new Map<number, number>()
    partitions.set(log_partition, next)
    positions.set(log, partitions)
  }
  return positions
}

/** Stores positions; only after the rows before them are in. */
export async function storePositions(client: HistoryClient, positions: Positions, now: number): Promise<void> {
  const values = [...positions].flatMap(([log, partitions]) =>
    [...partitions].map(([partition, next]) => [log, partition, next, now]),
  )
  if (values.length === 0) return
  await client.insert({ table: 'positions_raw', values, format: 'JSONCompactEachRow' })
}
