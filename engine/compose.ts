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
import { openCodecs } from '../sinks/codecs.ts'
import { startHistory } from '../sinks/history/start-history.ts'
import type { Activator } from './activation/activation.ts'
import { PackInForce } from './activation/pack-in-force.ts'
import { type ApiKey, apiKeyOf, createKeyCheck, createKeysCheck } from './api/api-key.ts'
import { onUnexpected } from './api/http.ts'
import { type ApiParts, apiRoutes } from './api/routes.ts'
import { startServer } from './api/server.ts'
import { BackfillRunner } from './backfill/backfill-runner.ts'
import { type Clock, machineTiming } from './clock.ts'
import { openControlSide } from './compose-control.ts'
import { clickHouseUrl } from './compose-history.ts'
import { openIdentitySide } from './compose-identity.ts'
import { learnedFacts, openLearned } from './compose-learned.ts'
import { openLogSide } from './compose-logs.ts'
import { createActivation, openWithPack } from './compose-packs.ts'
import { openReplays } from './compose-replays.ts'
import { openSimulations } from './compose-simulations.ts'
import { refuseEventClock, storePlace, storeSide } from './compose-store.ts'
import { followRevoked, startWatch } from './compose-watch.ts'
import type { Config } from './config.ts'
import { nodeCaller } from './control/roles.ts'
import { Versions } from './control/versions.ts'
import { createCustomerErasure } from './erasure/customer-erasure.ts'
import { checkPartitions, type Installation } from './installation.ts'
import { InstallationError } from './installation-error.ts'
import type { Logger } from './log.ts'
import { heedElsewhere, heedRoute } from './nodes/heed.ts'
import { createNodeClient } from './nodes/node-client.ts'
import { historyKey, nodeKey, sharedApiKey, signingSecret } from './nodes/node-key.ts'
import { nodeRoutes } from './nodes/node-routes.ts'
import { packRoutes } from './nodes/pack-routes.ts'
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
import { createTelemetry } from './telemetry.ts'
import { LiveCost } from './whatif/live-cost.ts'

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
  readonly shards?: Pick<ShardsOptions, 'failAt' | 'trap' | 'deaf' | 'limits'>
  /** Only tests set it, see `ActivationParts`. */
  readonly onRecorded?: () => void
}

/** What runs: the parts the API is served from, and how to reach and stop them. */
export type Engine = Pick<
  ApiParts,
  'intake' | 'shards' | 'watch' | 'events' | 'decisions' | 'deadLetters' | 'history' | 'historyOff'
