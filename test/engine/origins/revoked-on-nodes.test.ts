/** A source is revoked at one node: the answer comes once every other node goes by it. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { heedElsewhere } from '../../../engine/nodes/heed.ts'
import { describeWithKafka, describeWithRedis } from '../../parts/describe-with-parts.ts'
import { type RunningEngine, runEngine, sharedSettings } from '../running-engine.ts'

const source = 'tax-office-data'

function virtualTiming() {
  let at = 0
  return {
    elapsed: () => at,
    sleep: async (ms: number) => {
      at += ms
    },
  }
}

test('who does not say that it goes by it is named, in time; a node that is gone is asked no more', async () => {
  const asked: string[] = []
  const peers = {
    heed: async (addr: string) => {
      asked.push(addr)
      return addr === 'there' ? ({ kind: 'answer', value: null } as const) : ({ kind: 'unreachable' } as const)
    },
  }
  expect(await heedElsewhere(peers, async () => ['there', 'stands'], virtualTiming())).toEqual(['stands'])
  expect(asked.filter((addr) => addr === 'there')).toEqual(['there'])
  let looks = 0
  const others = async () => (++looks < 3 ? ['there', 'gone'] : ['there'])
  expect(await heedElsewhere(peers, others, virtualTiming())).toEqual([])
})

await describeWithKafka('on a broker', async (brokers) => {
  await describeWithRedis('and a Redis', (redis) => {
    const prefix = `${randomUUID()}.`
    const nodes: RunningEngine[] = []
    const nodeAt = (i: number): RunningEngine => {
      const node = nodes[i]
      if (node === undefined) throw new Error('there is such a node')
      return node
    }
    beforeAll(async () => {
      for (const name of ['a', 'b'])
        nodes.push(
          await runEngine({
            settings: sharedSettings({ brokers, redis, prefix, name }),
          }),
        )
      await vi.waitFor(
        async () => {
          const { partitions } = Object((await nodeAt(0).call('GET', '/v1/partitions')).body)
          expect(partitions.every(({ state }: { state: string }) => state === 'running')).toBe(true)
          expect(new Set(partitions.map(({ addr }: { addr: string }) => addr)).size).toBe(2)
        },
        { timeout: 40_000, interval: 200 },
      )
    }, 120_000)
    afterAll(async () => {
      for (const node of nodes) await node.stop()
    }, 60_000)

    test('behind the answer no node goes by what the source said', async () => {
      for (let round = 0; round < 3; round++) {
        const answer = await nodeAt(1).call('POST', `/v1/sources/${source}/revoke`, { why: 'the agreement ended' })
        expect(answer.status).toBe(200)
        // By itself it looks once a second.
        const { sources } = Object((await nodeAt(0).call('GET', '/v1/sources')).body)
        const found = sources.find(({ id }: { id: string }) => id === source)
        expect(found.revoked).toMatchObject({ why: 'the agreement ended' })
        const restored = await nodeAt(1).call('POST', `/v1/sources/${source}/restore`, { why: 'it goes on' })
        expect(restored.status).toBe(200)
      }
    }, 60_000)
  })
})
