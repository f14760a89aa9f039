import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../../../bench/parts/tcp-proxy.ts'
import { openRedisIdentityMap } from '../../../engine/identity/redis-identity-map.ts'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import {
  FORGOTTEN_KEPT_MS,
  type IdentityChange,
  type IdentityMap,
  UNLINKED_KEPT_MS,
} from '../../../ingest/identity/identity-map.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { patiently } from '../store/redis/patiently.ts'
import { type StartedRedis, startRedis } from '../store/redis/start-redis.ts'

const seal = createAliasSeal(Buffer.alloc(32, 7))
const device = (name: string | number) => seal.alias(`@device:${name}`)
const link = (alias: string, customerId: string): IdentityChange => ({ kind: 'link', alias, customerId, at: 1_000 })
const unlink = (alias: string, customerId: string): IdentityChange => ({ ...link(alias, customerId), kind: 'unlink' })
/** How late everything is in each direction. */
const lateMs = 200

await describeWithOwnRedis('the identity map over a wire', () => {
  let redis: StartedRedis
  let wire: TcpProxy
  let map: IdentityMap
  beforeAll(async () => {
    redis = await startRedis({ settings: { appendonly: 'no' } })
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    wire = await startTcpProxy({ target: { host: '127.0.0.1', port: redis.port } })
    map = await openRedisIdentityMap({ urls: [`redis://127.0.0.1:${wire.port}`], seal, timeoutMs: 2_000 })
  })
  afterEach(async () => {
    await map.close()
    await wire.close()
    await redis.client.flushall()
  })

  it('asks for all aliases of a batch before it has heard of one', async () => {
    const aliases = Array.from({ length: 500 }, (_, i) => device(i))
    await map.change(aliases.map((alias, i) => link(alias, `C${i}`)))
    wire.delay(lateMs)
    const recording = wire.record()
    const resolving = map.resolve(aliases)
    // A reply takes as long again.
    await sleep(1.7 * lateMs)
    recording.stop()
    expect(recording.bytes().toString('latin1').match(/HGET/g)).toHaveLength(500)
    expect(await resolving).toEqual(aliases.map((_, i) => `C${i}`))
  })

  describe('beside another node', () => {
    let other: IdentityMap
    beforeEach(async () => {
      other = await openRedisIdentityMap({ urls: [redis.url], seal })
      // Its scripts are known to the server from here on, so that each call below is one write.
      await map.change([link(device('warm'), 'C9'), unlink(device('warm'), 'C9')])
      await map.forget('C9')
    })
    afterEach(() => other.close())

    it('an unlinking does not take the note of a link that came behind it', async () => {
      await map.change([link(device('a'), 'C1')])
      wire.delay(lateMs)
      const unlinking = map.change([unlink(device('a'), 'C1')])
      await sleep(1.5 * lateMs)
      expect(await other.change([link(device('a'), 'C1')])).toEqual(['done'])
      expect(await unlinking).toEqual(['done'])
      expect(await other.resolve([device('a')])).toEqual(['C1'])
      expect(await other.aliasesOf('C1')).toEqual([device('a')])
      expect(await other.forget('C1')).toBe(1)
    })

    it.each([
      ['between its note and itself', 2 * lateMs],
      ['between itself and its second note', 4 * lateMs],
    ])('a link whose customer is forgotten %s is taken back', async (_, afterMs) => {
      wire.delay(lateMs)
      const linking = map.change([link(device('a'), 'C1')])
      await sleep(afterMs)
      await other.forget('C1')
      expect(await linking).toEqual(['forgotten'])
      expect(await other.resolve([device('a')])).toEqual([null])
      expect(await redis.client.hkeys(`proffer:i:${seal.customer('C1')}`)).toEqual(['!'])
    })
  })

  /** The wire breaks at a script, the first one being 0; after it was done, if so, with its reply lost. */
  const breakAt = (at: number, isAfter: boolean): Promise<void> => {
    let passed = 0
    const when = (bytes: Buffer) => bytes.includes('EVALSHA') && passed++ === at
    return isAfter ? wire.loseReply({ when }) : wire.cutRequest({ bytes: 0, when })
  }

  it('a link that broke off anywhere is found by the erasure of its customer, and is whole when it is made again', async () => {
    for (const breakAfter of [false, true]) {
      for (let at = 0; at < 3; at++) {
        const [alias, other] = [device(`${breakAfter}-${at}`), device(`again-${breakAfter}-${at}`)]
        const first = breakAt(at, breakAfter)
        const broken = { code: 'identity_unavailable', retryable: true }
        await expect(map.change([link(alias, `gone-${at}`)])).rejects.toMatchObject(broken)
        await first
        await patiently(() => map.forget(`gone-${at}`))
        expect(await patiently(() => map.resolve([alias]))).toEqual([null])
        const second = breakAt(at, breakAfter)
        await expect(map.change([link(other, 'C2')])).rejects.toMatchObject(broken)
        await second
        expect(await patiently(() => map.change([link(other, 'C2')]))).toEqual(['done'])
        expect(await map.aliasesOf('C2')).toContain(other)
        await redis.client.flushall()
      }
    }
  })

  it('an erasure that broke off anywhere is finished when it is made again', async () => {
    const aliases = [device('a'), device('b')]
    for (const breakAfter of [false, true]) {
      for (let at = 0; at < 3; at++) {
        await map.change(aliases.map((alias) => link(alias, 'C1')))
        const broken = breakAt(at, breakAfter)
        await expect(map.forget('C1')).rejects.toMatchObject({ retryable: true })
        await broken
        await patiently(() => map.forget('C1'))
        expect(await map.resolve(aliases)).toEqual([null, null])
        expect(await redis.client.keys('proffer:a:*')).toEqual([])
        expect(await redis.client.hkeys(`proffer:i:${seal.customer('C1')}`)).toEqual(['!'])
        await redis.client.flushall()
      }
    }
  })

  it('what is only remembered goes by itself, and what is linked stays', async () => {
    const keys = [`proffer:a:${device('a')}`, `proffer:i:${seal.customer('C2')}`]
    await map.change([link(device('a'), 'C1'), unlink(device('a'), 'C1')])
    await map.forget('C2')
    const [unlinked = 0, forgotten = 0] = await Promise.all(keys.map((key) => redis.client.pttl(key)))
    expect(unlinked).toBeGreaterThan(UNLINKED_KEPT_MS - 10_000)
    expect(unlinked).toBeLessThanOrEqual(UNLINKED_KEPT_MS)
    expect(forgotten).toBeGreaterThan(FORGOTTEN_KEPT_MS - 10_000)
    await map.change([link(device('a'), 'C1')])
    expect(await redis.client.pttl(keys[0] ?? '')).toBe(-1)
  })

  it('a key of another type in place of an alias is refused, and nothing is linked', async () => {
    await redis.client.set(`proffer:a:${device('a')}`, 'not ours')
    const refused = { code: 'identity_corrupt', retryable: false }
    await expect(map.resolve([device('a')])).rejects.toMatchObject(refused)
    await expect(map.change([link(device('a'), 'C1')])).rejects.toMatchObject(refused)
  })

  it('a server that is away is told as such, and the map works again when it is back', async () => {
    await map.change([link(device('a'), 'C1')])
    await redis.kill()
    await expect(map.resolve([device('a')])).rejects.toMatchObject({ code: 'identity_unavailable', retryable: true })
    await redis.restart()
    expect(await patiently(() => map.change([link(device('a'), 'C1')]))).toEqual(['done'])
    expect(await patiently(() => map.resolve([device('a')]))).toEqual(['C1'])
  })

  it('a server without room says so, and looks up what is there', async () => {
    await map.change([link(device('a'), 'C1')])
    await redis.client.config('SET', 'maxmemory', '1mb')
    const full = { code: 'identity_full', retryable: true }
    await expect(map.change([link(device('b'), 'C1')])).rejects.toMatchObject(full)
    expect(await map.resolve([device('a')])).toEqual(['C1'])
    await redis.client.config('SET', 'maxmemory', '0')
    expect(await map.change([link(device('b'), 'C1')])).toEqual(['done'])
  })
})
