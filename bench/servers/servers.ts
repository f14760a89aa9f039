/** The servers that contenders share: one broker and one Redis of this machine, in fresh folders. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KafkaPart, startKafka } from '../parts/kafka.ts'
import { startRedis } from '../parts/redis.ts'
import { type RedisServer, withRedisAt } from '../parts/redis-server.ts'
import type { Connections } from './server-engine.ts'

export type Servers = {
  readonly kafka: KafkaPart
  readonly redis: RedisServer
  readonly connections: Connections
  /** For files of contenders; goes with the servers. */
  readonly dir: string
  /** Empties Redis, and waits until it has freed what it held. */
  flush(): Promise<void>
  stop(): Promise<void>
}

/** Partitions of every topic of events and decisions. */
export const partitions = 8
const heapMb = 512

/**
 * Starts both. The broker runs as a server would (`jvm: throughput`), Redis keeps nothing on disk.
 * @param joinDelayMs how long a new group waits for more members: those of one contender are to share the work from the first
 *   event on, as a rebalance makes at-least-once consumers count twice
 */
export async function startServers(joinDelayMs = 0): Promise<Servers> {
  const properties = { 'group.initial.rebalance.delay.ms': String(joinDelayMs) }
  const kafka = await startKafka({ jvm: 'throughput', heapMb, properties })
  const redis = await startRedis().catch(async (cause: unknown) => {
    await kafka.stop()
    throw cause
  })
  const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-'))
  return {
    kafka,
    redis,
    connections: { brokers: kafka.brokers, redisUrl: redis.url },
    dir,
    flush: () => withRedisAt(redis.url, async (client) => void (await client.flushall('SYNC'))),
    async stop() {
      await Promise.all([kafka.stop(), redis.stop()])
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** What the servers are, for a result. */
export function serverFigures({ kafka, redis }: Servers): Readonly<Record<string, string>> {
  return {
    broker: `Kafka ${kafka.version}, one node, G1, ${heapMb} MB heap, ${partitions} partitions, 1 copy`,
    redis: `Redis ${redis.version}, one server, nothing on disk, no replica`,
  }
}
