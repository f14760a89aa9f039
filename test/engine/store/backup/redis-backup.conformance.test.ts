import { basename, dirname } from 'node:path'
import { backupConformance } from '../../../conformance/backup.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis, startRedisCluster, startRedisPair } from '../redis/start-redis.ts'

const prefixOf = (dir: string): string => `${basename(dirname(dir))}-${basename(dir)}:`

await describeWithOwnRedis('on real servers', () => {
  let redis: StartedRedis
  backupConformance('Redis', {
    start: async () => {
      redis = await startRedis({ settings: { appendonly: 'no' } })
    },
    stop: () => redis.stop(),
    makePlace: (dir) => ({ kind: 'redis', urls: [redis.url], prefix: prefixOf(dir) }),
  })

  let pair: Awaited<ReturnType<typeof startRedisPair>>
  backupConformance('Redis with a replica', {
    start: async () => {
      pair = await startRedisPair()
    },
    stop: () => pair.stop(),
    makePlace: (dir) => ({ kind: 'redis', urls: [pair.primary.url], prefix: prefixOf(dir), waitReplicas: 1 }),
  })

  let cluster: Awaited<ReturnType<typeof startRedisCluster>>
  backupConformance('Redis Cluster', {
    start: async () => {
      cluster = await startRedisCluster()
    },
    stop: () => cluster.stop(),
    makePlace: (dir) => ({ kind: 'redis', urls: cluster.urls, prefix: prefixOf(dir) }),
  })
})