> & {
  /** As it was at the start. */
  readonly installation: Installation
  /** Puts packs in force. */
  readonly activator: Activator
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
  const opening = { partitions: config.PARTITIONS, clock, completeSince, salt, log: logs }
  const { loaded, folder, facts: packFacts, installation } = await openWithPack(config, store, opening)
  const { cluster } = installation
  const inForce = new PackInForce(installation.pack, cluster)
  const apiKey = await apiKeyOf({
    dataDir: config.DATA_DIR,
    key: config.API_KEY,
    keyFile: config.API_KEY_FILE,
    made: storage.place.kind === 'redis' ? sharedApiKey(cluster.salt) : undefined,
  })
  const self = { name: node, start: randomUUID() }
  const { control, refusedCall } = await openControlSide(
    { config, logs, store, installation, started: folder, self, now, logger },
    stack,
  )
  const { events, decisions, deadLetters } = logs
  const codecs = openCodecs(logs.schemas.place)
  const identitySide = await openIdentitySide({
    place: storage.place,
    dataDir: config.DATA_DIR,
    salt: cluster.salt,
    latenessMs: () => inForce.pack.loaded.model.latenessMs,
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
  const liveCost = new LiveCost()
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
  followRevoked(control, watch)
  const shards = createShards({
    watch,
    log: events,
    feed: logs.feed,
    ...(logs.isOpen ? { trusts: signature.verify } : {}),
    schemas: logs.schemas.place,
    decisions,
    batches: logs.batches,
    deadLetters,
    store: storage.place,
    pack: installation.pack.loaded,
    learned,
    salt: cluster.salt,
    past: cluster,
    clock,
    mode: config.SHARD_MODE,
    shards: 1,
    cacheBytes: config.CACHE_MB * mb,
    fillBytes: config.BACKFILL_MAX_MB * mb,
    membership: logs.membership,
    ...(nodes === null ? {} : { peers: nodes }),
    onBatch: (report) => {
      telemetry.batch(report)
      liveCost.add(report)
    },
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
  const past = await openReplays({ store, learned, stack, cluster, history, schemas: logs.schemas.place })
  const { workshop, whatIfs, shadow } = openSimulations({
    ...{ config, schemas: logs.schemas.place, history, cluster, stack, now },
    inForce: () => ({ pack: inForce.pack.loaded, learned }),
    packOf: past.packOf,
  })
  const activation = createActivation({
    ...{ config, store, shards, watch, inForce, resources, node, now, logger },
    membership: logs.membership,
    peers: nodes,
    addr: () => addr,
    onSwitched: (pack, record) => {
      backfill.switchTo(pack, record)
      const { model, hash } = pack.loaded
      history?.tellPack({ facts: packFactsOf(model, hash), since: now() })
    },
    ...(options.onRecorded === undefined ? {} : { onRecorded: options.onRecorded }),
  })
  stack.push('activation', () => activation.stop())
  const parts = {
    config,
    workshop,
    whatIfs,
    shadow,
    schemas: logs.schemas.place,
    liveUs: () => liveCost.us,
    control,
    versions: new Versions({
      ...{ control, workshop, store, self, now },
      activator: activation.coordinator,
      others: async () => [...(await logs.others()), ...logs.membership.members()].map((other) => other.node),
    }),
    ...{ clock, inForce, intake },
    activator: activation.coordinator,
    nodePacks: activation.node,
    identities,
    shards,
    watch,
    heedElsewhere: async () => (nodes === null ? [] : heedElsewhere(nodes, activation.others, machineTiming)),
    backfill,
    events,
    decisions,
    deadLetters,
    history,
    erasure,
    telemetry,
    codecs,
    learned,
    stock: createStockReader(resources, () => inForce.pack.loaded.model, now),
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
          ...past,
          certificateOf: (hash) => store.pack(certificateName(hash)),
        }),
        ...nodeRoutes({ shards, now, partitions: cluster.partitions }),
        ...packRoutes(activation.node),
        heedRoute(control, watch),
      ],
      keyCheck: createKeysCheck(apiKey.key, () => control.state.keys),
      nodeKeyCheck: createKeyCheck(nodeKey(cluster.salt), nodeCaller),
      corsOrigins: config.CORS_ORIGINS.split(',')
        .map((origin) => origin.trim())
        .filter((origin) => origin !== ''),
      bodyMaxBytes: config.BODY_MAX_KB * 1024,
      inFlightMax: config.IN_FLIGHT_MAX,
      onRefused: (route, caller) => {
        if (route.isAudited === true) refusedCall(caller, `${route.method} ${route.path}`)
      },
      observe: (path, status, seconds) => telemetry.request(path, status, seconds),
    })
    stack.push('server', () => server.stop(config.STOP_DEADLINE_MS))
    port = server.port
    addr = config.NODE_ADDR ?? `${reachable(options.serve.host)}:${port}`
    lock.announce(`127.0.0.1:${port}`)
  }
  // Before the partitions: what came into force since the record was read is to be taken up first.
  activation.start()
  await shards.start(nodes === null ? '' : addr)
  backfill.start()
  if (options.history && options.serve !== null) shadow.resume()
  return {
    installation,
    activator: activation.coordinator,
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
    facts: [...packFacts, ...storage.facts, ...logs.facts, ...learnedFacts(learned, installation.pack)],
    node,
    key: apiKey.key,
    keyFrom: apiKey.from,
    stop: () => stack.stop(),
  }
}

/** An address that others can use: a server that listens everywhere is found by the host's name. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? hostname() : host
}
