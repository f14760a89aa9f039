/** The embedded engine as a server: killed and started again it is the same server. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startClickHouse } from '../../../bench/parts/clickhouse.ts'
import { createHistoryClient, historyAddress } from '../../../sinks/history/client.ts'

test('a killed server comes back on its port with its rows and its password', async () => {
  const server = await startClickHouse()
  const client = createHistoryClient(historyAddress(server.urlOf('default')), { requestTimeoutMs: 5_000 })
  await client.command({ query: 'CREATE TABLE numbers_kept (n UInt32) ENGINE = MergeTree ORDER BY n' })
  await client.insert({ table: 'numbers_kept', values: [{ n: 1 }, { n: 41 }], format: 'JSONEachRow' })
  await server.kill()
  await expect(client.ping()).resolves.toMatchObject({ success: false })
  await server.restart()
  const sum = await client.query({ query: 'SELECT sum(n) FROM numbers_kept', format: 'TabSeparated' })
  expect(await sum.text()).toBe('42\n')
  await client.close()
  await server.stop()
  expect(existsSync(server.dir)).toBe(false)
})
