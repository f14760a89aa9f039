/** What asking for one decision is answered, of every kind: equal, changed, and each reason why it cannot be told. */
import { expect, test } from 'vitest'
import type { CustomerSource } from '../../../engine/replay/recorded.ts'
import { type DecisionReplay, replayDecision } from '../../../engine/replay/replay-decision.ts'
import { ReplayPacks } from '../../../engine/replay/replay-packs.ts'
import { decisionSentence } from '../../../engine/replay/replay-words.ts'
import { trustsAll } from '../../../engine/shard/event-frame.ts'
import type { Log, LogRecord } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import { openCodecs } from '../../../sinks/codecs.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { recordedLogs } from '../../protocol/recorded-logs.ts'
import { partitions, readAll, salt } from '../shard/data-folder.ts'
import { request, shardRig, views } from '../shard/shard-rig.ts'

const rig = shardRig((dir) => ({ kind: 'lmdb', dir: `${dir}/store` }))
const codecs = openCodecs({ kind: 'own' })

/** A customer with some batches behind each other, and the last decision about them. */
async function lived(): Promise<Decision> {
  const shards = await rig.started()
  for (const customer of ['anna', 'ben']) await rig.known(shards, customer)
  for (let i = 0; i < 4; i++) {
    await rig.appendAll(views(4, 4).map((event) => ({ ...event, id: `${event.id}-${i}` })))
    await shards.decide(request('anna'))
    await shards.decide(request('ben'))
    await shards.drained()
  }
  await shards.stop(3_000)
  const last = (await rig.published()).findLast(
    ({ customerId, cause }) => customerId === 'anna' && cause.kind === 'request',
  )
  if (last === undefined) throw new Error('something was decided about anna')
  return last
}

/** What of the record is not there. */
type Lacking = {
  readonly isKept?: boolean
  readonly isOut?: (log: 'events' | 'batches', record: LogRecord) => boolean
  readonly compiled?: readonly CompiledPack[]
}

function without(log: Log, isOut: (record: LogRecord) => boolean): Pick<Log, 'read' | 'bounds' | 'partitions'> {
  return {
    partitions: log.partitions,
    bounds: (partition) => log.bounds(partition),
    read: async (...page) => (await log.read(...page)).filter((record) => !isOut(record)),
  }
}

async function replayed(
  left: Decision,
  change: (source: CustomerSource) => Partial<CustomerSource> = () => ({}),
  { isKept = true, isOut = () => false, compiled = [] }: Lacking = {},
): Promise<DecisionReplay> {
  const { log, batches: told, decisions, pack } = rig.folder()
  const [events, batches] = [
    without(log, (record) => isOut('events', record)),
    without(told, (record) => isOut('batches', record)),
  ]
  const logs = { events, batches, decisions, codec: codecs.decisions, trusts: trustsAll }
  const source = recordedLogs({ ...logs, customerId: left.customerId })
  const packs = new ReplayPacks(
    {
      packOf: async (hash) => (isKept && hash === pack.hash ? pack : null),
      learnedOf: async () => null,
    },
    compiled,
  )
  const found = await replayDecision({ source: { ...source, ...change(source) }, packs, codecs, salt }, left)
  expect(decisionSentence(found)).not.toBe('')
  return found
}

test('under a pack that is compiled already nothing is looked up', async () => {
  const left = await lived()
  const compiled = compilePack(rig.folder().pack)
  const found = await replayed(left, undefined, { isKept: false, compiled: [compiled] })
  expect(found).toMatchObject({ kind: 'equal' })
})

test('a decision is equal; a record that was changed differs at the field that was', async () => {
  const left = await lived()
  expect(await replayed(left)).toMatchObject({ kind: 'equal', bytes: codecs.decisions.encode(left).length })
  expect(await replayed({ ...left, nothing: left.nothing + 1 })).toMatchObject({
    kind: 'different',
    difference: { field: 'nothing', left: left.nothing + 1, replayed: left.nothing },
  })
})

test('one that no batch leads to is not computed', async () => {
  const left = await lived()
  expect(await replayed({ ...left, id: 'f'.repeat(32) })).toEqual({ kind: 'not_computed' })
})

test('a pack that is not kept is named', async () => {
  const left = await lived()
  const hole = { kind: 'pack_not_kept', hash: left.packHash }
  expect(await replayed(left, undefined, { isKept: false })).toMatchObject({ kind: 'hole', hole })
})

test('whichever batch or event is missing below it, it says so, also one of others', async () => {
  const left = await lived()
  const found = await replayed(left)
  if (found.kind !== 'equal') throw new Error('nothing is missing yet')
  const lackingBatch = (seq: number) => ({
    isOut: (log: string, { headers }: LogRecord) => log === 'batches' && headers?.['seq'] === String(seq),
  })
  expect(await replayed(left, undefined, lackingBatch(1))).toMatchObject({
    kind: 'hole',
    hole: { kind: 'begins_later', seq: 2 },
  })
  for (let seq = 2; seq < found.seq; seq++)
    expect(await replayed(left, undefined, lackingBatch(seq))).toMatchObject({
      kind: 'hole',
      hole: { kind: 'batches_missing', after: seq - 1, before: seq + 1 },
    })
  // Both are of one partition.
  for (const customer of ['anna', 'customer-0']) {
    const events = await readAll(rig.folder().log, partitionOf(customer, partitions))
    const first = events.find(({ key }) => key === customer)
    const isOut = (log: string, { key, offset }: LogRecord) =>
      log === 'events' && key === customer && offset === first?.offset
    const hole = { kind: 'events_missing', count: 1 }
    expect(await replayed(left, undefined, { isOut })).toMatchObject({ kind: 'hole', hole })
  }
})

test('of another customer who was erased nothing is needed', async () => {
  const left = await lived()
  const forgotten = (source: CustomerSource): Partial<CustomerSource> => ({
    mayMiss: async () => true,
    batches: async (...page) =>
      (await source.batches(...page)).map((batch) => ({
        ...batch,
        steps: batch.steps.map((step) => ({
          ...step,
          requests: step.requests.map((one) =>
            one.customerId === 'ben' ? { ...one, customerId: '', requestId: '' } : one,
          ),
        })),
      })),
  })
  expect(await replayed(left, forgotten)).toMatchObject({ kind: 'equal' })
})

test('one that left with a commit that was lost afterwards says so', async () => {
  const left = await lived()
  const lost = () => ({ lost: async () => [{ from: 0, to: 1_000 }] })
  expect(await replayed(left, lost)).toEqual({ kind: 'commit_lost' })
})
