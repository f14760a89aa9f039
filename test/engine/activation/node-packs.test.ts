/** One node's part of an activation over a store that loses the record of it, and while two packs are compiled at once. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { activatePack } from '../../../engine/activate-pack.ts'
import { NodePacks } from '../../../engine/activation/node-packs.ts'
import { PackInForce } from '../../../engine/activation/pack-in-force.ts'
import type { ShardRuns } from '../../../engine/shard/shard-packs.ts'
import type { PackTask } from '../../../engine/shard/shard-port.ts'
import { type Cluster, StoreError } from '../../../engine/store/store.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { recordOfFirst, twoPacks } from './two-packs.ts'

let first: CompiledPack
let second: CompiledPack
let began: Cluster
/** The installation's record, as the store has it. */
let record: Cluster
let runs: readonly ShardRuns[]
let prepared: PackTask[]
/** What the shards say of series that they observe later than the record says. */
let later: Readonly<Record<string, number>>
/** Whether the store takes no record. */
let isFull: boolean

beforeAll(async () => {
  const packs = await twoPacks()
  first = compilePack(packs.first)
  second = compilePack(packs.second)
})
beforeEach(() => {
  began = recordOfFirst(first)
  record = began
  runs = [{ shard: 0, packHash: first.loaded.hash, activation: 0, since: 0 }]
  prepared = []
  later = {}
  isFull = false
})

const compiledOf = ({ hash }: LoadedPack): CompiledPack => (hash === first.loaded.hash ? first : second)

/** A node whose headers of partitions name nothing: nothing was committed since the activation. */
function nodePacks(compile = async (loaded: LoadedPack): Promise<CompiledPack> => compiledOf(loaded)): NodePacks {
  return new NodePacks({
    store: {
      cluster: async () => record,
      async putCluster(next, before) {
        if (isFull) throw new StoreError('store_full', 'no room', { retryable: true })
        if (before !== record) return false
        record = next
        return true
      },
      pack: async (hash) => JSON.stringify(compiledOf({ model: first.loaded.model, hash }).loaded.model),
      meta: async () => null,
    },
    packs: {
      async prepare(task) {
        prepared.push(task)
        return []
      },
      forget() {},
      async switchTo({ loaded }, { past }) {
        runs = [{ shard: 0, packHash: loaded.hash, activation: past.activations, since: 0 }]
        return { missing: [], observedLater: later }
      },
      get runs() {
        return runs
      },
    },
    watch: { prepare: () => [], switchTo() {} },
    inForce: new PackInForce(first, began),
    node: 'a',
    timing: { elapsed: () => 0 },
    now: () => 1_000,
    compile,
    switchWithinMs: 1_000,
    onSwitched() {},
    onTakeUp() {},
  })
}

const put = ({ loaded, layout }: CompiledPack, from: Cluster): Cluster =>
  activatePack(from, { hash: loaded.hash, layout }, 1)

test('a record that the store lost before anything was committed under it is written again by a node that runs it', async () => {
  const node = nodePacks()
  record = put(second, began)
  await node.takeUp()
  record = began
  await node.takeUp()
  expect(record).toMatchObject({ pack: second.loaded.hash, activations: 1 })
  expect(runs).toMatchObject([{ packHash: second.loaded.hash, activation: 1 }])
})

test('another activation that took the number of a lost one is taken up', async () => {
  const node = nodePacks()
  record = put(second, began)
  await node.takeUp()
  // Somebody who did not know of it put the first one in force anew.
  record = { ...put(second, began), pack: first.loaded.hash }
  const told = await node.takeUp()
  expect(told.shards).toMatchObject([{ packHash: first.loaded.hash, activation: 1 }])
})

test('a pack goes to the shards with its own text, also when another one is compiled at the same moment', async () => {
  const under: (() => void)[] = []
  const node = nodePacks((loaded) => new Promise((resolve) => under.push(() => resolve(compiledOf(loaded)))))
  const past = put(second, began)
  const asked = node.prepare({ packHash: second.loaded.hash, past }, 1_000)
  const beside = node.compile(first.loaded.hash)
  await expect.poll(() => under.length).toBe(2)
  // What was asked for first waits for its turn, and its compiling began last.
  for (const isDone of under.toReversed()) isDone()
  expect(await asked).toMatchObject({ kind: 'prepared' })
  await beside
  expect(prepared.map(({ packHash, model }) => [packHash, model])).toEqual([
    [second.loaded.hash, JSON.stringify(second.loaded.model)],
  ])
})

test('a store that takes nothing as a pack is taken up hears later that a series is observed later', async () => {
  const node = nodePacks()
  record = put(second, began)
  const [series = ''] = Object.keys(record.added)
  const since = (record.observedSince[series] ?? 0) + 60_000
  later = { [series]: since }
  isFull = true
  await expect(node.takeUp()).rejects.toMatchObject({ code: 'store_full' })
  expect(node.runs()).toMatchObject({ shards: [{ activation: 1 }], trouble: { reason: 'store_failed' } })
  isFull = false
  expect(await node.takeUp()).toMatchObject({ trouble: null })
  expect(record.observedSince[series]).toBe(since)
})
