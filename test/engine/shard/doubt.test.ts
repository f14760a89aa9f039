/**
 * Goal: a commit without a definite answer is sent again until there is one, and takes effect once. Method: the real store
 * behind a wire that loses calls or replies.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { packEvents } from '../../../engine/shard/event-frame.ts'
import { decodeOutbox } from '../../../engine/shard/outbox.ts'
import { ShardCore } from '../../../engine/shard/shard-core.ts'
import type { BatchResult, BatchTask } from '../../../engine/shard/shard-port.ts'
import { ShardRules } from '../../../engine/shard/shard-rules.ts'
import { createStates } from '../../../engine/state/flat-states.ts'
import { createStepContext } from '../../../engine/step/step-context.ts'
import { initStore } from '../../../engine/store/init-store.ts'
import { openLmdbStore } from '../../../engine/store/lmdb-store.ts'
import { openResources } from '../../../engine/store/open-resources.ts'
import {
  type Commit,
  type CommitReply,
  nothingAdded,
  type Store,
  StoreError,
  storeFormat,
} from '../../../engine/store/store.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import { openCodecs } from '../../../sinks/codecs.ts'
import { bankPack, epoch } from './data-folder.ts'
import { streamRecord } from './event-stream.ts'

type Fault = 'call_lost' | 'reply_lost' | 'none'

let dir = ''
let store: Store
let pack: CompiledPack
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-doubt-'))
  pack = compilePack(await bankPack())
  store = openLmdbStore({ dir })
  const cluster = { format: storeFormat, partitions: 1, clock: 'wall', log: '', salt: 's', completeSince: 0 } as const
  await initStore(store, { ...cluster, pack: pack.loaded.hash, observedSince: {}, ...nothingAdded })
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** A shard whose commits meet the faults, one after the other; and what was sent. `read`: what it finds of customers, instead of what is stored. */
async function shardWith(
  faults: Fault[],
  read: Partial<Pick<Store, 'load'>> = {},
): Promise<{ core: ShardCore; sent: Commit[] }> {
  const sent: Commit[] = []
  const lost = (): StoreError => new StoreError('store_unavailable', 'The line was cut.', { retryable: true })
  const wire: Store = {
    cluster: () => store.cluster(),
    putCluster: (cluster, before) => store.putCluster(cluster, before),
    putPack: (hash, json) => store.putPack(hash, json),
    pack: (hash) => store.pack(hash),
    create: (partition, meta) => store.create(partition, meta),
    acquire: (partition, token, addr) => store.acquire(partition, token, addr),
    release: (partition, token) => store.release(partition, token),
    tombstones: (partition, since) => store.tombstones(partition, since),
    now: () => store.now(),
    meta: (partition) => store.meta(partition),
    load: (partition, ids) => (read.load ?? store.load.bind(store))(partition, ids),
    due: (partition, limit) => store.due(partition, limit),
    outbox: (partition, from, to) => store.outbox(partition, from, to),
    close: () => store.close(),
    async commit(partition, commit): Promise<CommitReply> {
      sent.push(commit)
      const fault = faults.shift() ?? 'none'
      if (fault === 'call_lost') throw lost()
      const reply = await store.commit(partition, commit)
      if (fault === 'reply_lost') throw lost()
      return reply
    },
  }
  const states = createStates(pack.layout, { maxBytes: 2 ** 22, observedSince: pack.layout.series.map(() => 0) })
  const context = createStepContext(pack, states, 'salt')
  const codecs = openCodecs({ kind: 'own' })
  const core = new ShardCore({
    store: wire,
    states,
    context,
    rules: ShardRules.alone(context),
    codecs,
    partitions: 1,
    clock: 'wall',
    failpoint: () => {},
    past: { observedSince: {}, ...nothingAdded },
    fillBytes: 2 ** 20,
    resources: openResources({ kind: 'lmdb', dir: join(dir, 'resources') }),
  })
  expect(await core.acquire(0, 'token', '')).toMatchObject({ kind: 'acquired' })
  return { core, sent }
}

function events(from: number, to: number): ArrayBuffer {
  const records = Array.from({ length: to - from }, (_, i) => {
    const { record } = streamRecord(from + i, 5)
    return { offset: from + i, appendTime: epoch + (from + i) * 250, key: record.key, value: record.value }
  })
  return packEvents(records, { events: 1_000, customers: 256, bytes: 1e6 }).buffer
}

function task(more: Partial<BatchTask>): BatchTask {
  const nothing = {
    events: null,
    requests: [],
    records: [],
    published: 0,
    dpos: 0,
    flush: false,
    notAfter: null,
    takesDue: false,
  }
  return { partition: 0, now: epoch + 1e6, ...nothing, ...more }
}

async function untilDefinite(core: ShardCore, first: BatchResult): Promise<BatchResult> {
  let result = first
  for (let i = 0; i < 10 && result.kind === 'doubt'; i++) result = await core.resend(0)
  return result
}

for (const faults of [['call_lost'], ['reply_lost'], ['call_lost', 'reply_lost', 'reply_lost']] as const) {
  it(`after ${faults.join(', ')} the same bytes are sent again and take effect once`, async () => {
    const { core, sent } = await shardWith([...faults])
    const doubtful = await core.batch(task({ events: events(0, 40) }))
    expect(doubtful).toEqual({ kind: 'doubt', reason: 'The line was cut.' })
    const result = await untilDefinite(core, doubtful)
    expect(result).toMatchObject({ kind: 'done', committed: true, progress: { seq: 1, next: 40 } })
    expect(sent.length).toBe(faults.length + 1)
    for (const commit of sent) expect(commit).toBe(sent[0])
    const after = await core.batch(task({ events: events(40, 60) }))
    expect(after).toMatchObject({ kind: 'done', progress: { seq: 2, next: 60 } })
    const meta = await store.meta(0)
    expect((meta?.accepted ?? 0) + (meta?.duplicates ?? 0) + (meta?.deadLettered ?? 0)).toBe(60)
  })
}

