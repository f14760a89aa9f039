/** Real Redis servers: what they keep, how a pair drifts apart and comes together, how a cluster moves what it holds. */
import { existsSync } from 'node:fs'
import { Cluster } from 'ioredis'
import { expect, test } from 'vitest'
import { startRedis, startRedisPair } from '../../../bench/parts/redis.ts'
import { startRedisCluster } from '../../../bench/parts/redis-cluster.ts'
import { installedRedis, type RedisServer, withRedis } from '../../../bench/parts/redis-server.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'

const set = (server: RedisServer, key: string, value: string) => withRedis(server.port, (one) => one.set(key, value))
const get = (server: RedisServer, key: string) => withRedis(server.port, (one) => one.get(key))

test('a machine without Redis is told what to install', async () => {
  const path = process.env['PATH']
  process.env['PATH'] = '/nowhere'
  try {
    await expect(installedRedis()).rejects.toMatchObject({
      code: 'part_missing',
      message: 'apt-get install redis-server',
    })
  } finally {
    process.env['PATH'] = path
  }
})

await describeWithOwnRedis('a Redis of its own', () => {
  test('evicts nothing and writes nothing to disk unless told to', async () => {
    const plain = await startRedis()
    const other = await startRedis({ persistence: 'everysec', config: { 'maxmemory-policy': 'allkeys-lru' } })
    const setting = (server: RedisServer, name: string) =>
      withRedis(server.port, (one) => one.config('GET', name)).then((answer) => Object.values(Object(answer))[1])
    expect(await setting(plain, 'maxmemory-policy')).toBe('noeviction')
    expect(await setting(plain, 'appendonly')).toBe('no')
    expect(await setting(plain, 'save')).toBe('')
    expect(await setting(other, 'maxmemory-policy')).toBe('allkeys-lru')
    expect(await setting(other, 'appendfsync')).toBe('everysec')
    await Promise.all([plain.stop(), other.stop()])
    expect(existsSync(plain.dir)).toBe(false)
  })

  test('with an append-only file comes back on its port with its data, also after kill -9', async () => {
    const server = await startRedis({ persistence: 'always' })
    await set(server, 'a', '1')
    await server.kill()
    expect(server.pid()).toBeNull()
    await server.restart()
    expect(await get(server, 'a')).toBe('1')
    await server.stop({ keepData: true })
    await server.restart()
    expect(await get(server, 'a')).toBe('1')
    await server.stop()
  })

  test('that dies by itself says so', async () => {
    const server = await startRedis()
    await withRedis(server.port, (one) => one.call('SHUTDOWN', 'NOSAVE')).catch(() => null)
    expect(await server.died).toContain('Redis ended by itself')
    await server.stop()
  })

  test('a promoted replica lacks what was written after the cut, and follows again when told to', async () => {
    const pair = await startRedisPair()
    const { primary, replica } = pair
    await set(primary, 'a', '1')
    expect(await withRedis(primary.port, (one) => one.wait(1, 5_000))).toBe(1)
    await pair.cutReplication()
    await set(primary, 'a', '2')
    expect(await withRedis(primary.port, (one) => one.wait(1, 100))).toBe(0)
    await expect(set(replica, 'a', '3')).rejects.toThrow('READONLY')
    await pair.promote()
    expect(await get(replica, 'a')).toBe('1')
    await set(replica, 'a', '3')
    await pair.restoreReplication()
    expect(await get(replica, 'a')).toBe('2')
    await pair.stop()
  })

  test('a cluster serves all slots, fails over by hand and moves a slot with its keys', async () => {
    const cluster = await startRedisCluster()
    const client = new Cluster(cluster.nodes.slice(0, 3).map(({ port }) => ({ host: '127.0.0.1', port })))
    try {
      for (let i = 0; i < 250; i++) await client.set(`{p3}:${i}`, String(i))
      const slot = await cluster.slotOf('{p3}:1')
      const owner = await cluster.masterOf(slot)
      const [other = owner] = cluster.nodes.slice(0, 3).filter((node) => node !== owner)
      const move = await cluster.beginSlotMove(slot, other)
      expect(await move.moveKeys(100)).toBe(100)
      // Some keys of a script are here, some there: what every multi-key script meets in the middle of a move.
      const names = [...Array(250).keys()].map((i) => `{p3}:${i}`)
      const both = withRedis(owner.port, (one) => one.eval("return redis.call('MGET', unpack(KEYS))", 250, ...names))
      await expect(both).rejects.toThrow('TRYAGAIN')
      await move.finish()
      expect(await cluster.masterOf(slot)).toBe(other)
      const successor = await cluster.failOver(other)
      expect(await cluster.masterOf(slot)).toBe(successor)
      await cluster.moveSlot(slot, owner)
      expect(await cluster.masterOf(slot)).toBe(owner)
      expect(await client.get('{p3}:249')).toBe('249')
      expect(await withRedis(owner.port, (one) => one.dbsize())).toBe(250)
    } finally {
      client.disconnect()
      await cluster.stop()
    }
  })
})
