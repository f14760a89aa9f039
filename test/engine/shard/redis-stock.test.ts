import { basename } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis } from '../store/redis/start-redis.ts'
import { stockTests } from './stock.ts'

await describeWithOwnRedis('stock in Redis', () => {
  let redis: StartedRedis
  beforeAll(async () => {
    redis = await startRedis({ settings: { appendonly: 'no' } })
  })
  afterAll(() => redis.stop())

  stockTests((dir) => ({ kind: 'redis', urls: [redis.url], prefix: `${basename(dir)}:`, waitReplicas: 0 }))
})