it('events that were applied already are skipped, whatever is sent again', async () => {
  const { core } = await shardWith([])
  await core.batch(task({ events: events(0, 40) }))
  const again = await core.batch(task({ events: events(20, 50) }))
  expect(again).toMatchObject({ kind: 'done', stats: { events: 10 }, progress: { next: 50 } })
})

it('old commit bytes that arrive late change nothing', async () => {
  const { core, sent } = await shardWith([])
  await core.batch(task({ events: events(0, 10) }))
  await core.batch(task({ flush: true, notAfter: null }))
  const [first] = sent
  if (first === undefined) throw new Error('a commit was sent')
  expect(await store.commit(0, first)).toEqual({ kind: 'seq_mismatch', stored: 2 })
  expect(await store.meta(0)).toMatchObject({ seq: 2, next: 10 })
})

it('the clock of a partition never runs backwards', async () => {
  const { core } = await shardWith([])
  await core.batch(task({ events: events(0, 10), now: epoch + 5_000_000 }))
  await core.batch(task({ events: events(10, 20), now: epoch + 4_000_000 }))
  expect(await store.meta(0)).toMatchObject({ clock: epoch + 5_000_000 })
})

/** Records of many customers, keyed by a function of the customer. */
function crowd(from: number, to: number, keyOf: (customerId: string) => string): ArrayBuffer {
  const records = Array.from({ length: to - from }, (_, i) => {
    const { record } = streamRecord(1_000 + from + i, 100_000)
    return { offset: from + i, appendTime: epoch + 1e6, key: keyOf(record.key), value: record.value }
  })
  return packEvents(records, { events: 1_000, customers: 1_000, bytes: 1e6 }).buffer
}

it('a batch takes at most 256 customers and says where it stopped', async () => {
  const { core } = await shardWith([])
  const result = await core.batch(task({ events: crowd(0, 400, (customerId) => customerId) }))
  if (result.kind !== 'done') throw new Error('it was committed')
  expect(result.stats.customers).toBe(256)
  expect(result.progress.next).toBeGreaterThanOrEqual(256)
  expect(result.progress.next).toBeLessThan(400)
})

it('a record that is keyed by something else than its customer is counted for its customer all the same', async () => {
  const { core } = await shardWith([])
  let next = 0
  let batches = 0
  while (next < 40) {
    const result = await core.batch(task({ events: crowd(next, 40, () => 'one-key') }))
    if (result.kind !== 'done') throw new Error('it was committed')
    expect(result.progress.next).toBeGreaterThan(next)
    next = result.progress.next
    batches++
  }
  expect(batches).toBeGreaterThan(1)
  const { record } = streamRecord(1_000, 100_000)
  const [stored, junk] = await store.load(0, [record.key, 'one-key'])
  expect(stored).not.toBeNull()
  expect(junk).toBeNull()
})

it('on a log that others write to, what only our own door may say counts when it came through it, and nothing else changes', async () => {
  const event = (id: string, type: string, data: Event['data']): Event => ({
    id,
    source: 'crm',
    type,
    customerId: 'C1',
    time: epoch,
    provenance: { via: 'http', consentId: null },
    data,
  })
  const consent = (id: string) => event(id, 'consent.updated', { channel: 'push', granted: true, purpose: 'marketing' })
  const lift = (resolved: boolean) => ({ kind: 'unemployment', resolved, occurredAt: null })
  const sent = [
    [consent('forged'), false],
    [consent('signed'), true],
    [event('lift', 'life_event.reported', lift(true)), false],
    [event('loss', 'life_event.reported', lift(false)), false],
    [event('search', 'search.made', { category: 'other', text: null }), false],
    [event('erase', 'customer.erased', { ground: 'request' }), false],
  ] as const
  const records = sent.map(([one], i) => ({ offset: i, appendTime: epoch, key: 'C1', value: encodeEvent(one) }))
  const { core } = await shardWith([])
  const trusted = sent.flatMap(([, isTrusted], i) => (isTrusted ? [i] : []))
  const limits = { events: 100, customers: 256, bytes: 1e6 }
  const { buffer } = packEvents(records, limits, ({ offset }) => trusted.includes(offset))
  const result = await core.batch(task({ events: buffer }))
  if (result.kind !== 'done' || result.outbox === null) throw new Error('it was committed')
  const { deadLetters } = decodeOutbox(result.outbox)
  expect(deadLetters.map(({ offset, reason, via }) => [offset, reason, via])).toEqual([
    [0, 'untrusted_source', 'stream'],
    [2, 'untrusted_source', 'stream'],
    [5, 'untrusted_source', 'stream'],
  ])
  expect(result.progress).toMatchObject({ accepted: 3, deadLettered: 3 })
})

it('a look at a customer whose stored state cannot be read fails alone', async () => {
  const read: { load?: Store['load'] } = {}
  const { core } = await shardWith([], read)
  read.load = async () => [{ base: Uint8Array.of(1, 2, 3), patches: [] }]
  await expect(core.view(0, 'C1', epoch)).rejects.toMatchObject({ code: 'state_corrupt' })
  await expect(core.copy(0, 'C1', epoch)).rejects.toMatchObject({ code: 'state_corrupt' })
  delete read.load
  expect(await core.view(0, 'C1', epoch)).toMatchObject({ kind: 'view', view: { known: false } })
  expect(await core.batch(task({ events: events(0, 40) }))).toMatchObject({ kind: 'done', progress: { next: 40 } })
})
