/** The servers that contenders share: one broker and one Redis, of this machine in fresh folders unless they are given. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '../parts/kafka.ts'
import { startRedis } from '../parts/redis.ts'
import { withRedisAt } from '../parts/redis-server.ts'
import type { Connections } from './server-engine.ts'

/** What every benchmark on servers may be given: for `parseArgs`. */
export const serverArgs = { kafka: { type: 'string' }, redis: { type: 'string' } } as const

/** Servers that are there already; what is left out is started. */
export type GivenServers = { readonly kafka?: string | undefined; readonly redis?: string | undefined }

export type Servers = {
  readonly connections: Connections
  /** Of their processes, for CPU times; null when they were given and may be on another machine. */
  readonly pids: { readonly kafka: () => number | null; readonly redis: () => number | null }
  /** Begins the names of topics and groups. */
  readonly prefix: string
  /** What they are, for a result. */
  readonly figures: Readonly<Record<string, string>>
  /** For files of contenders; goes with the servers. */
  readonly dir: string
  /** Empties Redis, and waits until it has freed what it held. */
  flush(): Promise<void>
  stop(): Promise<void>
}

export type ServersOptions = GivenServers & {
  /**
   * How long a new group waits for more members, of a broker that is started: those of one contender are to share the work
   * from the first event on, as a rebalance makes at-least-once consumers count twice. None when absent.
   */
  readonly joinDelayMs?: number
}

/** Partitions of every topic of events and decisions. */
export const partitions = 8
const heapMb = 512

type Server = {
  readonly at: string
  readonly pid: () => number | null
  readonly what: string
  readonly stop: () => Promise<void>
}

/**
 * Starts what was not given. The broker runs as a server would (`jvm: throughput`), Redis keeps nothing on disk.
 * @throws Error when a Redis that was given holds keys: a benchmark empties it
 */
export async function startServers({ joinDelayMs = 0, ...given }: ServersOptions = {}): Promise<Servers> {
  const redis = given.redis === undefined ? await ownRedis() : await givenRedis(given.redis)
  const kafka = await (given.kafka === undefined ? ownKafka(joinDelayMs) : givenKafka(given.kafka)).catch(
    async (cause: unknown) => {
      await redis.stop()
      throw cause
    },
  )
  const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-'))
  return {
    connections: { brokers: kafka.at.split(','), redisUrl: redis.at },
    pids: { kafka: kafka.pid, redis: redis.pid },
    prefix: `bench-${Date.now().toString(36)}-`,
    figures: { broker: kafka.what, redis: redis.what },
    dir,
    flush: () => withRedisAt(redis.at, async (client) => void (await client.flushall('SYNC'))),
    async stop() {
      await Promise.all([kafka.stop(), redis.stop()])
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function ownKafka(joinDelayMs: number): Promise<Server> {
  const properties = { 'group.initial.rebalance.delay.ms': String(joinDelayMs) }
  const kafka = await startKafka({ jvm: 'throughput', heapMb, properties })
  const what = `Kafka ${kafka.version}, one node, G1, ${heapMb} MB heap, ${partitions} partitions, 1 copy`
  return { at: kafka.brokers.join(','), pid: kafka.pid, what, stop: () => kafka.stop() }
}

async function ownRedis(): Promise<Server> {
  const redis = await startRedis()
  const what = `Redis ${redis.version}, one server, nothing on disk, no replica`
  return { at: redis.url, pid: redis.pid, what, stop: () => redis.stop() }
}

async function givenKafka(at: string): Promise<Server> {
  return { at, pid: () => null, what: `a broker that was given, ${partitions} partitions`, stop: async () => {} }
}

async function givenRedis(at: string): Promise<Server> {
  const keys = await withRedisAt(at, (client) => client.dbsize())
  if (keys > 0)
    throw new Error('the Redis given with --redis holds keys, and a benchmark empties it: give an empty one')
  return { at, pid: () => null, what: 'a Redis that was given', stop: async () => {} }
}
