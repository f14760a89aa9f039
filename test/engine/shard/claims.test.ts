/**
 * Goal: claims cost a batch one trip, are refused without a trace, and are given up with half of their lease. Method: a shard over a real
 * store and real resources, with wires that count the trips, and are slow or cut when they are told to be.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ShardCore } from '../../../engine/shard/shard-core.ts'
import type { BatchResult, LiveInput } from '../../../engine/shard/shard-port.ts'
import { ShardRules } from '../../../engine/shard/shard-rules.ts'
import { StockDesk } from '../../../engine/shard/stock-desk.ts'
import { createStates } from '../../../engine/state/flat-states.ts'
import { nothingKnown } from '../../../engine/step/funnel/stock-view.ts'
import { createStepContext } from '../../../engine/step/step-context.ts'
import { initStore } from '../../../engine/store/init-store.ts'
import { openLmdbResources } from '../../../engine/store/lmdb-resources.ts'
import { openLmdbStore } from '../../../engine/store/lmdb-store.ts'
import type { Resources } from '../../../engine/store/resource.ts'
import { type Commit, nothingAdded, type Store, StoreError, storeFormat } from '../../../engine/store/store.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { openCodecs } from '../../../sinks/codecs.ts'
import { giftPack } from './stock-bank.ts'

const epoch = Date.UTC(2026, 2, 2, 8)
const validMs = 2_000
const leaseMs = validMs + 1_000
let dir = ''
let store: Store
let resources: Resources
/** Everything that was asked of store and resources, those that were asked in one turn together. */
let trips: string[][] = []
let commits: Commit[] = []
let before: (call: string) => Promise<void> = async () => {}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-claims-'))
  store = openLmdbStore({ dir: join(dir, 'store') })
  resources = openLmdbResources({ dir: join(dir, 'resources') })
  trips = []
  commits = []
  before = async () => {}
})
afterEach(async () => {
  await store.close()
  await resources.close()
  await rm(dir, { recursive: true, force: true })
})

let turn: string[] | null = null

async function trip(call: string): Promise<void> {
  // Another kind of call waited for the one before.
  if (turn === null || turn[0] !== call) {
    const calls: string[] = []
    turn = calls
    trips.push(calls)
    setImmediate(() => {
      if (turn === calls) turn = null
    })
  }
  turn.push(call)
  await before(call)
}

/** A shard whose trips are counted, of which partition 0 was taken long ago. */
async function shard(units: number): Promise<ShardCore> {
  const loaded = await giftPack({ units, validFor: `${validMs}ms` })
  const pack = compilePack(loaded)
  const cluster = { format: storeFormat, partitions: 1, clock: 'wall', log: '', salt: 's', completeSince: 0 } as const
  await initStore(store, { ...cluster, pack: loaded.hash, observedSince: {}, ...nothingAdded })
  for (const { id, units: own } of loaded.model.resources) await resources.define(id, own)
  const states = createStates(pack.layout, { maxBytes: 2 ** 22, observedSince: pack.layout.series.map(() => 0) })
  const context = createStepContext(pack, states, 's')
  const core = new ShardCore({
    store: {
      ...methodsOf(store),
      async load(partition, ids) {
        await trip('load')
        return store.load(partition, ids)
      },
      async commit(partition, commit) {
        commits.push(commit)
        await trip('commit')
        return store.commit(partition, commit)
      },
    },
    resources: {
      ...resourceMethods(resources),
      async reserve(...args) {
        await trip('reserve')
        return resources.reserve(...args)
      },
      async lapse(...args) {
        await trip('lapse')
        return resources.lapse(...args)
      },
    },
    states,
    context,
    rules: ShardRules.alone(context),
    codecs: openCodecs({ kind: 'own' }),
    partitions: 1,
    clock: 'wall',
    failpoint: () => {},
    past: { observedSince: {}, ...nothingAdded },
    fillBytes: 2 ** 20,
  })
  expect(await core.acquire(0, 'token', '')).toMatchObject({ kind: 'acquired' })
  return core
}

const asks = (count: number, placement = 'home-banner', from = 0): readonly LiveInput[] =>
  Array.from({ length: count }, (_, index) => {
    const n = from + index
    return { index, customerId: `C${n}`, requestId: `r${n}`, placement, count: 1 }
  })

async function batch(core: ShardCore, requests: readonly LiveInput[], now = epoch): Promise<BatchResult> {
  const rest = { events: null, records: [], published: 0, dpos: 0, flush: false, notAfter: null, takesDue: false }
  return core.batch({ partition: 0, now, requests, ...rest })
}

const gifts = (result: BatchResult): number =>
  result.kind === 'done'
    ? result.answers.filter((one) => one.decision.offers.some(({ offer }) => offer === 'gift')).length
    : -1

test('a batch that claims takes three trips however many claims it has, one that does not takes two', async () => {
  const core = await shard(1_000)
  expect(gifts(await batch(core, asks(100)))).toBe(100)
  expect(trips.map((calls) => calls[0])).toEqual(['load', 'reserve', 'commit'])
  expect(trips[1]).toHaveLength(100)
  trips = []
  // Shown again: theirs already, nothing to commit, nobody to load.
  expect(gifts(await batch(core, asks(100)))).toBe(100)
  expect(trips).toEqual([])
  // Somebody new who gets something else.
  expect(gifts(await batch(core, asks(5, 'no-such-placement', 200)))).toBe(0)
  expect(trips.map((calls) => calls[0])).toEqual(['load'])
})

