/** Brings the tables and views of a ClickHouse server to this release, in order, each file once. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { createHistoryClient, type HistoryAddress, type HistoryClient, rowsOf } from './client.ts'

/** A server whose tables were made by another release than the files say. Not retryable. */
export class MigrationError extends Error {
  readonly code = 'history_migration_refused'
}

export type Migration = { readonly name: string; readonly hash: string; readonly statements: readonly string[] }

/** Tables whose rows end with the retention. */
const retained = [
  'events_raw',
  'event_records_raw',
  'decisions_raw',
  'batches_raw',
  'inputs_raw',
  'undecodable_raw',
  'shadow_decisions_raw',
]

/** The migrations of this release, in order. */
export function migrations(): readonly Migration[] {
  const folder = new URL('migrations/', import.meta.url)
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8')
      const statements = text
        .split(/;[ \t]*(?:\n|$)/)
        .map((statement) => statement.replace(/^\s*--.*\n/gm, '').trim())
        .filter((statement) => statement !== '')
      return { name: file, hash: createHash('sha256').update(text).digest('hex').slice(0, 16), statements }
    })
}

/**
 * Makes the database, applies what is missing, and sets the retention of all tables.
 *
 * Each statement can be repeated, so a start that was cut off in the middle is finished by the next one.
 * @param retentionDays how long rows are kept after they were written, at least 1
 * @returns names of the files applied now
 * @throws MigrationError when a file that was applied has changed since, or a newer release has been here
 */
export async function migrate(
  address: HistoryAddress,
  { retentionDays, list = migrations() }: { retentionDays: number; list?: readonly Migration[] },
): Promise<readonly string[]> {
  const outside = createHistoryClient({ ...address, database: 'default' })
  const client = createHistoryClient(address)
  try {
    await outside.command({
      query: 'CREATE DATABASE IF NOT EXISTS {db:Identifier}',
      query_params: { db: address.database },
    })
    const applied = await applyMissing(client, list)
    await retain(client, address.database, retentionDays)
    return applied
  } finally {
    await Promise.all([outside.close(), client.close()])
  }
}

async function applyMissing(client: HistoryClient, list: readonly Migration[]): Promise<readonly string[]> {
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS migrations
      (name String, hash String, applied_at DateTime('UTC') DEFAULT now())
      ENGINE = ReplacingMergeTree(applied_at) ORDER BY name`,
  })
  const row = z.object({ name: z.string(), hash: z.string() })
  const rows = await rowsOf(client, row, 'SELECT name, hash FROM migrations FINAL')
  const done = new Map(rows.map(({ name, hash }) => [name, hash]))
  for (const name of done.keys()) {
    if (list.some((migration) => migration.name === name)) continue
    throw new MigrationError(`migration ${name} was applied by a newer release; start that one or a fresh database`)
  }
  const applied: { readonly name: string; readonly hash: string }[] = []
  for (const { name, hash, statements } of list) {
    const known = done.get(name)
    if (known === hash) continue
    if (known !== undefined) throw new MigrationError(`migration ${name} has changed since it was applied here`)
    for (const query of joined(statements)) await client.command({ query })
    applied.push({ name, hash })
  }
  // One part for all of them: a fresh database comes by every migration at its first start, and each part costs.
  if (applied.length > 0) await client.insert({ table: 'migrations', values: applied, format: 'JSONEachRow' })
  return applied.map(({ name }) => name)
}

/** Columns that follow each other into one table as one statement: each statement costs a fresh database's first start some 30 ms. */
function joined(statements: readonly string[]): readonly string[] {
  const all: string[] = []
  let open = ''
  for (const statement of statements) {
    const [, table = '', column = ''] = /^ALTER TABLE (\w+)\s+(ADD COLUMN .+)$/s.exec(statement) ?? []
    const last = all.pop()
    if (table !== '' && table === open) all.push(`${last}, ${column}`)
    else all.push(...(last === undefined ? [] : [last]), statement)
    open = table
  }
  return all
}

async function retain(client: HistoryClient, database: string, retentionDays: number): Promise<void> {
  const ttl = `inserted_at + toIntervalDay(${Math.max(1, Math.trunc(retentionDays))})`
  const tables = await rowsOf(
    client,
    z.object({ name: z.string(), made: z.string() }),
    `SELECT name, create_table_query AS made FROM system.tables
     WHERE database = {database:String} AND name IN {names:Array(String)}`,
    { database, names: retained },
  )
  for (const { name, made } of tables) {
    if (made.includes(`TTL ${ttl}`)) continue
    await client.command({
      query: `ALTER TABLE ${name} MODIFY TTL ${ttl}`,
      // Parts expire by their own dates; rewriting all of them at start would cost minutes.
      clickhouse_settings: { materialize_ttl_after_modify: 0 },
    })
  }
}
