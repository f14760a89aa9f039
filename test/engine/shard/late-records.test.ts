/**
 * Goal: the record of an answer is committed once, also when it is made between the moment a batch is handed over and the moment the shard
 * takes it. Method: a port that takes a batch a little later, as a busy thread does.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openShard } from '../../../engine/shard/open-shard.ts'
import type { ShardPort } from '../../../engine/shard/shard-port.ts'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import { nothingAdded } from '../../../engine/store/store.ts'
import { partitions, salt } from './data-folder.ts'
import { request, shardRig } from './shard-rig.ts'

const place = (dir: string): StorePlace => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 })
const rig = shardRig(place)

test('what is answered while a batch is on its way to the shard goes with the next one, once', async () => {
  const { pack } = rig.folder()
  const openPort = (): ShardPort => {
    const shard = openShard({
      store: rig.place(),
      pack,
      salt,
      past: { observedSince: {}, ...nothingAdded },
      fillBytes: 2 ** 20,
      cacheBytes: 2 ** 24,
      schemas: { kind: 'own' },
      partitions,
      clock: 'wall',
      failAt: null,
      learned: null,
    })
    return {
      acquire: (...args) => shard.acquire(...args),
      adopt: (task) => shard.adopt(task),
      amend: (task) => shard.amend(task),
      fill: (task) => shard.fill(task),
      learn: (...args) => shard.learn(...args),
      outbox: (...args) => shard.outbox(...args),
      view: (...args) => shard.view(...args),
      release: (partition) => shard.release(partition),
      owner: (partition) => shard.owner(partition),
      storeNow: () => shard.storeNow(),
      usage: () => shard.usage(),
      close: () => shard.close(),
      resend: (partition) => shard.resend(partition),
      async batch(task) {
        await new Promise((resolve) => setTimeout(resolve, 30))
        return shard.batch(task)
      },
    }
  }
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
