/** Real Redis servers for tests of the store, each with a client for the test's own commands. The append-only file is on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { startRedisPair as startPair, startRedis as startPart } from '../../../../bench/parts/redis.ts'
import { startRedisCluster as startCluster } from '../../../../bench/parts/redis-cluster.ts'
import type { RedisServer } from '../../../../bench/parts/redis-server.ts'

export type StartedRedis = Omit<RedisServer, 'pid' | 'stop'> & {
  readonly client: Redis
  pid(): number
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

export type StartOptions = {
  /** `--name value` of redis-server. */
  readonly settings?: Readonly<Record<string, string>>
}

// A primary looks for a replica that has gone away each second, not each ten.
const partOptions = ({ settings = {} }: StartOptions) => ({
  persistence: 'everysec' as const,
  config: { 'repl-ping-replica-period': '1', ...settings },
})

/** Starts a server on a free port with a folder of its own. */
export async function startRedis(options: StartOptions = {}): Promise<StartedRedis> {
  return withClient(await startPart(partOptions(options)))
}

/** A primary with a replica that is in step. A replica that says it is online may yet take a second to follow; WAIT tells. */
export async function startRedisPair(options: StartOptions = {}): Promise<{
  primary: StartedRedis
  replica: StartedRedis
  stop(): Promise<void>
}> {
  const pair = await startPair(partOptions(options))
  const [primary, replica] = [withClient(pair.primary), withClient(pair.replica)]
  await until(async () => (await primary.client.wait(1, 500)) === 1)
  return {
    primary,
    replica,
    async stop() {
      await replica.stop()
      await primary.stop()
    },
  }
}

/** Three primaries with a replica each, all in step. */
export async function startRedisCluster(): Promise<{
  urls: readonly string[]
  nodes: readonly StartedRedis[]
  stop(): Promise<void>
}> {
  const settings = { 'cluster-require-full-coverage': 'no' }
  const cluster = await startCluster({ nodeTimeoutMs: 1_000, ...partOptions({ settings }) })
  const nodes = cluster.nodes.map(withClient)
  for (const { client } of nodes.slice(0, 3)) await until(async () => (await client.wait(1, 500)) === 1)
  return {
    urls: nodes.map(({ url }) => url),
    nodes,
    async stop() {
      for (const node of nodes) await node.stop()
    },
  }
}

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come to hold in time')
    await sleep(10)
  }
}

function withClient(server: RedisServer): StartedRedis {
  const client = new Redis({ port: server.port, maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => {})
  return {
    ...server,
    client,
    pid: () => server.pid() ?? 0,
    async restart() {
      await server.kill()
      await server.restart()
      while ((await client.ping().catch(() => '')) !== 'PONG') await sleep(10)
    },
    async stop() {
      client.disconnect()
      await server.stop()
    },
  }
}
