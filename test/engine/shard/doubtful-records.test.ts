/** Goal: the record of an answer is committed once, also when its commit was applied and nobody heard of it before the partition was lost. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { BatchResult } from '../../../engine/shard/shard-port.ts'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import { portOver } from './port-over.ts'
import { request, shardRig } from './shard-rig.ts'

const place = (dir: string): StorePlace => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 })
const rig = shardRig(place)

test('records whose commit was applied unheard before another owner came are not committed again', async () => {
  const { pack } = rig.folder()
  let applied = 0
  const openPort = () =>
    portOver(rig.place(), pack, (shard) => ({
      async batch(task): Promise<BatchResult> {
        const result = await shard.batch(task)
        if (applied > 0 || task.records.length === 0 || result.kind !== 'done' || !result.committed) return result
        applied = task.records.length
        return { kind: 'doubt', reason: 'The line was cut.' }
      },
      async resend(partition) {
        await shard.release(partition)
        return { kind: 'fenced' }
      },
    }))
  const shards = await rig.started({ openPort })
  await shards.drained()
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => shards.decide(request('nobody', { deadlineAt: Date.now() - 1 }))),
  )
  expect(new Set(answers.map(({ decision }) => decision.reason))).toEqual(new Set(['deadline_exceeded']))
  await expect.poll(async () => (await rig.published()).length).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  await shards.drained()
  expect(applied).toBeGreaterThan(0)
  const ids = (await rig.published()).map(({ id }) => id)
  expect(new Set(ids).size).toBe(20)
  expect((await shards.totals()).decisions).toBe(20)
})
