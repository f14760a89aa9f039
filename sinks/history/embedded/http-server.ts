/**
 * The part of ClickHouse's HTTP interface that the official client speaks, over the embedded engine: queries and inserts
 * with settings, `param_*` and formats from the URL, ping, exceptions with their codes. Sessions, roles, multipart
 * bodies and compressed answers are not part of it. On 127.0.0.1 only, for who knows the key.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Engine, type EngineAnswer, EngineError, type EngineRequest } from './chdb-engine.ts'
import { readOnlyRefusal } from './read-only.ts'

export type EmbeddedServer = { readonly url: string; close(): Promise<void> }

export type EmbeddedServerOptions = {
  readonly engine: Engine
  /** Password of the user `proffer`, at least 16 characters. */
  readonly key: string
  /** Settings of every request that does not bring its own, such as `max_memory_usage`. */
  readonly defaults: ReadonlyMap<string, string>
  /** Statements without rows that may run at once; inserts run beside them, one at a time. */
  readonly queriesAtOnce: number
  /** Port to listen on; a free one when absent. */
  readonly port?: number
}

/** Name the client signs in with. */
export const embeddedUser = 'proffer'

const bodyBytesMax = 64 * 1024 * 1024
const waitingMax = 64

/** Starts the server; resolves when it listens. */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const serve = handler(options)
  const server = createServer({ maxHeaderSize: 64 * 1024, requestTimeout: 120_000 }, (request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function handler({ engine, key, defaults, queriesAtOnce }: EmbeddedServerOptions) {
  const allowed = digest(`Basic ${Buffer.from(`${embeddedUser}:${key}`).toString('base64')}`)
  const queries = gate(queriesAtOnce)
  const inserts = gate(1)
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), allowed)) {
      return refuse(response, 401, 516, 'Authentication failed: the key is wrong or missing')
    }
    if (url.pathname === '/ping') return void response.end('Ok.\n')
    const posted = request.method === 'POST' ? await read(request, bodyBytesMax) : Buffer.alloc(0)
    if (posted === null) return refuse(response, 413, 298, 'the body is too large for the embedded ClickHouse')
    const parsed = parse(url, posted, { defaults, format: request.headers['x-clickhouse-format'] })
    if (typeof parsed === 'string') return refuse(response, 400, 48, parsed)
    const { limit, queryId } = {
      limit: parsed.body === null ? queries : inserts,
      queryId: url.searchParams.get('query_id'),
    }
    if (!(await limit.enter())) return refuse(response, 503, 202, 'too many statements are waiting')
    try {
      const answer = await engine.run(parsed)
      response.writeHead(200, {
        'X-ClickHouse-Query-Id': queryId ?? '',
        'X-ClickHouse-Summary': summary(answer),
        'X-ClickHouse-Format': parsed.format,
        'Content-Length': answer.bytes.length,
      })
      response.end(answer.bytes)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      const message = error.message.replace(/^Code: \d+\. DB::Exception: /, '').trim()
      refuse(response, 500, error.clickhouseCode, message)
    } finally {
      limit.leave()
    }
  }
}

// Of the server's HTTP layer only; the embedded engine knows none of them.
const httpOnly = new Set([
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'http_response_buffer_size',
  'enable_http_compression',
  'buffer_size',
])

type Usual = { readonly defaults: ReadonlyMap<string, string>; readonly format: string | string[] | undefined }

/** The request of a URL and what was posted, or why it is refused. */
function parse(url: URL, posted: Uint8Array, usual: Usual): EngineRequest | string {
  const settings = new Map(usual.defaults)
  const params = new Map<string, string | null>()
  let database = 'default'
  let format = typeof usual.format === 'string' ? usual.format : 'TabSeparated'
  let statement: string | null = null
  for (const [name, value] of url.searchParams) {
    if (name === 'query') statement = value
    else if (name === 'database') database = value
    else if (name === 'default_format') format = value
    else if (name.startsWith('param_')) params.set(name.slice(6), value === '\\N' ? null : unescapeParam(value))
    else if (name === 'session_id' || name === 'role') return `the embedded ClickHouse has no ${name}`
    else if (!/^[a-z0-9_]+$/.test(name)) return 'a setting has an impossible name'
    else if (name !== 'query_id' && !httpOnly.has(name)) settings.set(name, value)
  }
  const sql = statement ?? Buffer.from(posted.buffer, posted.byteOffset, posted.byteLength).toString('utf8')
  if (sql.trim() === '') return 'the statement is empty'
  if (!/^\w+$/.test(format)) return 'the format has an impossible name'
  const readonly = settings.get('readonly') ?? '0'
  const refusal = readonly === '0' ? null : readOnlyRefusal(sql)
  if (refusal !== null) return refusal
  const body = statement !== null && /^\s*INSERT\b/i.test(statement) ? posted : null
  return { sql, body, database, settings, params, format }
}

// Parameters come in ClickHouse's tab-separated escaping.
const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '0': '\0', b: '\b', f: '\f' }
function unescapeParam(value: string): string {
  return value.replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter)
}

async function read(request: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > bytesMax) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  response.writeHead(status, { 'X-ClickHouse-Exception-Code': code, 'Content-Type': 'text/plain; charset=UTF-8' })
  const named = /\([A-Z0-9_]+\)$/.test(message)
    ? message
    : `${message}. (${code === 516 ? 'AUTHENTICATION_FAILED' : 'REFUSED'})`
  response.end(`Code: ${code}. DB::Exception: ${named}\n`)
}

function summary({ readRows, writtenRows, elapsedMs }: EngineAnswer): string {
  return JSON.stringify({
    read_rows: String(readRows),
    read_bytes: '0',
    written_rows: String(writtenRows),
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: '0',
    result_bytes: '0',
    elapsed_ns: String(Math.round(elapsedMs * 1e6)),
  })
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Lets `width` in at once and at most `waitingMax` wait; further ones are turned away. */
function gate(width: number) {
  const waiting: (() => void)[] = []
  let inside = 0
  return {
    async enter(): Promise<boolean> {
      if (inside < width) {
        inside++
        return true
      }
      if (waiting.length >= waitingMax) return false
      await new Promise<void>((resolve) => waiting.push(resolve))
      return true
    },
    leave(): void {
      const next = waiting.shift()
      if (next === undefined) inside--
      else next()
    },
  }
}
