import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRedisStore } from '../../../../engine/store/redis/redis-store.ts'
import { decodeState, encodeEntries } from '../../../../engine/store/redis/state-value.ts'
import type { Store, StoreWrite } from '../../../../engine/store/store.ts'
import { zeroMeta } from '../../../conformance/store-workload.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis } from './start-redis.ts'

const bytes = (...values: number[]): Buffer => Buffer.from(values)
const base = bytes(5, 0, 0, 0, 7, 7)
const patch = bytes(2, 0, 0, 0, 9)

describe('the value of a state', () => {
  it('any sequence of appended patches, with or without a base, decodes to what was written', () => {
    const part = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(fc.option(part), fc.array(part, { maxLength: 20 }), (first, rest) => {
        fc.pre(first !== null || rest.length > 0)
        const writes: StoreWrite[] = rest.map((patchBytes, index) => ({
          kind: 'patch',
          customerId: 'C',
          index,
          bytes: patchBytes,
        }))
        if (first !== null) writes.unshift({ kind: 'base', customerId: 'C', bytes: first, patches: 0 })
        const decoded = decodeState(Buffer.concat(encodeEntries(writes)))
        expect(decoded.base === null ? null : [...decoded.base]).toEqual(first === null ? null : [...first])
        expect(decoded.patches.map((one) => [...one])).toEqual(rest.map((one) => [...one]))
      }),
    )
  })
})

await describeWithOwnRedis('what Redis keeps of a customer', () => {
  let redis: StartedRedis
  let store: Store
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    store = await openRedisStore({ urls: [redis.url] })
    await store.create(0, zeroMeta)
    await store.acquire(0, 'token', '')
  })
  afterEach(async () => {
    await store.close()
    await redis.client.flushall()
  })

  it.each([
    ['nothing at all', bytes()],
    ['a head cut short', bytes(2, 0)],
    ['an entry cut short', Buffer.concat([base, bytes(8, 0, 0, 0, 1)])],
    ['a base behind a patch', Buffer.concat([patch, base])],
    ['a second base', Buffer.concat([base, base])],
    ['a length beyond all memory', bytes(0xfe, 0xff, 0xff, 0xff, 1)],
  ])('%s is refused as damaged', async (_, value) => {
    await redis.client.set('proffer:{p0}:c:good', Buffer.concat([base, patch]))
    await redis.client.set('proffer:{p0}:c:bad', value)
    const [good] = await store.load(0, ['good'])
    expect(good).toEqual({ base: bytes(7, 7), patches: [bytes(9)] })
    await expect(store.load(0, ['good', 'bad'])).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
  })

  it('a key of another type is refused and does not read as a new customer', async () => {
    await redis.client.hset('proffer:{p0}:c:bad', 'not', 'ours')
    expect(await store.load(0, ['new', 'newer'])).toEqual([null, null])
    await expect(store.load(0, ['new', 'bad'])).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
  })

  it('an emptied server gives no states', async () => {
    await redis.client.flushall()
    await expect(store.load(0, ['C'])).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
  })

  it.each([
    ['no seq', ['HDEL', 'seq']],
    ['no token', ['HDEL', 'token']],
    ['a seq that is no number', ['HSET', 'seq', '1e3']],
    ['a rest that is no JSON', ['HSET', 'rest', '{']],
    ['a rest that lacks the offset', ['HSET', 'rest', '{"pack":"x"}']],
  ])('a header with %s is refused as damaged', async (_, [command = '', ...args]) => {
    await redis.client.call(command, 'proffer:{p0}:meta', ...args)
    await expect(store.meta(0)).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
  })

  it('seqs beyond what a double holds to the unit are compared exactly', async () => {
    const seq = '9007199254740993'
    await redis.client.hset('proffer:{p0}:meta', 'seq', seq)
    const commit = { token: 'token', from: 9_007_199_254_740_991, to: 9_007_199_254_740_992, meta: zeroMeta }
    await expect(
      store.commit(0, { ...commit, writes: [], due: [], outbox: null, trim: 0, notAfter: null }),
    ).rejects.toMatchObject({
      code: 'state_corrupt',
    })
    expect(await redis.client.hget('proffer:{p0}:meta', 'seq')).toBe(seq)
  })

  it('an erased customer is named by no key and in none, when everything of them went with one commit', async () => {
    const commit = { token: 'token', meta: zeroMeta, outbox: null, trim: 0, notAfter: null }
    const written: StoreWrite = { kind: 'base', customerId: 'C-erased', bytes: bytes(7), patches: 0 }
    const due = [{ customerId: 'C-erased', at: 1_700_000_000_000 }]
    await store.commit(0, { ...commit, from: 0, to: 1, writes: [written], due })
    expect(await everyText(redis)).toContain('C-erased')
    const erase: StoreWrite = { kind: 'erase', customerId: 'C-erased', at: 5, tombstone: 'ab'.repeat(16) }
    await store.commit(0, { ...commit, from: 1, to: 2, writes: [erase], due })
    expect(await everyText(redis)).not.toContain('C-erased')
    expect(await redis.client.exists('proffer:{p0}:due')).toBe(0)
  })

  it('installations of different prefixes share a server and nothing else', async () => {
    const other = await openRedisStore({ urls: [redis.url], prefix: 'other:' })
    expect(await other.meta(0)).toBeNull()
    await other.create(0, zeroMeta)
    expect(await other.meta(0)).toMatchObject({ token: '' })
    expect(await store.meta(0)).toMatchObject({ token: 'token' })
    await other.close()
  })
})

/** The names of all keys and everything in them, as one text. */
async function everyText({ client }: StartedRedis): Promise<string> {
  const texts: unknown[] = []
  for (const key of await client.keys('*')) {
    const type = await client.type(key)
    texts.push(key)
    if (type === 'string') texts.push(await client.get(key))
    else if (type === 'hash') texts.push(await client.hgetall(key))
    else if (type === 'zset') texts.push(await client.zrange(key, '0', '-1'))
    else throw new Error(`a ${type} is not looked into`)
  }
  return JSON.stringify(texts)
}
