/**
 * The only file that constructs: makes the parts in order, hands each what it needs, stops them in reverse. A start that fails
 * leaves nothing running.
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { createForgetting } from '../ingest/forget-customers.ts'
import { createIntake } from '../ingest/intake.ts'
import { createRecordSignature } from '../ingest/record-signature.ts'
import { loadPack } from '../rules/load-pack.ts'
import type { LoadedPack, Model } from '../rules/model.ts'
import { formatProblems } from '../rules/pack-problem.ts'
import { openCodecs } from '../sinks/codecs.ts'
import { startHistory } from '../sinks/history/start-history.ts'
import { type ApiKey, apiKeyOf, createKeyCheck } from './api/api-key.ts'
import { onUnexpected } from './api/http.ts'
import { type ApiParts, apiRoutes } from './api/routes.ts'
import { startServer } from './api/server.ts'
import { BackfillRunner } from './backfill/backfill-runner.ts'
import { type Clock, machineTiming } from './clock.ts'
import { clickHouseUrl } from './compose-history.ts'
import { openIdentitySide } from './compose-identity.ts'
import { learnedFacts, openLearned } from './compose-learned.ts'
import { openLogSide } from './compose-logs.ts'
import { storePlace, storeSide } from './compose-store.ts'
import { startWatch } from './compose-watch.ts'
import type { Config } from './config.ts'
import { createCustomerErasure } from './erasure/customer-erasure.ts'
import { checkPartitions, openInstallation } from './installation.ts'
import { InstallationError } from './installation-error.ts'
import type { Logger } from './log.ts'
import { createNodeClient } from './nodes/node-client.ts'
import { historyKey, nodeKey, sharedApiKey, signingSecret } from './nodes/node-key.ts'
import { nodeRoutes } from './nodes/node-routes.ts'
import { packFactsOf } from './pack-facts.ts'
import { certificateName } from './proof/certificate.ts'
import { createShards, type ShardsOptions } from './shard/create-shards.ts'
import { codeOf, placeOf } from './shard/error-place.ts'
import { trustsAll } from './shard/event-frame.ts'
import { createStartStack, type StartStack } from './start-stack.ts'
import { createStockReader, defineResources } from './stock.ts'
import { takeInstanceLock } from './store/instance-lock.ts'
import { openResources, resourcesPlaceOf } from './store/open-resources.ts'
import { openStore } from './store/open-store.ts'
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
  /** Only tests set these: where the process ends, as by SIGKILL, which rule fails, and bounds that are met sooner. */
  readonly shards?: Pick<ShardsOptions, 'failAt' | 'trap' | 'limits'>
}

/** What runs: the parts the API is served from, and how to reach and stop them. */
export type Engine = Pick<
  ApiParts,
  'installation' | 'intake' | 'shards' | 'watch' | 'events' | 'decisions' | 'deadLetters' | 'history' | 'historyOff'
> & {
  /** Port of the API; 0 when it is not served. */
  readonly port: number
  /** What the log and the store are, a line each, and what an operator should know of them. */
  readonly logName: string
  readonly storeName: string
  readonly schemasName: string
  readonly facts: readonly string[]
  readonly node: string
  /** The API key and where it came from. */
  readonly key: string
  readonly keyFrom: ApiKey['from']
  /** Finishes open batches, publishes, releases. */
  stop(): Promise<void>
}

const mb = 1024 * 1024
const historyOffByChoice = 'History is off. Set HISTORY=on, or ask while an engine with history runs.'

