/** Records that were changed lead to other decisions, or to a named hole: each part of a batch record is needed. */
import { expect, test } from 'vitest'
import { trustsAll } from '../../../engine/shard/event-frame.ts'
import type { LogRecord } from '../../../ingest/log.ts'
import type { Batch } from '../../../sinks/batch.ts'
import { decodeBatch, encodeBatch } from '../../../sinks/batch-codec.ts'
import { replayAll } from '../../protocol/replay-checker.ts'
import { readAll, salt } from '../shard/data-folder.ts'
import { request, shardRig, views } from '../shard/shard-rig.ts'

const rig = shardRig((dir) => ({ kind: 'lmdb', dir: `${dir}/store` }))

test('a record without its clock, a request, a batch or in another order is seen', async () => {
  const shards = await rig.started()
  await rig.known(shards, 'anna')
  for (let i = 0; i < 4; i++) {
    await rig.appendAll(views(4, 4).map((event) => ({ ...event, id: `${event.id}-${i}` })))
    await shards.decide(request('anna'))
    await shards.drained()
  }
  await shards.stop(3_000)
  const { log, batches, decisions, pack } = rig.folder()
  const all = async (from: typeof log) =>
    Promise.all(Array.from({ length: from.partitions }, (_, partition) => readAll(from, partition)))
  const told = await all(batches)
  const rest = { events: await all(log), decisions: await all(decisions), packs: [pack], trusts: trustsAll, salt }
  const replayed = async (change: (batch: Batch) => Batch | null) => {
    const records = told.map((some) => changed(some, change))
    const { problems, holes } = await replayAll({ ...rest, partitions: told.length, batches: records })
    return problems.length + holes.length
  }
  expect(await replayed((batch) => batch)).toBe(0)
  const steps = (batch: Batch, of: (step: Batch['steps'][number]) => Batch['steps'][number]): Batch => ({
    ...batch,
    steps: batch.steps.map(of),
  })
  expect(await replayed((batch) => steps(batch, (step) => ({ ...step, now: step.now + 1 })))).toBeGreaterThan(0)
  expect(await replayed((batch) => steps(batch, (step) => ({ ...step, turn: step.turn + 1 })))).toBeGreaterThan(0)
  expect(await replayed((batch) => steps(batch, (step) => ({ ...step, requests: [] })))).toBeGreaterThan(0)
  expect(await replayed((batch) => (batch.seq === 2 ? null : batch))).toBeGreaterThan(0)
  expect(await replayed((batch) => ({ ...batch, prev: batch.prev + 1 }))).toBeGreaterThan(0)
})

/** The records with each batch changed; null: it is left out. */
function changed(records: readonly LogRecord[], change: (batch: Batch) => Batch | null): readonly LogRecord[] {
  const kept = records.flatMap((record) => {
    const batch = change(decodeBatch(record.value))
    return batch === null ? [] : [{ ...record, value: encodeBatch(batch) }]
  })
  return kept.map((record, offset) => ({ ...record, offset }))
}
