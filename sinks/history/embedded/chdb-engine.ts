/**
 * ClickHouse inside this process (chDB) with the manners of a server: each request has its own settings and parameters
 * and leaves nothing behind. A request runs on a thread of chDB; this thread only waits.
 */
import { access, constants, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

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
  // Only now, as the directory is ours: what a killed process left behind goes.
  await rm(join(dir, incoming), { recursive: true, force: true })
  await mkdir(join(dir, incoming), { mode: 0o700 })
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
    const done = request.body === null ? await ask(session, request) : await insert(session, dir, request)
    return { ...done, elapsedMs: performance.now() - started }
  } catch (cause) {
    throw failure(cause)
  } finally {
    session.close()
  }
}

function prologue({ database, settings }: EngineRequest): string {
  const all = [...settings].map(([name, value]) => `${name} = '${quoted(value)}'`)
  // `readonly` last: after it nothing can be set.
  all.sort((a, b) => Number(a.startsWith('readonly ')) - Number(b.startsWith('readonly ')))
  const use = `USE \`${database.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
  return [use, ...all.map((setting) => `SET ${setting}`)].join('; ')
}

async function ask(session: Session, { sql, params, format }: EngineRequest): Promise<Omit<EngineAnswer, 'elapsedMs'>> {
  const result =
    params.size === 0
      ? await session.queryAsync(sql, { format })
      : await session.queryBindAsync(sql, Object.fromEntries(params), { format })
  return { bytes: result.bytes(), readRows: result.rowsRead, writtenRows: 0 }
}

// Rows go through a file: the binding takes text only, and Native is not text.
async function insert(
  session: Session,
  dir: string,
  { sql, body }: EngineRequest,
): Promise<Omit<EngineAnswer, 'elapsedMs'>> {
  const nothing = new Uint8Array()
  const [, head, format] = insertHead.exec(sql) ?? []
  if (head === undefined || format === undefined) {
    throw new EngineError('query_failed', 'an INSERT with rows ends in FORMAT and the name of one', {
      clickhouseCode: 62,
    })
  }
  if (body === null || body.length === 0) return { bytes: nothing, readRows: 0, writtenRows: 0 }
  const file = join(dir, incoming, `${++fileNumber}.rows`)
  try {
    await writeFile(file, body, { mode: 0o600 })
    const result = await session.queryAsync(`${head} FROM INFILE '${quoted(file)}' FORMAT ${format}`)
    return { bytes: nothing, readRows: result.rowsRead, writtenRows: result.rowsRead }
  } finally {
    await rm(file, { force: true })
  }
}

const insertHead = /^\s*(INSERT\s+INTO\s+[\w.]+\s*(?:\([\w\s,]+\))?)\s*FORMAT\s+(\w+)\s*$/i
/** Of rows on their way in, inside the data directory and emptied at start. */
const incoming = 'incoming'
let fileNumber = 0

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}

function failure(cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause
  const message = cause instanceof Error ? cause.message : 'unknown failure'
  const code = /\bCode: (\d+)\b/.exec(message)?.[1]
  return new EngineError('query_failed', message, { cause, clickhouseCode: code === undefined ? 0 : Number(code) })
}
