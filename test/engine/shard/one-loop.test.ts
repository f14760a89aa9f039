/**
 * Goal: a partition is run by one loop at a time. Method: it is taken away and given back while the answer of its last commit is
 * under way, and that answer says that another owner had it.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { BatchResult } from '../../../engine/shard/shard-port.ts'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import { type Membership, soleMembership } from '../../../ingest/membership.ts'
import { partitions } from './data-folder.ts'
import { portOver } from './port-over.ts'
import { request, shardRig } from './shard-rig.ts'

const place = (dir: string): StorePlace => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 })
const rig = shardRig(place)

test('a partition that was given back while its last commit was fenced is taken once, and no record is committed twice', async () => {
  const { pack } = rig.folder()
  let assign: (partitions: readonly number[]) => void = () => {}
  const sole = soleMembership(partitions)
  const membership: Membership = {
    ...sole,
    join: (assigned) => {
      assign = assigned
      return sole.join(assigned)
    },
  }
  const acquired: number[] = []
  const fences: (() => void)[] = []
  const openPort = () =>
    portOver(rig.place(), pack, (shard) => ({
      acquire(partition, token, addr) {
        acquired.push(partition)
        return shard.acquire(partition, token, addr)
      },
      batch(task) {
        if (fences.length > 0 || task.records.length === 0) return shard.batch(task)
        return new Promise<BatchResult>((resolve) => {
          fences.push(() => void shard.release(task.partition).then(() => resolve({ kind: 'fenced' })))
        })
      },
    }))
  const shards = await rig.started({ openPort, membership })
  await shards.drained()
  const late = (count: number) =>
    Promise.all(Array.from({ length: count }, () => shards.decide(request('nobody', { deadlineAt: Date.now() - 1 }))))
  await late(5)
  await expect.poll(() => fences.length).toBe(1)
  acquired.length = 0
  assign([])
  assign(Array.from({ length: partitions }, (_, partition) => partition))
  for (const tell of fences) tell()
  await new Promise((resolve) => setTimeout(resolve, 500))
  await shards.drained()
  expect(acquired.sort((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, partition) => partition))
  await late(15)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  await shards.drained()
  const ids = (await rig.published()).map(({ id }) => id)
  expect(new Set(ids).size).toBe(20)
  expect((await shards.totals()).decisions).toBe(20)
})
