import type { HistoryClient } from './client.ts'
import type { Place } from './event-row.ts'

/** Where a record that could not be decoded stands, and why it could not: a word of a closed list. */
export type Undecodable = Place & { readonly reason: string }

/** Keeps the places, so that the records can be found on the log for as long as that keeps them. */
export async function storeUndecodable(
  client: HistoryClient,
  log: string,
  records: readonly Undecodable[],
): Promise<void> {
  if (records.length === 0) return
  await client.insert({
    table: 'undecodable_raw',
    columns: ['log', 'log_partition', 'log_offset', 'reason', 'accepted_at'],
    values: records.map(({ partition, offset, reason, appendTime }) => [log, partition, offset, reason, appendTime]),
    format: 'JSONCompactEachRow',
  })
}
