/**
 * The statements of an erasure. Ids of customers travel as rows and parameters, never in a text that ClickHouse keeps: it
 * keeps those of mutations beside the table, and those of queries in its log.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type HistoryClient, rowsOf } from './client.ts'
import { acceptedSql, type ErasureTable, erasureTables, refusedUntil } from './erasure-scope.ts'

/** ClickHouse took a deletion and cannot carry it out. */
export class DeletionError extends Error {
  readonly code = 'history_deletion_failed'
  readonly retryable = true
}

/** Whose rows go, and when they were erased, Unix milliseconds. */
export type ErasedRows = { readonly customerId: string; readonly erasedAt: number }

/** Customers of one counting statement: their ids go into a URL. */
const countedAtOnce = 200
const pollMs = { first: 20, most: 5_000 } as const
/** What a killed process left of a run is forgotten after so long. */
const runSecondsMax = 2 * 86_400

/**
 * Deletes the customers' rows, up to when nothing of theirs is taken. Resolves when every part of the tables was gone through, or when told to
 * stop; what is left is for `rowsLeft` to say, as a server that was restarted meanwhile has forgotten whom to delete.
 * @throws DeletionError, and errors of the client
 */
export async function deleteRows(
  client: HistoryClient,
  database: string,
  customers: readonly ErasedRows[],
  isStopping: () => boolean,
): Promise<void> {
  const run = `${Math.floor(Date.now() / 1_000)}-${randomBytes(8).toString('hex')}`
  const values = Array.from(lastOfEach(customers), ([customer, until]) => [`${run} ${customer}`, until])
  await client.insert({ table: 'erasing', columns: ['customer', 'until'], values, format: 'JSONCompactEachRow' })
  try {
    for (const table of erasureTables) {
      const until = `joinGet('${database}.erasing', 'until', concat('${run} ', customer_id))`
      await client.command({
        query: `ALTER TABLE ${table} DELETE WHERE ${until} > 0 AND ${acceptedSql} <= ${until}`,
        clickhouse_settings: { mutations_sync: '0' },
      })
    }
    await untilDone(client, database, run, isStopping)
  } finally {
    const old = `toUInt64OrZero(splitByChar('-', customer)[1]) + ${runSecondsMax} < toUnixTimestamp(now())`
    await client
      .command({ query: `ALTER TABLE erasing DELETE WHERE startsWith(customer, '${run} ') OR ${old}` })
      // What stays is in memory only, and the next run tries again.
      .catch(() => undefined)
  }
}

/** How many of the rows that `deleteRows` takes are there now, by customer and table; customers without any are missing. */
export async function rowsLeft(
  client: HistoryClient,
  customers: readonly ErasedRows[],
): Promise<ReadonlyMap<string, ReadonlyMap<ErasureTable, number>>> {
  const all = [...lastOfEach(customers)]
  const left = new Map<string, Map<ErasureTable, number>>()
  for (let i = 0; i < all.length; i += countedAtOnce) {
    const some = all.slice(i, i + countedAtOnce)
    const params = { ids: some.map(([customer]) => customer), untils: some.map(([, until]) => until) }
    for (const table of erasureTables) {
      const rows = await rowsOf(
        client,
        z.object({ customer_id: z.string(), rows: z.number() }),
        `SELECT customer_id, count() AS rows FROM ${table} WHERE customer_id IN {ids:Array(String)}
           AND ${acceptedSql} <= transform(customer_id, {ids:Array(String)}, {untils:Array(Int64)}, toInt64(0))
         GROUP BY customer_id`,
        params,
        unlogged,
      )
      for (const { customer_id, rows: count } of rows) {
        left.set(customer_id, new Map(left.get(customer_id)).set(table, count))
      }
    }
  }
  return left
}

/** Not into the server's log of queries, which would keep the ids. */
export const unlogged = { log_queries: 0 } as const

/** Waits until the mutations of a run are through. One that cannot be is called off, so that the next attempt is not behind it. */
async function untilDone(
  client: HistoryClient,
  database: string,
  run: string,
  isStopping: () => boolean,
): Promise<void> {
  const of = 'WHERE database = {database:String} AND position(command, {run:String}) > 0 AND NOT is_done'
  for (let ms: number = pollMs.first; !isStopping(); ms = Math.min(ms * 2, pollMs.most)) {
    const [found] = await rowsOf(
      client,
      z.object({ open: z.number(), failing: z.number() }),
      `SELECT count() AS open, countIf(latest_fail_reason != '') AS failing FROM system.mutations ${of}`,
      { database, run },
    )
    if (found === undefined || found.open === 0) return
    if (found.failing > 0) {
      await client.command({ query: `KILL MUTATION ${of}`, query_params: { database, run } })
      throw new DeletionError('ClickHouse cannot delete the rows of erased customers; see its system.mutations and log')
    }
    await sleep(ms)
  }
}

/** Up to when the rows of each go. */
function lastOfEach(customers: readonly ErasedRows[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const { customerId, erasedAt } of customers) {
    last.set(customerId, Math.max(refusedUntil(erasedAt), last.get(customerId) ?? 0))
  }
  return last
}
