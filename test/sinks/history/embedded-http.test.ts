/** The embedded ClickHouse behind HTTP: who may ask, what it refuses, what one request leaves for the next. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClickHousePart, startClickHouse } from '../../../bench/parts/clickhouse.ts'
import { createHistoryClient, type HistoryAddress, historyAddress } from '../../../sinks/history/client.ts'
import { migrate, migrations } from '../../../sinks/history/migrate.ts'
import { copiedPositions, loadPositions, serverBootedAt, storePositions } from '../../../sinks/history/positions.ts'

let server: ClickHousePart
let address: HistoryAddress
beforeAll(async () => {
  server = await startClickHouse()
  address = historyAddress(server.urlOf('proffer'))
})
afterAll(async () => {
  await server.stop()
})

async function ask(query: string, settings: Record<string, string> = {}, key = server.password) {
  const response = await fetch(`${server.origin}/?${new URLSearchParams(settings)}`, {
    method: 'POST',
    body: query,
    headers: { authorization: `Basic ${Buffer.from(`proffer:${key}`).toString('base64')}` },
  })
  const code = response.headers.get('x-clickhouse-exception-code')
  return { status: response.status, code, text: await response.text() }
}

test('without the key nothing is answered', async () => {
  expect(await ask('SELECT 1', {}, 'another key for tests')).toMatchObject({ status: 401, code: '516' })
  expect((await fetch(`${server.origin}/?query=SELECT%201`)).status).toBe(401)
  expect((await fetch(`${server.origin}/ping`)).status).toBe(401)
  expect(await ask('SELECT 1')).toMatchObject({ status: 200, text: '1\n' })
})

test('settings of a request end with it', async () => {
  expect(await ask('SELECT * FROM numbers(3)', { max_result_rows: '2' })).toMatchObject({ status: 500, code: '396' })
  expect((await ask('SELECT * FROM numbers(3)')).status).toBe(200)
  expect(await ask('CREATE TABLE a (x UInt8) ENGINE = Memory', { readonly: '1' })).toMatchObject({ code: '164' })
  expect((await ask('CREATE TABLE a (x UInt8) ENGINE = Memory')).status).toBe(200)
})

test('a question can neither read nor write a file of the machine', async () => {
  const readonly = { readonly: '1' }
  const target = join(server.dir, 'stolen')
  for (const sql of [
    "SELECT file('/etc/hostname')",
    "SELECT `file`('/etc/hostname')",
    "SELECT `fi\\x6ce`('/etc/hostname')",
    "SELECT * APPLY(file) FROM (SELECT '/etc/hostname')",
    'SELECT * FROM `/etc/hostname`',
    "SELECT * FROM file('/etc/hostname', 'RawBLOB')",
    `SELECT 1 INTO OUTFILE '${target}'`,
    `SELECT 1 INTO/**/OUTFILE '${target}'`,
  ]) {
    expect({ sql, status: (await ask(sql, readonly)).status }).not.toMatchObject({ status: 200 })
  }
  await expect(rm(target)).rejects.toThrow('ENOENT')
})

test('what the embedded engine does not have is refused by name', async () => {
  expect(await ask('SELECT 1', { session_id: 'x' })).toMatchObject({ status: 400 })
  expect(await ask('SELECT 1', { role: 'x' })).toMatchObject({ status: 400 })
  expect(await ask('SELECT 1', { no_such_setting: '1' })).toMatchObject({ status: 500, code: '115' })
  expect(await ask('   ')).toMatchObject({ status: 400 })
  expect(await ask('SELECT nonsense')).toMatchObject({ status: 500, code: '47' })
})

test('migrations are applied once, and a server of another release is refused', async () => {
  const names = migrations().map(({ name }) => name)
  expect(await migrate(address, { retentionDays: 30 })).toEqual(names)
  expect(await migrate(address, { retentionDays: 30 })).toEqual([])
  const changed = migrations().map((migration, i) => (i === 0 ? { ...migration, hash: 'other' } : migration))
  const refused = expect.objectContaining({ code: 'history_migration_refused' })
  await expect(migrate(address, { retentionDays: 30, list: changed })).rejects.toThrow(refused)
  await expect(migrate(address, { retentionDays: 30, list: migrations().slice(1) })).rejects.toThrow(refused)
})

test('decisions of before holdouts are candidates like the others, with nothing learned', async () => {
  const older = { ...historyAddress(server.urlOf('older')), database: 'older' }
  const list = migrations().filter(({ name }) => name < '0005')
  await migrate(older, { retentionDays: 30, list })
  const client = createHistoryClient(older)
  const fates = { fate_offers: ['a', 'b'], fate_triggers: [null, null], fate_stages: ['offered', 'contact'] }
  const reasons = { fate_reasons: ['offered', 'cap_reached'], fate_rules: [null, 'week'] }
  const terms = ['propensities', 'contexts', 'values', 'levers', 'scores'].map((name) => [`fate_${name}`, [1, 1]])
  const row = { id: 'f'.repeat(32), customer_id: 'c', ...fates, ...reasons, ...Object.fromEntries(terms) }
  await client.insert({ table: 'decisions_raw', values: [row], format: 'JSONEachRow' })
  expect(await migrate(older, { retentionDays: 30 })).toEqual(
    migrations()
      .slice(list.length)
      .map(({ name }) => name),
  )
  const found = await ask('SELECT offer, learned, nothing FROM older.decision_candidates ORDER BY offer')
  expect(found.text).toBe('a\t\\N\t0\nb\t\\N\t0\n')
  expect((await ask('SELECT count() FROM older.holdout_trials')).text).toBe('0\n')
  await client.close()
})

test('all rows have the retention of the configuration', async () => {
  await migrate(address, { retentionDays: 30 })
  await migrate(address, { retentionDays: 7 })
  const tables = "SELECT count() FROM system.tables WHERE database = 'proffer' AND create_table_query LIKE"
  expect((await ask(`${tables} '%TTL inserted_at + toIntervalDay(7)%'`)).text).toBe('7\n')
  expect((await ask(`${tables} '%toIntervalDay(30)%'`)).text).toBe('0\n')
})

test('positions are the newest stored, and a minute older after the machine restarted', async () => {
  await migrate(address, { retentionDays: 30 })
  const client = createHistoryClient(address)
  const at = Date.UTC(2026, 0, 1, 12, 0, 0)
  const stored = (next: number, storedAt: number) =>
    client.insert({
      table: 'positions_raw',
      columns: ['log', 'log_partition', 'next', 'copied', 'stored_at'],
      values: [['events', 0, next, next + 1, storedAt]],
      format: 'JSONCompactEachRow',
    })
  const events = (next: number) => new Map([['events', new Map([[0, next]])]])
  expect((await loadPositions(client, 0)).size).toBe(0)
  await stored(10, at)
  await stored(20, at + 70_000)
  await stored(30, at + 90_000)
  expect(await loadPositions(client, at)).toEqual(events(30))
  expect(await loadPositions(client, at + 100_000)).toEqual(events(10))
  // Whoever went back has stored what it copied since.
  await stored(15, at + 110_000)
  expect(await loadPositions(client, at + 100_000)).toEqual(events(15))
  await client.close()
})

test('positions are dated by the clock of ClickHouse', async () => {
  await migrate(address, { retentionDays: 30 })
  const client = createHistoryClient(address)
  const bootedAt = await serverBootedAt(client)
  expect(Math.abs(Date.now() - bootedAt)).toBeLessThan(60_000)
  await storePositions(client, [{ log: 'decisions', partition: 3, next: 7, copied: 9 }])
  expect((await loadPositions(client, bootedAt)).get('decisions')).toEqual(new Map([[3, 7]]))
  expect((await copiedPositions(client)).get('decisions')).toEqual(new Map([[3, 9]]))
  const age = "SELECT dateDiff('second', max(stored_at), now64(3)) < 10 FROM positions_raw WHERE log = 'decisions'"
  expect((await ask(age, { database: 'proffer' })).text).toBe('1\n')
  await client.close()
})
