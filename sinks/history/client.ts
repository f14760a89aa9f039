/** The one way to a ClickHouse server, embedded or not: the official client with settings that fit this product. */
import { ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client'
import { z } from 'zod'
import { SchemaRegistryError } from '../../ingest/registry/schema-registry.ts'

export type HistoryClient = ReturnType<typeof createClient>

/** Where ClickHouse is and which database holds all tables and views. Made by `historyAddress`. */
export type HistoryAddress = {
  readonly url: string
  readonly username: string
  readonly password: string
  readonly database: string
}

/**
 * Takes a URL of the form `http://user:password@host:8123/database` apart; the database is `proffer` when the URL names
 * none.
 * @throws TypeError when it is not a URL
 */
export function historyAddress(url: string): HistoryAddress {
  const parsed = new URL(url)
  return {
    url: parsed.origin,
    username: decodeURIComponent(parsed.username) || 'default',
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)) || 'proffer',
  }
}

/**
 * A client for an address. It logs nothing: its log lines would hold query parameters, which are customer data.
 * Times out a request after `requestTimeoutMs`.
 * @param isBusy whether its thread works for seconds on end: it would take a connection for alive that the server has closed meanwhile, so each
 *   request has a new one
 */
export function createHistoryClient(
  address: HistoryAddress,
  { requestTimeoutMs = 60_000, isBusy = false }: { requestTimeoutMs?: number; isBusy?: boolean } = {},
): HistoryClient {
  return createClient({
    ...address,
    request_timeout: requestTimeoutMs,
    max_open_connections: 4,
    application: 'proffer',
    keep_alive: { enabled: !isBusy, idle_socket_ttl: 2_500 },
    log: { level: ClickHouseLogLevel.OFF },
  })
}

/** Rows of a query whose columns are numbers and strings, parsed by a schema. */
export async function rowsOf<Row>(
  client: HistoryClient,
  row: z.ZodType<Row>,
  query: string,
  params: Record<string, unknown> = {},
  settings: ClickHouseSettings = {},
): Promise<readonly Row[]> {
  const result = await client.query({
    query,
    query_params: params,
    format: 'JSONEachRow',
    clickhouse_settings: {
      ...settings,
      output_format_json_quote_64bit_integers: 0,
      output_format_json_quote_denormals: 1,
    },
  })
  return z.array(row).parse(await result.json())
}

/** Codes whose errors are ours: their messages are sentences that hold no data. */
const ownCodes = /^(?:chdb|history|log)_/

/** What went wrong, short enough for a status line and without the query or its data. */
export function sentenceOf(error: unknown): string {
  const code = codeOf(error)
  if (error instanceof SchemaRegistryError) return error.message
  if (code !== null && ownCodes.test(code) && error instanceof Error) return error.message
  if (code !== null && /^\d+$/.test(code)) return `ClickHouse refused with code ${code}`
  if (code !== null) return `ClickHouse is not reachable (${code})`
  if (error instanceof Error && /timeout/i.test(error.message)) return 'ClickHouse did not answer in time'
  return 'ClickHouse failed without a code'
}

/** The code of a ClickHouse exception (digits) or of a socket error; null when there is none. */
export function codeOf(error: unknown): string | null {
  const parsed = z.object({ code: z.union([z.string(), z.number()]) }).safeParse(error)
  return parsed.success ? String(parsed.data.code) : null
}
