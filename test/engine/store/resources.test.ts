import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLmdbResources } from '../../../engine/store/lmdb-resources.ts'
import { openRedisResources } from '../../../engine/store/redis/redis-resources.ts'
import { resourceConformance } from '../../conformance/resource.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis } from './redis/start-redis.ts'

resourceConformance('the LMDB resources', {
  makePlace: () => mkdtemp(join(tmpdir(), 'proffer-resources-')),
  open: async (dir) => openLmdbResources({ dir }),
  removePlace: (dir) => rm(dir, { recursive: true, force: true }),
})

await describeWithOwnRedis('on one server', () => {
  let redis: StartedRedis
  let places = 0
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  resourceConformance('the Redis resources', {
    makePlace: async () => `place-${places++}:`,
    open: (prefix) => openRedisResources({ urls: [redis.url], prefix }),
    removePlace: async () => {
      await redis.client.flushall()
    },
  })

  it.each([
    ['resource', 'proffer:{r:stock}'],
    ['leases', 'proffer:{r:stock}:leases'],
  ])('a key of another type in place of the %s is refused and nothing is written', async (_, key) => {
    const resources = await openRedisResources({ urls: [redis.url] })
    await redis.client.set(key, 'not ours')
    if (key.endsWith('leases')) await redis.client.hset('proffer:{r:stock}', 'capacity', 5, 'i:b', 'r1', 'reserved', 1)
    const before = await redis.client.dbsize()
    const soon = { amount: 1, leaseUntil: 9, now: 0 }
    const refused = { code: 'state_corrupt', retryable: false }
    await expect(resources.reserve('stock', 'a', soon)).rejects.toMatchObject(refused)
    await expect(resources.confirm('stock', 'b', 1)).rejects.toMatchObject(refused)
    await expect(resources.lapse('stock', 'b')).rejects.toMatchObject(refused)
    await expect(resources.sweep('stock', 9)).rejects.toMatchObject(refused)
    expect(await redis.client.dbsize()).toBe(before)
    if (key.endsWith('leases')) {
      expect(await redis.client.hgetall('proffer:{r:stock}')).toEqual({ capacity: '5', 'i:b': 'r1', reserved: '1' })
    }
    await resources.close()
    await redis.client.flushall()
  })
})
