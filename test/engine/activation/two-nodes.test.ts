/** Putting packs in force on nodes that share Kafka and Redis: any of them coordinates, all of them confirm. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { EngineOptions } from '../../../engine/compose.ts'
import { describeWithKafka, describeWithRedis } from '../../parts/describe-with-parts.ts'
import { type RunningEngine, runEngine, sharedSettings } from '../running-engine.ts'
import { keepPacks, recordPack, type TwoPacks, twoPacks } from './two-packs.ts'

const prefix = `${randomUUID()}.`
const waiting = { timeout: 40_000, interval: 200 }
const place = (redis: string) =>
  ({ kind: 'redis', urls: [redis], prefix, waitReplicas: 0, timeoutMs: 2_000, tls: {} }) as const
const customers = Array.from({ length: 16 }, (_, i) => `C-${i}`)

await describeWithKafka('on a broker', async (brokers) => {
  await describeWithRedis('and a Redis', (redis) => {
    let packs: TwoPacks
    const nodes: RunningEngine[] = []
    const start = async (name: string, shards: NonNullable<EngineOptions['shards']> = {}): Promise<RunningEngine> => {
      const node = await runEngine({
        settings: { ...sharedSettings({ brokers, redis, prefix, name }), ACTIVATION_PREPARE_MS: '15000' },
        shards,
      })
      nodes.push(node)
      return node
    }
    const nodeAt = (i: number): RunningEngine => {
      const node = nodes[i]
      if (node === undefined) throw new Error('there is such a node')
      return node
    }
    const settled = (count: number) =>
      vi.waitFor(async () => {
        const { partitions } = Object((await nodeAt(0).call('GET', '/v1/partitions')).body)
        expect(partitions.every(({ state }: { state: string }) => state === 'running')).toBe(true)
        expect(new Set(partitions.map(({ addr }: { addr: string }) => addr)).size).toBe(count)
      }, waiting)
    const decidedUnder = async (node: RunningEngine): Promise<Set<string>> => {
      const answers = customers.map(async (customerId) => {
        const body = { customerId, placement: 'app_home_banner', deadlineMs: 8_000 }
        const answer = await node.call('POST', '/v1/decisions', body)
        expect(answer.status).toBe(200)
        return String(Object(answer.body).packHash)
      })
      return new Set(await Promise.all(answers))
    }

    beforeAll(async () => {
      packs = await twoPacks()
      await keepPacks(place(redis), [packs.second])
      await start('a')
      await start('b')
      await settled(2)
    }, 120_000)
    afterAll(async () => {
      for (const node of nodes) await node.stop()
    }, 60_000)

    test('every shard of every node confirms, and from then on each node decides under the pack', async () => {
      const result = await nodeAt(1).engine.activator.activate(packs.second.hash)
      expect(result).toMatchObject({ kind: 'activated', activation: 1 })
      const shards = result.kind === 'activated' ? result.shards : []
      expect(shards.map(({ node, packHash }) => [node, packHash]).sort()).toEqual([
        ['a', packs.second.hash],
        ['b', packs.second.hash],
      ])
      for (const node of nodes) expect(await decidedUnder(node)).toEqual(new Set([packs.second.hash]))
      const { body } = await nodeAt(0).call('GET', '/v1/packs/active')
      expect(body).toMatchObject({ packHash: packs.second.hash, activation: 1, silent: [] })
    }, 60_000)

    test('a node that joins while a pack comes into force never decides under the one before', async () => {
      let recorded: Promise<boolean> | null = null
      // Looked at between reading the record and taking a partition. Whoever records it asks no node.
      await start('c', {
        get limits() {
          recorded ??= recordPack(place(redis), packs.first)
          return {}
        },
      })
      expect(await recorded).toBe(true)
      await settled(3)
      // The others look at the record every two seconds; the one that joined has done so by now.
      expect(await decidedUnder(nodeAt(2))).toEqual(new Set([packs.first.hash]))
      for (const node of nodes)
        await vi.waitFor(async () => expect(await decidedUnder(node)).toEqual(new Set([packs.first.hash])), waiting)
    }, 120_000)

    test('a node whose shard does not say that it is ready keeps the pack from coming into force anywhere', async () => {
      await nodes.pop()?.stop()
      await settled(2)
      await start('d', { deaf: { shard: 0, to: 'prepare' } })
      await settled(3)
      const result = await nodeAt(0).engine.activator.activate(packs.second.hash)
      expect(result).toMatchObject({ kind: 'refused', code: 'not_confirmed', missing: ['d shard 0'] })
      for (const node of nodes) expect(await decidedUnder(node)).toEqual(new Set([packs.first.hash]))
    }, 120_000)
  })
})
