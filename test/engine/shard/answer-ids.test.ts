/** Goal: two answers to one request have two ids, also within one millisecond and without a commit between them. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { request, shardRig } from './shard-rig.ts'

const rig = shardRig((dir) => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 }))

test('a request asked again at once is answered by another decision each time, if nothing is reserved', async () => {
  const shards = await rig.started()
  await shards.drained()
  const once = request('somebody', { placement: 'adviser_desk' })
  const ids: string[] = []
  for (let i = 0; i < 300; i++) ids.push((await shards.decide(once)).decision.id)
  expect(new Set(ids).size).toBe(300)
  await shards.drained()
  expect((await shards.totals()).decisions).toBe(300)
  expect(new Set((await rig.published()).map(({ id }) => id)).size).toBe(300)
})
