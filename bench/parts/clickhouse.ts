/**
 * ClickHouse for tests and measurements: the embedded engine (chDB, the real one) in a process of its own, behind the part of
 * ClickHouse's HTTP interface that the official client speaks. To the product it is a server like any other.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHistoryClient, historyAddress } from '../../sinks/history/client.ts'
import { embeddedUser } from '../../sinks/history/embedded/http-server.ts'
import { freePort } from './free-ports.ts'
import { messageOf, PartError } from './part-error.ts'
import { type ServerPlan, type ServerProcess, startServerProcess } from './server-process.ts'

export type ClickHousePart = ServerProcess & {
  /** Of the engine, such as `26.7.1.1`. */
  readonly version: string
  /** Without user and password. */
  readonly origin: string
  readonly user: string
  readonly password: string
  /** A value for `CLICKHOUSE_URL`, user and password included. */
  urlOf(database: string): string
}

const startWithinMs = 30_000

/**
 * Starts a server with an empty data folder; resolves when it answers queries.
 * @throws PartError `part_missing` where chDB has no build or is not installed; `part_failed`
 */
export async function startClickHouse({ port }: { readonly port?: number } = {}): Promise<ClickHousePart> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-clickhouse-'))
  const listen = port ?? (await freePort())
  const origin = `http://127.0.0.1:${listen}`
  const user = embeddedUser
  const password = randomBytes(12).toString('hex')
  const urlOf = (database: string) => `http://${user}:${password}@127.0.0.1:${listen}/${database}`
  const server = await launch({
    name: 'ClickHouse',
    command: process.execPath,
    args: [fileURLToPath(new URL('clickhouse-process.ts', import.meta.url)), join(dir, 'data'), String(listen)],
    // chDB runs statements on libuv's threads.
    env: { CLICKHOUSE_KEY: password, UV_THREADPOOL_SIZE: '8', TZ: 'UTC' },
    dir,
    answers: async () => void (await clickHouseVersion(urlOf('default'))),
    startWithinMs,
    stopWithinMs: 0,
  })
  return { ...server, version: await clickHouseVersion(urlOf('default')), origin, user, password, urlOf }
}

async function launch(plan: ServerPlan): Promise<ServerProcess> {
  try {
    return await startServerProcess(plan)
  } catch (cause) {
    // Only the process itself can tell: loading the engine here to see whether it is there would cost half a gigabyte.
    const why = /chdb_unavailable: (.*)/.exec(messageOf(cause))?.[1]
    throw why === undefined ? cause : new PartError('part_missing', why, cause)
  }
}

/** The version that the server of a `CLICKHOUSE_URL` tells; rejects when it does not answer within two seconds. */
export async function clickHouseVersion(url: string): Promise<string> {
  // The database of the URL may not be there yet.
  const client = createHistoryClient({ ...historyAddress(url), database: 'default' }, { requestTimeoutMs: 2_000 })
  try {
    const answer = await client.query({ query: 'SELECT version()', format: 'TabSeparated' })
    return (await answer.text()).trim()
  } finally {
    await client.close()
  }
}
