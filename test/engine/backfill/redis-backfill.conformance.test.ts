import { basename } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { backfillConformance } from '../../conformance/backfill.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis } from '../store/redis/start-redis.ts'

await describeWithOwnRedis('on one server', () => {
  let redis: StartedRedis
  beforeAll(async () => {
    redis = await startRedis({ settings: { appendonly: 'no' } })
  })
  afterAll(() => redis.stop())

  const placeOf = (dir: string) =>
    ({ kind: 'redis', urls: [redis.url], prefix: `${basename(dir)}:`, waitReplicas: 0 }) as const
  backfillConformance('Redis', placeOf, 6)
})
