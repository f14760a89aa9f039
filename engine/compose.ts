/**
 * The only file that constructs: makes the parts in order, hands each what it needs, stops them in reverse. A start that fails
 * leaves nothing running.
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createIntake } from '../ingest/intake.ts'
import { openDeadLetters } from '../ingest/lmdb-dead-letters.ts'
import { openLogEnvironment } from '../ingest/lmdb-log.ts'
import { loadPack } from '../rules/load-pack.ts'
import type { LoadedPack, Model } from '../rules/model.ts'
import { formatProblems } from '../rules/pack-problem.ts'
import { startHistory } from '../sinks/history/start-history.ts'
import { type ApiKey, apiKeyOf, createKeyCheck } from './api/api-key.ts'
import { onUnexpected } from './api/http.ts'
import { type ApiParts, apiRoutes } from './api/routes.ts'
import { startServer } from './api/server.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { openInstallation } from './installation.ts'
import type { Logger } from './log.ts'
import { nodeKey } from './nodes/node-key.ts'
import { createShards } from './shard/create-shards.ts'
import { createStartStack, type StartStack } from './start-stack.ts'
import { takeInstanceLock } from './store/instance-lock.ts'
import { openLmdbStore } from './store/lmdb-store.ts'
import type { Store } from './store/store.ts'
import { createTelemetry } from './telemetry.ts'

/** The pack is refused; the message lists every problem. */
export class PackError extends Error {
  readonly code = 'pack_refused'
}

export type EngineOptions = {
  readonly config: Config
  readonly clock: Clock
  /** Only for a first start, see `openInstallation`. */
  readonly completeSince?: number | undefined
  readonly salt?: string | undefined
  /** Where to offer the API; null: nowhere. */
  readonly serve: { readonly host: string; readonly port: number } | null
  readonly history: boolean
  readonly logger: Logger
}

/** What runs: the parts the API is served from, and how to reach and stop them. */
export type Engine = Pick<
  ApiParts,
  'installation' | 'intake' | 'shards' | 'events' | 'decisions' | 'deadLetters' | 'history' | 'historyOff'
> & {
  /** Port of the API; 0 when it is not served. */
  readonly port: number
  /** The API key and where it came from. */
  readonly key: string
  readonly keyFrom: ApiKey['from']
  /** Finishes open batches, publishes, releases. */
  stop(): Promise<void>
}

const mb = 1024 * 1024
const deadLettersMax = { count: 1_000_000, bytes: 1_024 * mb, retentionMs: 90 * 24 * 3_600_000 }
const historyOffByChoice = 'History is off. Set HISTORY=on, or ask while an engine with history runs.'

/** Opens the store of a DATA_DIR; the caller holds its instance lock. */
export function openStore(config: Config): Store {
  return openLmdbStore({ dir: join(config.DATA_DIR, 'store'), mapSizeBytes: config.STORE_MAX_MB * mb })
}

/** The kind of clock a DATA_DIR runs on; null before its first start. */
export async function storedClock(config: Config): Promise<'wall' | 'event' | null> {
  if (!existsSync(join(config.DATA_DIR, 'store'))) return null
  const store = openStore(config)
  try {
    return (await store.cluster())?.clock ?? null
  } finally {
    await store.close()
  }
}

