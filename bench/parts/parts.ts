/** The parts that `npm run parts` starts, by name. */
import { startClickHouse } from './clickhouse.ts'
import { startKafka } from './kafka.ts'
import { startRedis, startRedisPair } from './redis.ts'
import { startRedisCluster } from './redis-cluster.ts'
import type { RedisServer } from './redis-server.ts'

/** In the order in which they are told. */
export const partNames = ['kafka', 'redis', 'redis-pair', 'redis-cluster', 'clickhouse'] as const
export type PartName = (typeof partNames)[number]

export type RunningPart = {
  readonly name: PartName
  /** What it is, in words, with its version. */
  readonly what: string
  /** Variable and value that make the engine use it. */
  readonly env: readonly [name: string, value: string]
  readonly pids: readonly number[]
  /** Resolves with a sentence when one of its servers ends by itself. */
  readonly died: Promise<string>
  stop(): Promise<void>
}

/** Gets a line when something takes long. */
export type Tell = (line: string) => void

/**
 * Starts one part and waits until it answers.
 * @throws PartError
 */
export async function startPart(name: PartName, tell: Tell): Promise<RunningPart> {
  const started = await starters[name](tell)
  return { name, ...started }
}

type Started = Omit<RunningPart, 'name'>

const starters: Readonly<Record<PartName, (tell: Tell) => Promise<Started>>> = {
  async kafka(tell) {
    const kafka = await startKafka({ tell })
    return {
      what: `Kafka ${kafka.version}, one broker`,
      env: ['KAFKA_BROKERS', kafka.brokers.join(',')],
      pids: [kafka.pid() ?? 0],
      died: kafka.died,
      stop: () => kafka.stop(),
    }
  },
  async redis() {
    const redis = await startRedis()
    return { ...told(`Redis ${redis.version}`, [redis], [redis]), stop: () => redis.stop() }
  },
  async 'redis-pair'() {
    const pair = await startRedisPair()
    const { primary, replica } = pair
    const what = `Redis ${primary.version}, a primary with the replica 127.0.0.1:${replica.port}`
    return { ...told(what, [primary], [primary, replica]), stop: () => pair.stop() }
  },
  async 'redis-cluster'() {
    const cluster = await startRedisCluster()
    const masters = cluster.nodes.slice(0, 3)
    const what = `Redis Cluster ${masters[0]?.version}, three masters with a replica each`
    return { ...told(what, masters, cluster.nodes), stop: () => cluster.stop() }
  },
  async clickhouse() {
    const server = await startClickHouse()
    return {
      what: `ClickHouse ${server.version}, the embedded engine as a server`,
      env: ['CLICKHOUSE_URL', server.urlOf('proffer')],
      pids: [server.pid() ?? 0],
      died: server.died,
      stop: () => server.stop(),
    }
  },
}

function told(what: string, seeds: readonly RedisServer[], all: readonly RedisServer[]): Omit<Started, 'stop'> {
  return {
    what,
    env: ['REDIS_URL', seeds.map(({ url }) => url).join(',')],
    pids: all.map((server) => server.pid() ?? 0),
    died: Promise.race(all.map((server) => server.died)),
  }
}
