import { afterAll, beforeAll } from 'vitest'
import { openRedisIdentityMap } from '../../../engine/identity/redis-identity-map.ts'
import { type IdentityMapUnderTest, identityMapConformance } from '../../conformance/identity-map.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis, startRedisCluster } from '../store/redis/start-redis.ts'

/** Every place is a prefix of its own. */
function onServers(servers: () => { readonly urls: readonly string[]; readonly nodes: readonly StartedRedis[] }) {
  let places = 0
  return {
    makePlace: async () => `place-${places++}:`,
    open: (prefix, options) => openRedisIdentityMap({ urls: servers().urls, prefix, ...options }),
    dump: async (prefix) => {
      const parts: unknown[] = []
      for (const { client } of servers().nodes) {
        for (const key of await client.keys(`${prefix}*`)) parts.push(key, await client.hgetall(key).catch(() => null))
      }
      return JSON.stringify(parts)
    },
    removePlace: async () => {
      for (const { client } of servers().nodes) await client.flushall().catch(() => null)
    },
  } satisfies IdentityMapUnderTest
}

await describeWithOwnRedis('on one server', () => {
  let redis: StartedRedis
  beforeAll(async () => {
    redis = await startRedis({ settings: { appendonly: 'no' } })
  })
  afterAll(() => redis.stop())
  identityMapConformance(
    'the Redis map',
    onServers(() => ({ urls: [redis.url], nodes: [redis] })),
  )
})

await describeWithOwnRedis('on a Redis Cluster with replicas', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 60_000)
  afterAll(() => cluster.stop())
  identityMapConformance(
    'the Redis map',
    onServers(() => cluster),
  )
})