test('refused claims have the batch stepped again: as many are served as there are, and nothing of the first step is left', async () => {
  const core = await shard(7)
  const result = await batch(core, asks(20))
  expect(gifts(result)).toBe(7)
  if (result.kind !== 'done') throw new Error('it was committed')
  expect(result.stats.tally?.outcomes.reduce((sum, { count }) => sum + count, 0)).toBe(20)
  const refused = result.answers.flatMap(({ decision }) => decision.stock).filter(({ claim }) => claim === null)
  expect(refused.map(({ left }) => left)).toEqual(Array(13).fill(0))
  expect(await resources.count('gifts')).toMatchObject({ reserved: 7, confirmed: 0 })
  expect(result.progress.decisions).toBe(20)
})

test('resources that do not answer close their offers and nothing else', async () => {
  const core = await shard(50)
  before = async (call) => {
    if (call === 'reserve') throw new StoreError('store_unavailable', 'The line was cut.', { retryable: true })
  }
  const result = await batch(core, asks(3))
  if (result.kind !== 'done') throw new Error('it went through')
  expect(gifts(result)).toBe(0)
  for (const { decision } of result.answers) {
    expect(decision.outcome).toBe('offered')
    expect(decision.fates.find(({ offer }) => offer === 'gift')).toMatchObject({ reason: 'stock_unknown' })
  }
})

test('half of the lease gone before the commit: given back, and tried again', async () => {
  const core = await shard(50)
  // Giving back is slow too: the next batch must not have its own claims given back.
  before = (call) => sleep(call === 'reserve' ? leaseMs / 2 + 50 : 300)
  expect(await batch(core, asks(3))).toEqual({ kind: 'retry', reason: 'lease_half_gone' })
  expect(commits).toEqual([])
  before = async () => {}
  expect(gifts(await batch(core, asks(3)))).toBe(3)
  await sleep(400)
  expect(await resources.count('gifts')).toMatchObject({ reserved: 3 })
})

test('the store is to refuse the commit when half of the lease is gone', async () => {
  const core = await shard(50)
  await batch(core, asks(1))
  expect(commits.map(({ notAfter }) => notAfter)).toEqual([epoch + leaseMs / 2])
})

test('the same request when its claim is over is another answer with another claim, and both ids are told from all others', async () => {
  const core = await shard(7)
  // Of twenty are thirteen refused, so that it is stepped twice: the answers' ids stay.
  const first = await batch(core, asks(20))
  const later = await batch(core, asks(20), epoch + 10 * leaseMs)
  if (first.kind !== 'done' || later.kind !== 'done') throw new Error('both were committed')
  const ids = [...first.answers, ...later.answers].map(({ decision }) => decision.id)
  expect(new Set(ids).size).toBe(40)
  expect(gifts(first)).toBe(7)
  expect(gifts(later)).toBe(7)
  expect(await resources.count('gifts')).toMatchObject({ reserved: 7 })
})

test('what was kept is given back when the batch fails as it is stepped again', async () => {
  const core = await shard(7)
  let loads = 0
  before = async (call) => {
    if (call === 'load' && ++loads === 2)
      throw new StoreError('store_unavailable', 'The line was cut.', { retryable: true })
  }
  // Of twenty are thirteen refused.
  expect(await batch(core, asks(20))).toMatchObject({ kind: 'retry' })
  expect(trips.map((calls) => calls[0]).slice(0, 3)).toEqual(['load', 'reserve', 'load'])
  await expect.poll(() => resources.count('gifts')).toMatchObject({ reserved: 0 })
  expect(gifts(await batch(core, asks(20)))).toBe(7)
})

test('what an earlier round kept is given back when a later one is not answered and does not claim it', async () => {
  const desk = new StockDesk(
    {
      ...resourceMethods(resources),
      async reserve(...args) {
        await before('reserve')
        return resources.reserve(...args)
      },
    },
    compilePack(await giftPack({ units: 1 })),
  )
  await resources.define('gifts', 1)
  const claim = (id: string) => ({ resource: 'gifts', id, amount: 1, at: 1_000, leaseUntil: 90_000_000, asked: true })
  const first = await desk.reserve([claim('a'), claim('b')], { left: [1, 1], ...nothingKnown }, 1)
  if (first.kind !== 'again') throw new Error('there is one for two')
  expect([...first.stock.kept]).toEqual(['a'])
  before = async () => {
    throw new StoreError('store_unavailable', 'The line was cut.', { retryable: true })
  }
  expect(await desk.reserve([claim('c')], first.stock, 2)).toMatchObject({ kind: 'again' })
  await expect.poll(() => resources.count('gifts')).toMatchObject({ reserved: 0 })
})

function methodsOf(real: Store): Store {
  return {
    cluster: () => real.cluster(),
    putCluster: (cluster, found) => real.putCluster(cluster, found),
    putPack: (hash, json) => real.putPack(hash, json),
    pack: (hash) => real.pack(hash),
    create: (partition, meta) => real.create(partition, meta),
    acquire: (partition, token, addr) => real.acquire(partition, token, addr),
    release: (partition, token) => real.release(partition, token),
    tombstones: (partition, since) => real.tombstones(partition, since),
    now: () => real.now(),
    meta: (partition) => real.meta(partition),
    load: (partition, ids) => real.load(partition, ids),
    due: (partition, limit) => real.due(partition, limit),
    outbox: (partition, from, to) => real.outbox(partition, from, to),
    commit: (partition, commit) => real.commit(partition, commit),
    close: () => real.close(),
  }
}

function resourceMethods(real: Resources): Resources {
  return {
    define: (resource, capacity) => real.define(resource, capacity),
    reserve: (resource, id, reservation) => real.reserve(resource, id, reservation),
    confirm: (resource, id, amount) => real.confirm(resource, id, amount),
    lapse: (resource, id) => real.lapse(resource, id),
    sweep: (resource, now) => real.sweep(resource, now),
    count: (resource) => real.count(resource),
    all: () => real.all(),
    close: () => real.close(),
  }
}
