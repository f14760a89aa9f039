/**
 * Goal: the record of an answer is committed once, also when it is made between the moment a batch is handed over and the moment the shard
 * takes it. Method: a port that takes a batch a little later, as a busy thread does.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import { portOver } from './port-over.ts'
import { request, shardRig } from './shard-rig.ts'

const place = (dir: string): StorePlace => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 })
const rig = shardRig(place)

test('what is answered while a batch is on its way to the shard goes with the next one, once', async () => {
  const { pack } = rig.folder()
  const openPort = () =>
    portOver(rig.place(), pack, (shard) => ({
      async batch(task) {
        await new Promise((resolve) => setTimeout(resolve, 30))
        return shard.batch(task)
      },
    }))
  const shards = await rig.started({ openPort })
  await shards.drained()
  for (let i = 0; i < 100; i++) {
    void shards.decide(request('nobody', { deadlineAt: Date.now() - 1 }))
    void shards.decide(request('nobody', { deadlineAt: Date.now() + 5_000 }))
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  await shards.drained()
  const ids = (await rig.published()).map(({ id }) => id)
  expect(ids.length).toBe(new Set(ids).size)
  expect((await shards.totals()).decisions).toBe(200)
})