/**
 * Starts an engine on a DATA_DIR.
 * @throws PackError, and errors with a `code` of the lock, the store, the logs, the installation and the server
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { logger } = options
  const stack = createStartStack((name, cause) =>
    logger.error({ part: name, cause: String(cause) }, 'did not stop cleanly'),
  )
  try {
    return await build(options, stack)
  } catch (cause) {
    // What failed is what the caller hears of; trouble while undoing is in the log.
    await stack.stop().catch(() => undefined)
    throw cause
  }
}

async function build(options: EngineOptions, stack: StartStack): Promise<Engine> {
  const { config, clock, logger } = options
  const now = () => clock.now()
  const loaded = await loadPackOrThrow(config.PACK)

  const lock = takeInstanceLock(config.DATA_DIR)
  stack.push('instance lock', () => lock.release())
  const apiKey = await apiKeyOf({ dataDir: config.DATA_DIR, key: config.API_KEY, keyFile: config.API_KEY_FILE })

  const store = openStore(config)
  stack.push('store', () => store.close())
  const { completeSince, salt } = options
  const installation = await openInstallation(store, loaded, {
    partitions: config.PARTITIONS,
    clock,
    completeSince,
    salt,
  })
  const partitions = installation.cluster.partitions

  const logDir = join(config.DATA_DIR, 'log')
  const logs = openLogEnvironment(logDir)
  stack.push('logs', () => logs.close())
  const logOptions = {
    partitions,
    now,
    retentionMs: config.LOG_RETENTION_HOURS * 3_600_000,
    maxBytes: config.LOG_MAX_MB * mb,
  }
  const events = await logs.openLog({ ...logOptions, name: 'events' })
  const decisions = await logs.openLog({ ...logOptions, name: 'decisions' })
  const deadLetters = openDeadLetters({
    dir: join(config.DATA_DIR, 'dead-letters'),
    maxCount: deadLettersMax.count,
    maxBytes: deadLettersMax.bytes,
    retentionMs: deadLettersMax.retentionMs,
    // The engine's clock, by which letters are dated: on an event clock the machine's would find all of them too old.
    now,
  })
  stack.push('dead letters', () => deadLetters.close())
  const intake = createIntake({ log: events, deadLetters, now, limits: { itemsMax: 10_000 } })

  const telemetry = createTelemetry()
  const shards = createShards({
    log: events,
    decisions,
    deadLetters,
    store: { kind: 'lmdb', dir: join(config.DATA_DIR, 'store'), mapSizeBytes: config.STORE_MAX_MB * mb },
    pack: installation.pack.loaded,
    salt: installation.cluster.salt,
    observedSince: installation.cluster.observedSince,
    clock,
    mode: config.SHARD_MODE,
    shards: 1,
    cacheBytes: config.CACHE_MB * mb,
    onBatch: (report) => telemetry.batch(report),
  })
  stack.push('shards', () => shards.stop(config.STOP_DEADLINE_MS))
  await shards.start('')

  const history = options.history
    ? await startHistory({
        dataDir: config.DATA_DIR,
        logDir,
        url: config.CLICKHOUSE_URL,
        retentionDays: config.HISTORY_RETENTION_DAYS,
      })
    : null
  if (history !== null) stack.push('history', () => history.stop(config.STOP_DEADLINE_MS))
  const parts = { config, clock, installation, intake, shards, events, decisions, deadLetters, history, telemetry }

  onUnexpected((cause) =>
    logger.error({ cause: cause instanceof Error ? cause.stack : String(cause) }, 'bug in a handler'),
  )
  let port = 0
  if (options.serve !== null) {
    const server = await startServer({
      host: options.serve.host,
      port: options.serve.port,
      routes: apiRoutes({
        ...parts,
        historyOff: historyOffByChoice,
        newRequestId: randomUUID,
        packOf: (hash) => packOf(store, hash),
      }),
      keyCheck: createKeyCheck(apiKey.key),
      nodeKeyCheck: createKeyCheck(nodeKey(installation.cluster.salt)),
      corsOrigins: config.CORS_ORIGINS.split(',')
        .map((origin) => origin.trim())
        .filter((origin) => origin !== ''),
      bodyMaxBytes: config.BODY_MAX_KB * 1024,
      inFlightMax: config.IN_FLIGHT_MAX,
      observe: (path, status, seconds) => telemetry.request(path, status, seconds),
    })
    stack.push('server', () => server.stop(config.STOP_DEADLINE_MS))
    port = server.port
    lock.announce(`127.0.0.1:${port}`)
  }
  return {
    installation,
    intake,
    shards,
    events,
    decisions,
    deadLetters,
    history,
    historyOff: historyOffByChoice,
    port,
    key: apiKey.key,
    keyFrom: apiKey.from,
    stop: () => stack.stop(),
  }
}

async function loadPackOrThrow(folder: string): Promise<LoadedPack> {
  const result = await loadPack(folder)
  if (result.kind === 'ok') return result.pack
  throw new PackError(`The pack ${folder} is refused, nothing was started:\n${formatProblems(result.problems)}`)
}

/** A pack of this or an earlier start, by hash; null when it is not kept. */
async function packOf(store: Store, hash: string): Promise<LoadedPack | null> {
  const text = await store.pack(hash)
  if (text === null) return null
  const model: Model = JSON.parse(text)
  return { model, hash }
}
