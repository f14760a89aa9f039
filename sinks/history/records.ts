/** What a replay reads of history: batches with their inputs, events as they were, in the order of the logs and in pages. For one customer see `customer-records.ts`. */
import { z } from 'zod'
import type { Batch } from '../batch.ts'
import type { Decision } from '../decision.ts'
import { createHistoryClient, type HistoryAddress, type HistoryClient, rowsOf, sentenceOf } from './client.ts'
import { decisionFromRow, decisionsQuery } from './decision-row.ts'
import { HistoryError } from './history.ts'
import {
  type Ask,
  type AskRows,
  askOf,
  batchesOf,
  eventPageOf,
  type KeptEvent,
  mayMissOf,
  type PageOfEvents,
  type RowBytes,
} from './record-rows.ts'

export type HistoryRecords = {
  readonly partitions: number
  batches(partition: number, after: number, limit: number): Promise<readonly Batch[]>
  events(partition: number, from: number, to: number, limit: number): Promise<readonly KeptEvent[]>
  decisions(partition: number, ids: readonly string[]): Promise<ReadonlyMap<string, Decision>>
  lost(partition: number): Promise<readonly { readonly from: number; readonly to: number }[]>
  mayMiss(partition: number): Promise<boolean>
  /** Decisions of a partition that were made at `from` <= instant < `to`, behind an offset of the decisions log, in its order. */
  decided(
    partition: number,
    span: { readonly from: number; readonly to: number; readonly after: number },
    limit: number,
  ): Promise<readonly { readonly offset: number; readonly decision: Decision }[]>
  close(): Promise<void>
}

/** Most ids of one question: they go into a URL. */
const idsAtOnce = 200

/**
 * Opens the records of history.
 * @param only the one customer whose events and inputs are read
 * Every call throws HistoryError when ClickHouse does not answer.
 */
export function openRecords(
  address: HistoryAddress,
  { partitions, customerId }: { readonly partitions: number; readonly customerId?: string },
): HistoryRecords {
  const client = createHistoryClient(address, { isBusy: true })
  const ask = askOf(rowsBy(client), customerId)
  const { own, customer } = ask
  return {
    partitions,
    batches: (partition, after, limit) => batchesOf(ask, partition, { after, limit }),
    events: (partition, from, to, limit) => eventsOf(ask, partition, { from, to, limit }),
    decisions: (_, ids) => asked(() => decisionsOf(client, ids)),
    lost: (partition) =>
      asked(() =>
        rowsOf(
          client,
          z.object({ from: z.number(), to: z.number() }),
          `SELECT DISTINCT prev AS \`from\`, seq AS \`to\` FROM batches_raw
           WHERE log_partition = {p:UInt16} AND seq - prev > 1 ORDER BY seq`,
          { p: partition },
        ),
      ),
    mayMiss: (partition) => mayMissOf(ask.rows, partition),
    decided: (partition, { from, to, after }, limit) =>
      asked(async () => {
        const where = `log_partition = {p:UInt16} AND log_offset > {after:Int64}
          AND decided_at >= fromUnixTimestamp64Milli({from:Int64}) AND decided_at < fromUnixTimestamp64Milli({to:Int64}) ${own}`
        const rows = await rowsOf(
          client,
          placedDecision,
          decisionsQuery(where, `ORDER BY log_offset LIMIT ${limit}`, 'FINAL'),
          { p: partition, after, from, to, ...customer },
        )
        return rows.map(({ offset, ...decision }) => ({ offset, decision }))
      }),
    close: () => client.close(),
  }
}

const placedDecision = z
  .object({ log_offset: z.number() })
  .loose()
  .transform((row) => ({ offset: row.log_offset, ...decisionFromRow.parse(row) }))

async function eventsOf(ask: Ask, partition: number, page: PageOfEvents): Promise<readonly KeptEvent[]> {
  const rows = await eventPageOf(ask, partition, page)
  return Array.from({ length: rows.count }, () => rows.take())
}

async function decisionsOf(client: HistoryClient, ids: readonly string[]): Promise<ReadonlyMap<string, Decision>> {
  const found = new Map<string, Decision>()
  for (let i = 0; i < ids.length; i += idsAtOnce) {
    const some = ids.slice(i, i + idsAtOnce)
    const rows = await rowsOf(client, decisionFromRow, decisionsQuery('id IN {ids:Array(String)}', ''), { ids: some })
    for (const decision of rows) found.set(decision.id, decision)
  }
  return found
}

/** Asks a client, see `AskRows`. @throws HistoryError when ClickHouse does not answer */
export function rowsBy(client: HistoryClient): AskRows {
  return (query, params) =>
    asked(async () => {
      const { stream } = await client.exec({ query: `${query} FORMAT RowBinary`, query_params: params })
      const chunks: Uint8Array[] = []
      for await (const chunk of stream) chunks.push(chunk)
      return joined(chunks)
    })
}

function joined(chunks: readonly Uint8Array[]): RowBytes {
  const bytes = Buffer.from(new ArrayBuffer(chunks.reduce((sum, { length }) => sum + length, 0)))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Does what asks ClickHouse. @throws HistoryError when it does not answer */
export async function asked<Value>(ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask()
  } catch (cause) {
    throw new HistoryError(sentenceOf(cause), { cause })
  }
}
