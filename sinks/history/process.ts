/**
 * The history process: the embedded ClickHouse (unless a server is configured) and the writer, away from the engine so
 * that no query ever costs a decision time. Started by `supervisor.ts` with an IPC channel; ends when that closes, also
 * after kill -9 of its parent, as the kernel closes the channel.
 */
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../../ingest/backoff.ts'
import { createRecordSignature } from '../../ingest/record-signature.ts'
import { openCodecs } from '../codecs.ts'
import { codeOf, createHistoryClient, type HistoryAddress, sentenceOf } from './client.ts'
import { type Engine, openEngine } from './embedded/chdb-engine.ts'
import { embeddedUser, startEmbeddedServer } from './embedded/http-server.ts'
import type { CopySource } from './log-source.ts'
import { type FromHistory, type StartMessage, toHistory } from './messages.ts'
import { migrate } from './migrate.ts'
import { openSource } from './open-source.ts'
import { type PackStart, registerPack } from './pack-facts.ts'
import { serverBootedAt } from './positions.ts'
import { createWriter, type Writer, type WriterOptions } from './writer.ts'
import { yieldProcessor } from './yield-processor.ts'

const statusEveryMs = 500
const endWithinMs = 2_000
const batchBytes = 8 * 1024 * 1024
const retry = { firstMs: 250, mostMs: 15_000, salt: 'history-process' }
/** They do not pass by themselves: another start would end the same way. */
const finalCodes = ['chdb_unavailable', 'history_migration_refused']

let writer: Writer | null = null
let source: CopySource | null = null
let finished: Promise<void> = Promise.resolve()
let error: string | null = null
let ending = false
/** Where the tables are, once they are there. */
let tables: HistoryAddress | null = null
/** The pack that came into force since the start; null: none did. */
let newestPack: PackStart | null = null
let telling: Promise<void> = Promise.resolve()

process.on('message', (raw) => {
  const message = toHistory.parse(raw)
  if (message.kind === 'start') start(message).catch(fail)
  else if (message.kind === 'stop') end()
  else if (message.kind === 'pack') packInForce(message.pack)
  else flush(message.id, message.deadlineMs)
})
process.on('disconnect', end)
process.on('SIGTERM', end)
// Ctrl-C reaches the whole group; the engine decides when history may stop.
process.on('SIGINT', () => undefined)
process.on('uncaughtException', fail)

async function start(options: StartMessage): Promise<void> {
  report()
  setInterval(report, statusEveryMs)
  const address = options.dir === null ? options.address : await embed(options.dir, options)
  await prepare(address, options)
  // Who starts an engine or a command waits for this much. From here on decisions come first: everything, the threads of chDB included, yields to them.
  yieldProcessor()
  tables = address
  if (newestPack !== null) packInForce(newestPack)
  tell({ kind: 'serving', address })
  // An embedded ClickHouse is this node's alone and has to hold everything; one server is shared by all nodes' processes.
  source = await openSource(options.log, options.dir === null ? 'group' : 'all')
  writer = createWriter(writerOptions(options, address, source))
  finished = writer.run()
  await finished
}

function writerOptions(options: StartMessage, address: HistoryAddress, from: CopySource): WriterOptions {
  const client = createHistoryClient(address)
  const bootedAt = Date.now() - uptime() * 1_000
  const { signingSecret } = options
  const signature = signingSecret === null ? null : createRecordSignature(Buffer.from(signingSecret, 'base64'))
  return {
    client,
    database: address.database,
    source: from,
    codecs: openCodecs(options.schemas),
    now: Date.now,
    bootedAt: options.dir === null ? () => serverBootedAt(client) : async () => bootedAt,
    batchRows: options.batchRows,
    batchBytes,
    flushEveryMs: options.flushEveryMs,
    erasureKey: options.erasureKey,
    trusts: (record) => signature === null || signature.verify(record),
    settleMs: options.settleMs,
  }
}

async function embed(dir: string, { address, queryMemoryBytes }: StartMessage): Promise<HistoryAddress> {
  const engine: Engine = await openEngine(dir)
  const defaults = new Map([
    ['max_memory_usage', String(queryMemoryBytes)],
    ['max_result_bytes', String(64 * 1024 * 1024)],
    ['max_threads', '2'],
    ['max_insert_threads', '1'],
  ])
  const server = await startEmbeddedServer({ engine, key: address.password, defaults, queriesAtOnce: 2 })
  return { ...address, url: server.url, username: embeddedUser }
}

async function prepare(address: HistoryAddress, { retentionDays, pack }: StartMessage): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await migrate(address, { retentionDays })
      if (pack !== null) await tellPack(address, pack)
      error = null
      return
    } catch (cause) {
      if (finalCodes.includes(codeOf(cause) ?? '')) throw cause
      error = sentenceOf(cause)
      report()
      await sleep(backoffMs(attempt, retry))
    }
  }
}

async function tellPack(address: HistoryAddress, pack: PackStart): Promise<void> {
  const client = createHistoryClient(address)
  try {
    await registerPack(client, pack)
  } finally {
    await client.close()
  }
}

/** Puts a pack's rows down, one pack after the other; a ClickHouse that does not take them is asked again. */
function packInForce(pack: PackStart): void {
  newestPack = pack
  const address = tables
  if (address === null) return
  telling = telling.then(async () => {
    for (let attempt = 1; !ending; attempt++) {
      try {
        await tellPack(address, pack)
        error = null
        return
      } catch (cause) {
        error = sentenceOf(cause)
        report()
        await sleep(backoffMs(attempt, retry))
      }
    }
  })
}

function report(): void {
  tell({
    kind: 'status',
    writer: writer?.status() ?? null,
    pid: process.pid,
    memoryBytes: ownMemoryBytes(),
    error,
  })
}

// Without the pages of the log and of chDB's own code, which the system can drop at any time. Elsewhere all there is.
function ownMemoryBytes(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss()
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1_024
}

function flush(id: number, deadlineMs: number): void {
  const until = Date.now() + deadlineMs
  const attempt = async (): Promise<boolean> => {
    while (writer === null && Date.now() < until) await sleep(50)
    return writer === null ? false : writer.flush(until - Date.now())
  }
  attempt()
    .then((complete) => {
      report()
      tell({ kind: 'flushed', id, complete })
    })
    .catch(fail)
}

function tell(message: FromHistory): void {
  if (process.connected) process.send?.(message)
}

function fail(cause: unknown): void {
  const code = codeOf(cause) ?? 'history_failed'
  tell({ kind: 'failed', code, sentence: sentenceOf(cause), final: finalCodes.includes(code) })
  end()
}

// The batch in hand may finish, then others may have the partitions. Always by SIGKILL: a plain exit waits for statements that
// still run, however long.
function end(): void {
  if (ending) return
  ending = true
  writer?.stop()
  const kill = () => process.kill(process.pid, 'SIGKILL')
  setTimeout(kill, endWithinMs)
  finished
    .finally(() => source?.close())
    // A moment for the last message to leave.
    .finally(() => setTimeout(kill, 20))
    .catch(() => undefined)
}
