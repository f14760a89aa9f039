/** What is left of a customer in ClickHouse, counted now. */
import { z } from 'zod'
import { type HistoryClient, rowsOf } from './client.ts'
import { acceptedSql, customerHash, erasureTables, refusedUntil } from './erasure-scope.ts'
import { unlogged } from './erasure-statements.ts'
import type { ErasureReport, ErasureState, TableReport } from './history.ts'

export type ReportOptions = {
  readonly database: string
  readonly erasureKey: string
  readonly customerId: string
}

/** How long ClickHouse may take beyond the lifetime of a replaced part to remove it: its cleaner runs every half minute or so. */
const cleanerMs = 120_000

/** Counts the customer's rows and says how far its erasure is. @throws errors of the client */
export async function erasureReport(client: HistoryClient, options: ReportOptions): Promise<ErasureReport> {
  const { database, customerId } = options
  const last = await lastErasure(client, customerHash(options.erasureKey, customerId))
  const tables: TableReport[] = []
  for (const table of erasureTables) {
    const ofCustomer = `SELECT count() AS rows FROM \`${database}\`.${table} WHERE customer_id = '${quoted(customerId)}'`
    const sql = last === null ? ofCustomer : `${ofCustomer} AND ${acceptedSql} <= ${refusedUntil(last.erasedAt)}`
    const [counted] = await rowsOf(client, z.object({ rows: z.number() }), sql, {}, unlogged)
    tables.push({ table, rows: counted?.rows ?? 0, sql })
  }
  if (last === null) return { state: { kind: 'none' }, tables }
  const { erasedAt, recordedAt, goneAt } = last
  const instants = { erasedAt, refusedUntil: refusedUntil(erasedAt) }
  const isClean = tables.every(({ rows }) => rows === 0)
  const state: ErasureState =
    goneAt === null || !isClean
      ? { kind: 'pending', ...instants, since: recordedAt }
      : { kind: 'gone', ...instants, since: goneAt, filesGoneBy: await filesGoneBy(client, database, goneAt) }
  return { state, tables }
}

type Last = { readonly erasedAt: number; readonly recordedAt: number; readonly goneAt: number | null }

async function lastErasure(client: HistoryClient, customer: string): Promise<Last | null> {
  const [last] = await rowsOf(
    client,
    z.object({ erased: z.number(), recorded: z.number(), gone: z.number().nullable() }),
    `SELECT toUnixTimestamp64Milli(erased_at) AS erased, toUnixTimestamp64Milli(recorded_at) AS recorded,
            toUnixTimestamp64Milli(gone_at) AS gone
     FROM erased_raw FINAL WHERE customer_hash = {customer:String}
     ORDER BY erased_at DESC, recorded_at DESC LIMIT 1`,
    { customer },
  )
  return last === undefined ? null : { erasedAt: last.erased, recordedAt: last.recorded, goneAt: last.gone }
}

/** Until when parts that were replaced up to then may be on disk; null when none of them is. */
async function filesGoneBy(client: HistoryClient, database: string, goneAt: number): Promise<number | null> {
  const [found] = await rowsOf(
    client,
    z.object({ parts: z.number(), replaced: z.number(), lifetime: z.number(), now: z.number() }),
    `SELECT count() AS parts, toUnixTimestamp(max(remove_time)) AS replaced, toUnixTimestamp(now()) AS now,
            (SELECT toUInt64(value) FROM system.merge_tree_settings WHERE name = 'old_parts_lifetime') AS lifetime
     FROM system.parts
     WHERE database = {database:String} AND table IN {tables:Array(String)} AND NOT active
       AND toUnixTimestamp(remove_time) <= {gone:Int64}`,
    { database, tables: [...erasureTables], gone: Math.ceil(goneAt / 1_000) },
  )
  if (found === undefined || found.parts === 0) return null
  // One that is read from for longer stays for longer.
  return Math.max(found.replaced + found.lifetime, found.now) * 1_000 + cleanerMs
}

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}
