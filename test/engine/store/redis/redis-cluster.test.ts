import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { KeyNames } from '../../../../engine/store/redis/key-names.ts'
import { keySlot } from '../../../../engine/store/redis/key-slot.ts'
import { openRedisStore } from '../../../../engine/store/redis/redis-store.ts'
import type { Commit, CommitReply, Store } from '../../../../engine/store/store.ts'
import { dumpPartition } from '../../../conformance/partition-dump.ts'
import { type StoreUnderTest, storeConformance } from '../../../conformance/store.ts'
import { storeDue } from '../../../conformance/store-due.ts'
import { storeFaults } from '../../../conformance/store-faults.ts'
import { workloadCommit, zeroMeta } from '../../../conformance/store-workload.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { patiently } from './patiently.ts'
import { type StartedRedis, startRedisCluster, until } from './start-redis.ts'

const keys = new KeyNames('proffer:')
const partitions = 12
const customers = Array.from({ length: 20 }, (_, i) => `C${i}`)

await describeWithOwnRedis('on a Redis Cluster', () => {
  let cluster: { urls: readonly string[]; nodes: readonly StartedRedis[]; stop(): Promise<void> }
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 60_000)
  afterAll(() => cluster.stop())

  const isPrimary = async ({ client }: StartedRedis) => (await client.info('replication')).includes('role:master')
  const primaries = async (): Promise<StartedRedis[]> => {
    const alive = cluster.nodes.filter((node) => node.client.status === 'ready')
    const roles = await Promise.all(alive.map(isPrimary))
    return alive.filter((_, i) => roles[i])
  }
  const flush = async () => {
    for (const { client } of await primaries()) await client.flushall()
  }

  let places = 0
  const underTest: StoreUnderTest = {
    makePlace: async () => `${cluster.urls.join(',')} place-${places++}:`,
    module: new URL('./redis-under-test.ts', import.meta.url),
    removePlace: flush,
  }
  storeConformance('the Redis store', underTest)
  storeFaults('the Redis store', underTest)
  storeDue('the Redis store', underTest)

  describe('the Redis store', () => {
    let store: Store
    beforeEach(async () => {
      store = await openRedisStore({ urls: cluster.urls.slice(0, 2), timeoutMs: 500 })
      for (let partition = 0; partition < partitions; partition++) {
        await patiently(() => store.create(partition, zeroMeta))
        await patiently(() => store.acquire(partition, 'token', ''))
      }
    })
    afterEach(async () => {
      await store.close()
      await flush()
    })

    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const resend = (partition: number, commit: Commit): Promise<CommitReply> =>
      patiently(() => store.commit(partition, commit))
    /** The node that has the slot of a partition, as a node tells. */
    const ownerOf = async (partition: number): Promise<StartedRedis> => {
      const [first] = await primaries()
      const ranges = (await first?.client.cluster('SLOTS')) ?? []
      const slot = keySlot(keys.meta(partition))
      const range = ranges.find(([from, to]) => Number(from) <= slot && slot <= Number(to))
      const owner = cluster.nodes.find(({ port }) => port === Number(range?.[2]?.[1]))
      if (owner === undefined) throw new Error('nobody has the slot')
      return owner
    }
    const waits = async ({ client }: StartedRedis) =>
      Number(/cmdstat_wait:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)

    it('computes slots as Redis does', async () => {
      const names = [keys.cluster, keys.pack('h'), 'a{}b', '{}', 'a{b}{c}', '{a{b}c', 'plain', '}{', '']
      for (const partition of [0, 7, 300, 65_535]) {
        names.push(keys.meta(partition), keys.outbox(partition), keys.state(partition, 'C1'))
      }
      names.push(keys.resource('stock'), keys.leases('stock'))
      const [first] = await primaries()
      for (const name of names)
        expect([name, keySlot(name)]).toEqual([name, await first?.client.cluster('KEYSLOT', name)])
      expect(new Set([keys.meta(5), keys.outbox(5), keys.state(5, 'x')].map(keySlot)).size).toBe(1)
    })

    it('waits for the replica on the primary that has the partition, and nowhere else', async () => {
      for (const partition of all) await resend(partition, workloadCommit('token', 1))
      const [one, two, three] = await primaries()
      if (one === undefined || two === undefined || three === undefined) throw new Error('three primaries')
      const mine = await ownerOf(0)
      const before = await Promise.all([one, two, three].map(waits))
      for (let seq = 2; seq <= 6; seq++) await resend(0, workloadCommit('token', seq))
      const after = await Promise.all([one, two, three].map(waits))
      expect(after.map((count, i) => count - (before[i] ?? 0))).toEqual(
        [one, two, three].map((node) => (node === mine ? 5 : 0)),
      )
    })

    it('goes on at the new primary after a failover, and other partitions do not notice', async () => {
      for (const partition of all)
        expect(await resend(partition, workloadCommit('token', 1))).toEqual({ kind: 'applied' })
      const dead = await ownerOf(0)
      const others: number[] = []
      for (const partition of all) if ((await ownerOf(partition)) !== dead) others.push(partition)
      expect(others.length).toBeGreaterThan(0)
      expect(others.length).toBeLessThan(partitions)
      await dead.kill()
      for (const partition of others) {
        expect(await store.commit(partition, workloadCommit('token', 2))).toEqual({ kind: 'applied' })
      }
      // The new primary has no replica, so nothing is committed there until the old one is back as one.
      const commits = all
        .filter((partition) => !others.includes(partition))
        .map((partition) => resend(partition, workloadCommit('token', 2)))
      await until(async () => (await ownerOf(0)) !== dead)
      await dead.restart()
      expect(await Promise.all(commits)).toEqual(commits.map(() => ({ kind: 'applied' })))
      expect(await patiently(() => dumpPartition(store, 0, customers))).toMatchObject({ meta: { seq: 2 } })
      await until(async () => (await dead.client.info('replication')).includes('master_link_status:up'))
    }, 60_000)

    it('follows a primary that handed over, in the middle of commits', async () => {
      const before = await ownerOf(0)
      const replica = await replicaOf(before)
      let seq = 0
      let isOver = false
      const commits = (async () => {
        while (!isOver) {
          seq++
          expect(await resend(0, workloadCommit('token', seq))).toEqual({ kind: 'applied' })
        }
      })()
      // Redis calls a hand-over off that is not done in five seconds, as on a busy machine: it is asked for again.
      let askedAt = 0
      await until(async () => {
        if ((await ownerOf(0)) === replica) return true
        if (Date.now() - askedAt < 6_000) return false
        askedAt = Date.now()
        await replica.client.cluster('FAILOVER').catch(() => undefined)
        return false
      }, 40_000)
      await sleep(300)
      isOver = true
      await commits
      expect(await replica.client.hget(keys.meta(0), 'seq')).toBe(String(seq))
      await until(async () => (await before.client.info('replication')).includes('master_link_status:up'))
    }, 60_000)

    it('stands still while a slot moves and loses nothing', async () => {
      for (let seq = 1; seq <= 10; seq++) await resend(0, workloadCommit('token', seq))
      const content = await dumpPartition(store, 0, customers)
      const from = await ownerOf(0)
      const [to] = (await primaries()).filter((node) => node !== from)
      if (to === undefined) throw new Error('another primary')
      const slot = keySlot(keys.meta(0))
      const idOf = ({ client }: StartedRedis) => client.cluster('MYID')
      await to.client.cluster('SETSLOT', slot, 'IMPORTING', await idOf(from))
      await from.client.cluster('SETSLOT', slot, 'MIGRATING', await idOf(to))
      const moving = await from.client.cluster('GETKEYSINSLOT', slot, 1_000)
      const half = moving.slice(0, Math.ceil(moving.length / 2))
      await from.client.call('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...half)
      const commit = store.commit(0, workloadCommit('token', 11))
      await expect(commit).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
      await expect(store.load(0, customers)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
      const rest = moving.slice(half.length)
      await from.client.call('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...rest)
      await expect(store.load(0, customers)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
      for (const node of [to, from]) await node.client.cluster('SETSLOT', slot, 'NODE', await idOf(to))
      expect(await patiently(() => dumpPartition(store, 0, customers))).toEqual(content)
      expect(await resend(0, workloadCommit('token', 11))).toEqual({ kind: 'applied' })
    }, 60_000)

    it('refuses a database other than 0 with a sentence', async () => {
      const [url = ''] = cluster.urls
      await expect(openRedisStore({ urls: [`${url}/3`] })).rejects.toThrow(/only database 0/)
    })

    /** The replica of a primary. */
    async function replicaOf(primary: StartedRedis): Promise<StartedRedis> {
      for (const node of cluster.nodes) {
        const info = await node.client.info('replication')
        if (info.includes('role:slave') && info.includes(`master_port:${primary.port}`)) return node
      }
      throw new Error('no replica')
    }
  })
})
