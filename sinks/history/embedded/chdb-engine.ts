/**
 * ClickHouse inside this process (chDB) with the manners of a server: each request has its own settings and parameters
 * and leaves nothing behind. A request runs on a thread of chDB; this thread only waits.
 */
import { access, constants, mkdir } from 'node:fs/promises'

/** One statement with what came along with it. */
export type EngineRequest = {
  readonly sql: string
  /** Rows of an INSERT, in the format its statement names; null: none. */
  readonly body: Uint8Array | null
  readonly database: string
  readonly settings: ReadonlyMap<string, string>
  /** Values of `{name:Type}` placeholders as text; null is NULL. */
  readonly params: ReadonlyMap<string, string | null>
  /** Format of the result when the statement names none. */
  readonly format: string
}

export type EngineAnswer = {
  readonly bytes: Uint8Array
  readonly readRows: number
  readonly writtenRows: number
  readonly elapsedMs: number
}

export type EngineErrorCode = 'chdb_unavailable' | 'history_locked' | 'history_unwritable' | 'query_failed'

/** A refusal of the embedded engine. For `query_failed` the message is ClickHouse's own and may quote data. */
export class EngineError extends Error {
  readonly code: EngineErrorCode
  /** ClickHouse's number of the exception; 0 when it has none. */
  readonly clickhouseCode: number
  constructor(code: EngineErrorCode, message: string, options: { cause?: unknown; clickhouseCode?: number } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.clickhouseCode = options.clickhouseCode ?? 0
  }
}

export type Engine = {
  /** @throws EngineError `query_failed` */
  run(request: EngineRequest): Promise<EngineAnswer>
  close(): void
}

/**
 * Opens a data directory, made when missing. One process at a time may hold it.
 * @throws EngineError `chdb_unavailable` (no build for this platform), `history_unwritable`, `history_locked`
 */
export async function openEngine(dir: string): Promise<Engine> {
  const chdb = await loadChdb()
  try {
    await mkdir(dir, { recursive: true })
    await access(dir, constants.R_OK | constants.W_OK)
  } catch (cause) {
    throw new EngineError('history_unwritable', 'the history directory cannot be written', { cause })
  }
  let root: InstanceType<typeof chdb.Session>
  try {
    root = new chdb.Session(dir)
  } catch (cause) {
    throw new EngineError('history_locked', 'the history directory is held by another process', { cause })
  }
  return {
    run: (request) => run(chdb, dir, request),
    close: () => root.close(),
  }
}

type Chdb = typeof import('chdb')
type Session = InstanceType<Chdb['Session']>

async function loadChdb(): Promise<Chdb> {
  try {
    return await import('chdb')
  } catch (cause) {
    const sentence = `the embedded ClickHouse has no build for ${process.platform}-${process.arch}; history is off here`
    throw new EngineError('chdb_unavailable', sentence, { cause })
  }
}

// A session is cheap (0.3 ms measured) and the only scope of settings chDB knows, so each request gets its own.
async function run(chdb: Chdb, dir: string, request: EngineRequest): Promise<EngineAnswer> {
  const started = performance.now()
  const session = new chdb.Session(dir)
  try {
    await session.queryAsync(prologue(request))
    const done = request.body === null ? await ask(session, request) : await insert(session, request, request.body)
    return { ...done, elapsedMs: performance.now() - started }
  } catch (cause) {
    throw failure(cause)
  } finally {
    session.close()
  }
}

function prologue({ database, settings }: EngineRequest): string {
  const quoted = [...settings].map(
    ([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
  )
  // `readonly` last: after it nothing can be set.
  quoted.sort((a, b) => Number(a.startsWith('readonly ')) - Number(b.startsWith('readonly ')))
  const use = `USE \`${database.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
  return [use, ...quoted.map((setting) => `SET ${setting}`)].join('; ')
}

async function ask(session: Session, { sql, params, format }: EngineRequest): Promise<Omit<EngineAnswer, 'elapsedMs'>> {
  const result =
    params.size === 0
      ? await session.queryAsync(sql, { format })
      : await session.queryBindAsync(sql, Object.fromEntries(params), { format })
  return { bytes: result.bytes(), readRows: result.rowsRead, writtenRows: 0 }
}

const insertHead = /^\s*INSERT\s+INTO\s+([\w.]+)\s*(?:\(([\w\s,]+)\))?\s*FORMAT\s+(\w+)\s*$/i
const rawFormats = ['JSONEachRow', 'JSONCompactEachRow', 'CSV', 'CSVWithNames', 'TabSeparated'] as const

async function insert(
  session: Session,
  { sql }: EngineRequest,
  body: Uint8Array,
): Promise<Omit<EngineAnswer, 'elapsedMs'>> {
  const nothing = new Uint8Array()
  if (body.length === 0) return { bytes: nothing, readRows: 0, writtenRows: 0 }
  const head = insertHead.exec(sql)
  const [, table, columns] = head ?? []
  const format = rawFormats.find((name) => name === head?.[3])
  if (table === undefined || format === undefined) {
    throw new EngineError('query_failed', `the embedded ClickHouse takes rows as ${rawFormats.join(', ')} only`, {
      clickhouseCode: 73,
    })
  }
  const list = columns === undefined ? {} : { columns: columns.split(',').map((column) => column.trim()) }
  const summary = await session.insert({ table, format, values: body, ...list })
  return { bytes: nothing, readRows: summary.rowsWritten, writtenRows: summary.rowsWritten }
}

function failure(cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause
  const message = cause instanceof Error ? cause.message : 'unknown failure'
  const code = /\bCode: (\d+)\b/.exec(message)?.[1]
  return new EngineError('query_failed', message, { cause, clickhouseCode: code === undefined ? 0 : Number(code) })
}
