import { afterAll, beforeAll } from 'vitest'
import { type StoreUnderTest, storeConformance } from '../../../conformance/store.ts'
import { storeDue } from '../../../conformance/store-due.ts'
import { storeFaults } from '../../../conformance/store-faults.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis } from './start-redis.ts'

await describeWithOwnRedis('on one server', () => {
  let redis: StartedRedis
  let places = 0
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  const underTest: StoreUnderTest = {
    makePlace: async () => `${redis.url} place-${places++}:`,
    module: new URL('./redis-under-test.ts', import.meta.url),
    removePlace: async () => {
      await redis.client.flushall()
    },
  }
  storeConformance('the Redis store', underTest)
  storeFaults('the Redis store', underTest)
  storeDue('the Redis store', underTest)
})
