import { basename } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { drillConformance } from '../../conformance/backup-drill.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis, startRedisCluster } from '../store/redis/start-redis.ts'

await describeWithOwnRedis('on one server', () => {
  let redis: StartedRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  drillConformance('Redis', {
    makePlace: (dir) => ({ kind: 'redis', urls: [redis.url], prefix: `${basename(dir)}:`, waitReplicas: 0 }),
    wipe: async () => void (await redis.client.flushall()),
  })
})

await describeWithOwnRedis('on a Redis Cluster', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 60_000)
  afterAll(() => cluster.stop())

  drillConformance('Redis Cluster', {
    makePlace: (dir) => ({ kind: 'redis', urls: cluster.urls, prefix: `${basename(dir)}:`, waitReplicas: 1 }),
    async wipe() {
      for (const { client } of cluster.nodes) {
        if ((await client.info('replication')).includes('role:master')) await client.flushall()
      }
    },
  })
})
