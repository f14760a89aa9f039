/** The engine on servers without its API: the logs on Kafka, customers in Redis, one shard in a worker thread. */
import { join } from 'node:path'
import { wallClock } from '../../engine/clock.ts'
import type { LocalShards } from '../../engine/shard/all-partitions.ts'
import { createShards } from '../../engine/shard/create-shards.ts'
import type { BatchReport } from '../../engine/shard/partition-options.ts'
import { nothingAdded } from '../../engine/store/store.ts'
import { openKafkaDeadLetters } from '../../ingest/kafka/kafka-dead-letters.ts'
import { openKafkaLogs } from '../../ingest/kafka/kafka-log.ts'
import type { Feed, Log } from '../../ingest/log.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import { loadBenchPack, type PackName } from '../step/bench-pack.ts'
import { benchSalt } from '../step/typical-states.ts'

export type Connections = { readonly brokers: readonly string[]; readonly redisUrl: string }

export type ServerEngineOptions = Connections & {
  readonly pack: PackName
  /** Of topics and groups. */
  readonly prefix: string
  /** Of keys in Redis; the store there is initialised (`prepareStore`). */
  readonly redisPrefix: string
  readonly partitions: number
  /** Folder of its own, for dead letters. */
  readonly dir: string
  readonly node: string
  readonly cacheMb: number
  readonly waitReplicas?: number
  readonly sessionTimeoutMs?: number
}

export type ServerEngineHooks = {
  readonly onBatch: (report: BatchReport) => void
  /** Puts something between the engine and its feed, and between it and its decisions log. */
  readonly wrapFeed?: (feed: Feed) => Feed
  readonly wrapDecisions?: (decisions: Log) => Log
}

export type ServerEngine = { readonly shards: LocalShards; stop(): Promise<void> }

/** Opens and starts it; it takes what the group gives it, and begins. */
export async function openServerEngine(options: ServerEngineOptions, hooks: ServerEngineHooks): Promise<ServerEngine> {
  const { prefix, partitions, node, sessionTimeoutMs } = options
  const pack = await loadBenchPack(options.pack)
  const now = () => wallClock.now()
  const logs = await openKafkaLogs({
    connection: { brokers: options.brokers, clientId: `bench-${node}` },
    topics: { prefix, partitions, create: true, retentionMs: retentionMs },
    node,
    addr: () => '',
    now,
    ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
  })
  const deadLetters = await openKafkaDeadLetters(logs.deadLetters, {
    dir: join(options.dir, `dead-letters-${node}`),
    maxCount: 100_000,
    maxBytes: 2 ** 28,
    retentionMs,
    now,
  })
  const shards = createShards({
    log: logs.events,
    feed: hooks.wrapFeed?.(logs.feed) ?? logs.feed,
    decisions: hooks.wrapDecisions?.(logs.decisions) ?? logs.decisions,
    batches: logs.batches,
    deadLetters,
    store: {
      kind: 'redis',
      urls: [options.redisUrl],
      prefix: options.redisPrefix,
      waitReplicas: options.waitReplicas ?? 0,
    },
    pack,
    salt: benchSalt,
    past: {
      observedSince: Object.fromEntries(compilePack(pack).layout.series.map(({ key }) => [key, 0])),
      ...nothingAdded,
    },
    clock: wallClock,
    mode: 'worker',
    shards: 1,
    cacheBytes: options.cacheMb * 2 ** 20,
    membership: logs.membership,
    onBatch: hooks.onBatch,
  })
  await shards.start('')
  return {
    shards,
    async stop() {
      await shards.stop(10_000)
      await deadLetters.close()
      await logs.close()
    },
  }
}

const retentionMs = 24 * 3_600_000
