/** How far each log has been copied, kept in ClickHouse beside the rows. */
import { z } from 'zod'
import { type HistoryClient, rowsOf } from './client.ts'

/** Offsets by log name and partition. */
export type Positions = ReadonlyMap<string, ReadonlyMap<number, number>>

/** A position of one log. */
export type Position = {
  readonly log: string
  readonly partition: number
  /** Where to go on after a crash. */
  readonly next: number
  /** How far the rows are in, at or above `next`. */
  readonly copied: number
}

/** What a power failure may take from ClickHouse, which does not sync each insert: the kernel writes back after 30 s. */
const unsyncedMs = 60_000

/**
 * Reads where to go on. What was stored in the last minute before the machine started does not count: rows of that minute may not
 * have reached the disk, and copying them again changes nothing.
 * @param bootedAt when ClickHouse's machine (or, of a server elsewhere, ClickHouse) started, Unix milliseconds
 */
export async function loadPositions(client: HistoryClient, bootedAt: number): Promise<Positions> {
  const newestRow = z.object({ newest: z.number() })
  const [before] = await rowsOf(
    client,
    newestRow,
    `SELECT toUnixTimestamp64Milli(max(stored_at)) AS newest FROM positions_raw
     WHERE toUnixTimestamp64Milli(stored_at) < {booted:Int64}`,
    { booted: Math.floor(bootedAt) },
  )
  return read(
    client,
    'next',
    `WHERE toUnixTimestamp64Milli(stored_at) >= {booted:Int64} OR toUnixTimestamp64Milli(stored_at) <= {synced:Int64}`,
    { booted: Math.floor(bootedAt), synced: (before?.newest ?? 0) - unsyncedMs },
  )
}

/** Reads how far rows are in, whoever copied them. */
export async function copiedPositions(client: HistoryClient): Promise<Positions> {
  return read(client, 'copied', '', {})
}

async function read(
  client: HistoryClient,
  column: 'next' | 'copied',
  where: string,
  params: Record<string, unknown>,
): Promise<Positions> {
  const rows = await rowsOf(
    client,
    z.object({ log: z.string(), log_partition: z.number(), offset: z.number() }),
    `SELECT log, log_partition, argMax(${column}, stored_at) AS offset FROM positions_raw ${where}
     GROUP BY log, log_partition`,
    params,
  )
  const positions = new Map<string, Map<number, number>>()
  for (const { log, log_partition, offset } of rows) {
    const partitions = positions.get(log) ?? new Map<number, number>()
    partitions.set(log_partition, offset)
    positions.set(log, partitions)
  }
  return positions
}

/** Stores positions, by ClickHouse's own clock; only after the rows before them are in. */
export async function storePositions(client: HistoryClient, positions: readonly Position[]): Promise<void> {
  if (positions.length === 0) return
  await client.insert({
    table: 'positions_raw',
    columns: ['log', 'log_partition', 'next', 'copied'],
    values: positions.map(({ log, partition, next, copied }) => [log, partition, next, copied]),
    format: 'JSONCompactEachRow',
  })
}

/** When the ClickHouse server was started, Unix milliseconds, to the second. */
export async function serverBootedAt(client: HistoryClient): Promise<number> {
  const [row] = await rowsOf(
    client,
    z.object({ booted: z.number() }),
    'SELECT toUnixTimestamp64Milli(now64(3)) - toInt64(uptime()) * 1000 AS booted',
  )
  return row?.booted ?? 0
}