/** The kind of clock an installation runs on; null before its first start. */
export async function storedClock(config: Config): Promise<'wall' | 'event' | null> {
  const place = storePlace(config)
  if (place.kind === 'lmdb' && !existsSync(place.dir)) return null
  const store = openStore(place)
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
  const learned = await openLearned(config)

  const lock = takeInstanceLock(config.DATA_DIR)
  stack.push('instance lock', () => lock.release())
  refuseEventClock(config, clock)

  const storage = await storeSide(config)
  const store = openStore(storage.place)
  stack.push('store', () => store.close())
  checkPartitions(await store.cluster(), config.PARTITIONS)
  const node = config.NODE_NAME ?? hostname()
  let addr = ''
  const logs = await openLogSide({ config, node, addr: () => addr, now })
  stack.push('logs', () => logs.close())
  if (storage.place.kind === 'lmdb' && (await logs.others()).length > 0)
    throw new InstallationError(
      'nodes_need_redis',
      'Other nodes share this log, and the customers of this one are embedded: set REDIS_URL, the same on all nodes.',
    )
  const { completeSince, salt } = options
  const installation = await openInstallation(store, loaded, {
    partitions: config.PARTITIONS,
    clock,
    completeSince,
    salt,
    log: logs,
  })
  const { cluster } = installation
  const apiKey = await apiKeyOf({
    dataDir: config.DATA_DIR,
    key: config.API_KEY,
    keyFile: config.API_KEY_FILE,
    made: storage.place.kind === 'redis' ? sharedApiKey(cluster.salt) : undefined,
  })
  const { events, decisions, deadLetters } = logs
  const codecs = openCodecs(logs.schemas.place)
  const identitySide = await openIdentitySide({
    place: storage.place,
    dataDir: config.DATA_DIR,
    installation,
    now,
  })
  stack.push('identity map', () => identitySide.map.close())
  const { identities } = identitySide
  const signature = createRecordSignature(signingSecret(cluster.salt))
  const intake = createIntake({
    log: events,
    deadLetters,
    now,
    limits: { itemsMax: 10_000 },
    registry: { codec: codecs.events, learn: codecs.learnEvents },
    identities,
    ...(logs.isOpen ? { sign: signature.sign } : {}),
  })

  const resources = openResources(resourcesPlaceOf(storage.place))
  stack.push('resources', () => resources.close())
  await defineResources(resources, installation.pack)

  const telemetry = createTelemetry()
  const nodes = config.KAFKA_BROKERS === undefined ? null : createNodeClient(nodeKey(cluster.salt))
  if (nodes !== null) stack.push('node client', () => nodes.close())
  const watch = startWatch({
    model: installation.pack.loaded.model,
    shards: 1,
    stallMs: config.RULE_STALL_MS,
    clock,
    logger,
  })
  stack.push('rule watch', () => watch.stop())
  const shards = createShards({
    watch,
    log: events,
    feed: logs.feed,
    ...(logs.isOpen ? { trusts: signature.verify } : {}),
    schemas: logs.schemas.place,
    decisions,
    deadLetters,
    store: storage.place,
    pack: installation.pack.loaded,
    learned,
    salt: cluster.salt,
    observedSince: cluster.observedSince,
    added: cluster.added,
    backfill: cluster.backfill,
    clock,
    mode: config.SHARD_MODE,
    shards: 1,
    cacheBytes: config.CACHE_MB * mb,
    fillBytes: config.BACKFILL_MAX_MB * mb,
    membership: logs.membership,
    ...(nodes === null ? {} : { peers: nodes }),
    onBatch: (report) => telemetry.batch(report),
    onErased: (customerIds) => erasure.followUp(customerIds),
    onOversold: (resource, units) =>
      logger.error({ resource, units }, 'more units are promised than there are: see `proffer stock`'),
    ...options.shards,
  })
  stack.push('shards', () => shards.stop(config.STOP_DEADLINE_MS))
  const backfill = new BackfillRunner({
    store,
    shards,
    log: events,
    trusts: logs.isOpen ? signature.verify : trustsAll,
    pack: installation.pack,
    cluster,
    clock,
    timing: machineTiming,
  })
  stack.push('backfill', () => backfill.stop())

  const history = options.history
    ? await startHistory({
        dataDir: config.DATA_DIR,
        log: logs.place,
        schemas: logs.schemas.place,
        url: clickHouseUrl(config),
        retentionDays: config.HISTORY_RETENTION_DAYS,
        pack: { facts: packFactsOf(loaded.model, loaded.hash), since: installation.packSince },
        erasure: {
          key: historyKey(cluster.salt),
          signingSecret: logs.isOpen ? signingSecret(cluster.salt) : null,
        },
      })
    : null
  if (history !== null) stack.push('history', () => history.stop(config.STOP_DEADLINE_MS))
  const erasure = createCustomerErasure({
    intake,
    shards,
    forgetting: createForgetting({ deadLetters, identities }),
    history,
    historyOff: historyOffByChoice,
    logs: logs.kept,
    now,
    newId: randomUUID,
    onGivenUp: (cause) =>
      logger.error(
        { code: codeOf(cause), place: placeOf(cause) },
        'an erasure is not complete: see `proffer erasure`, and erase again',
      ),
  })
  stack.push('erasure', () => erasure.stop())
  const parts = {
    config,
    clock,
    installation,
    intake,
    identities,
    shards,
    watch,
    backfill,
    events,
    decisions,
    deadLetters,
    history,
    erasure,
    telemetry,
    codecs,
    learned,
    stock: createStockReader(resources, loaded.model, now),
  }

  onUnexpected((cause) =>
    logger.error({ cause: cause instanceof Error ? cause.stack : String(cause) }, 'bug in a handler'),
  )
  let port = 0
  if (options.serve !== null) {
    const server = await startServer({
      host: options.serve.host,
      port: options.serve.port,
      routes: [
        ...apiRoutes({
          ...parts,
          historyOff: historyOffByChoice,
          newRequestId: randomUUID,
          packOf: (hash) => packOf(store, hash),
          certificateOf: (hash) => store.pack(certificateName(hash)),
        }),
        ...nodeRoutes({ shards, now, partitions: cluster.partitions }),
      ],
      keyCheck: createKeyCheck(apiKey.key),
      nodeKeyCheck: createKeyCheck(nodeKey(cluster.salt)),
      corsOrigins: config.CORS_ORIGINS.split(',')
        .map((origin) => origin.trim())
        .filter((origin) => origin !== ''),
      bodyMaxBytes: config.BODY_MAX_KB * 1024,
      inFlightMax: config.IN_FLIGHT_MAX,
      observe: (path, status, seconds) => telemetry.request(path, status, seconds),
    })
    stack.push('server', () => server.stop(config.STOP_DEADLINE_MS))
    port = server.port
    addr = config.NODE_ADDR ?? `${reachable(options.serve.host)}:${port}`
    lock.announce(`127.0.0.1:${port}`)
  }
  await shards.start(nodes === null ? '' : addr)
  backfill.start()
  return {
    installation,
    intake,
    shards,
    watch,
    events,
    decisions,
    deadLetters,
    history,
    historyOff: historyOffByChoice,
    port,
    logName: logs.name,
    storeName: storage.name,
    schemasName: logs.schemas.name,
    facts: [...storage.facts, ...logs.facts, ...learnedFacts(learned, installation.pack)],
    node,
    key: apiKey.key,
    keyFrom: apiKey.from,
    stop: () => stack.stop(),
  }
}

/** The clock of old data is the rows'; a broker has its own. */
function refuseEventClock(config: Config, clock: Clock): void {
  if (clock.kind === 'wall' || (config.KAFKA_BROKERS === undefined && config.REDIS_URL === undefined)) return
  throw new InstallationError(
    'clock_changed',
    'On the event clock everything is embedded: unset KAFKA_BROKERS and REDIS_URL, and use a DATA_DIR of its own.',
  )
}

/** An address that others can use: a server that listens everywhere is found by the host's name. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? hostname() : host
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
