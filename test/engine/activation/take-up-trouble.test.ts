/** A node that cannot take up the pack in force says so: in the log, in what others ask of it, and when it is over. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { activatePack } from '../../../engine/activate-pack.ts'
import { Coordinator } from '../../../engine/activation/coordinator.ts'
import { NodePacks } from '../../../engine/activation/node-packs.ts'
import { followEveryMs, PackFollower } from '../../../engine/activation/pack-follower.ts'
import { PackInForce } from '../../../engine/activation/pack-in-force.ts'
import { tellAgainMs } from '../../../engine/activation/take-up-watch.ts'
import { tellTakeUp } from '../../../engine/activation/tell-take-up.ts'
import { runsAnswer } from '../../../engine/nodes/wire-packs.ts'
import { certificateName } from '../../../engine/proof/certificate.ts'
import { type Cluster, type Meta, StoreError } from '../../../engine/store/store.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import { recordOfFirst, twoPacks } from './two-packs.ts'

let first: CompiledPack
let second: CompiledPack
/** The installation's record as the store has it; null: none. */
let record: Cluster | null
/** Packs that the store keeps, by hash. */
let kept: Map<string, CompiledPack>
/** What the header of the partition says; null: nothing was committed. */
let header: Pick<Meta, 'activation' | 'pack'> | null
let isStoreAway: boolean
/** Shards that confirm nothing. */
let silent: readonly number[]
let compiling: (pack: CompiledPack) => CompiledPack
/** Virtual milliseconds, and what is to run when. */
let at: number
let due: { readonly at: number; readonly run: () => void }[]
let lines: { readonly level: string; readonly at: number; readonly text: string; readonly facts: object }[]

beforeAll(async () => {
  const packs = await twoPacks()
  first = compilePack(packs.first)
  second = compilePack(packs.second)
})
beforeEach(() => {
  record = recordOfFirst(first)
  kept = new Map([first, second].map((pack) => [pack.loaded.hash, pack]))
  header = null
  isStoreAway = false
  silent = []
  compiling = (pack) => pack
  ;[at, due, lines] = [0, [], []]
})

const timing = {
  elapsed: () => at,
  async sleep() {},
  soon() {},
  after(ms: number, run: () => void) {
    const one = { at: at + ms, run }
    due.push(one)
    return () => {
      due = due.filter((other) => other !== one)
    }
  },
}

/** Lets virtual time go by, and everything that a look does come to its end. */
async function passes(ms: number): Promise<void> {
  const until = at + ms
  for (;;) {
    const next = due.find((one) => one.at <= until && due.every((other) => other.at >= one.at))
    if (next === undefined) break
    due = due.filter((one) => one !== next)
    at = next.at
    next.run()
    // The next look is planned when this one is over.
    await expect.poll(() => due.length, { timeout: 20_000, interval: 1 }).toBeGreaterThan(0)
  }
  at = until
}

const storeOf = () => {
  const asked = () => {
    if (isStoreAway) throw new StoreError('store_unavailable', 'redis://10.0.0.1 refused for C-1', { retryable: true })
  }
  return {
    async cluster() {
      asked()
      return record
    },
    async putCluster(next: Cluster) {
      asked()
      record = next
      return true
    },
    async pack(hash: string) {
      asked()
      if (hash === certificateName(first.loaded.hash)) return '{}'
      const pack = kept.get(hash)
      return pack === undefined ? null : JSON.stringify(pack.loaded.model)
    },
    async meta(): Promise<Meta | null> {
      asked()
      return header === null ? null : { ...blankMeta, ...header }
    },
  }
}

const blankMeta: Meta = {
  ...{ token: '', addr: '', seq: 0, next: 0, appendTime: 0, clock: 0, pack: '', activation: 0, published: 0, dpos: 0 },
  ...{ adopting: null, begun: [], fill: null, accepted: 0, duplicates: 0, deadLettered: 0, decisions: 0 },
}

function follow() {
  const log = (level: string) => (facts: object, text: string) => void lines.push({ level, at, text, facts })
  let runs = [{ shard: 0, packHash: first.loaded.hash, activation: 0, since: 0 }]
  if (record === null) throw new Error('a node begins with a record')
  const store = storeOf()
  const node = new NodePacks({
    store,
    packs: {
      prepare: async () => silent,
      forget() {},
      async switchTo({ loaded }, { past }) {
        if (silent.length === 0) runs = [{ shard: 0, packHash: loaded.hash, activation: past.activations, since: 0 }]
        return { missing: silent, observedLater: {} }
      },
      get runs() {
        return runs
      },
    },
    watch: { prepare: () => [], switchTo() {} },
    inForce: new PackInForce(first, record),
    node: 'a',
    timing,
    now: () => 1_000_000 + at,
    compile: async ({ hash }) => compiling(hash === first.loaded.hash ? first : second),
    switchWithinMs: 1_000,
    onSwitched() {},
    onTakeUp: (news) => tellTakeUp({ error: log('error'), info: log('info') }, news),
  })
  const coordinator = new Coordinator({
    ...{ store, own: node, peers: null, others: async () => [], defineResources: async () => {}, onRecorded() {} },
    ...{ now: () => at, elapsed: () => at, prepareWithinMs: 1_000, switchWithinMs: 1_000 },
  })
  new PackFollower(node, timing).start()
  return { node, coordinator }
}

const named = (pack: CompiledPack): Cluster => {
  if (record === null) throw new Error('there is a record')
  return activatePack(record, { hash: pack.loaded.hash, layout: pack.layout }, 1)
}
const told = () => lines.map(({ level, at: when, facts }) => [level, when, Object(facts).reason])

test('a store that is away is told when that begins, once a minute while it lasts, and when it is over', async () => {
  const { node } = follow()
  await passes(10 * followEveryMs)
  expect(lines).toEqual([])
  isStoreAway = true
  await passes(2.5 * tellAgainMs)
  expect(told()).toEqual([
    ['error', 22_000, 'store_failed'],
    ['error', 22_000 + tellAgainMs, 'store_failed'],
    ['error', 22_000 + 2 * tellAgainMs, 'store_failed'],
  ])
  expect(node.trouble).toMatchObject({ reason: 'store_failed', since: 1_022_000 })
  isStoreAway = false
  await passes(followEveryMs)
  expect(lines.at(-1)).toMatchObject({ level: 'info', facts: { reason: 'store_failed', forMs: 150_000 } })
  expect(node.trouble).toBeNull()
  await passes(tellAgainMs)
  expect(lines.length).toBe(4)
  // What a store says of itself may name anybody.
  expect(JSON.stringify(lines)).not.toMatch(/C-1|10\.0\.0\.1/)
})

test('trouble that comes and goes is told once a minute, and every end that follows a beginning', async () => {
  follow()
  for (let look = 0; look < 120; look++) {
    isStoreAway = look % 2 === 0
    await passes(followEveryMs)
  }
  const errors = lines.filter(({ level }) => level === 'error')
  expect(errors.map((line) => line.at)).toEqual([2_000, 62_000, 122_000, 182_000])
  expect(lines.length - errors.length).toBe(errors.length)
})

test('a record that names a pack which is not kept is told by name, and another version can still be put in force', async () => {
  const { node, coordinator } = follow()
  record = named(second)
  kept.delete(second.loaded.hash)
  await passes(followEveryMs)
  expect(told()).toEqual([['error', 2_000, 'pack_not_kept']])
  expect(lines[0]?.text).toContain(`${second.loaded.hash.slice(0, 12)} of activation 1. Propose that version again`)
  expect(await coordinator.status()).toMatchObject({ failing: [{ node: 'a', reason: 'pack_not_kept' }] })
  // A colleague that is asked by another node answers instead of failing.
  expect(await node.takeUp()).toMatchObject({ trouble: { reason: 'pack_not_kept' } })
  expect(await coordinator.activate(first.loaded.hash)).toMatchObject({ kind: 'activated', activation: 2 })
  expect(lines.at(-1)).toMatchObject({ level: 'info' })
  expect(await coordinator.status()).toMatchObject({ failing: [] })
})

test('a pack that is kept again is taken up', async () => {
  const { node } = follow()
  record = named(second)
  kept.delete(second.loaded.hash)
  await passes(followEveryMs)
  kept.set(second.loaded.hash, second)
  await passes(followEveryMs)
  expect(lines.at(-1)).toMatchObject({ level: 'info', facts: { reason: 'pack_not_kept' } })
  expect(node.runs()).toMatchObject({ shards: [{ activation: 1 }], trouble: null })
})

test('a header that names a later activation than the record, of a pack that is not kept, is told', async () => {
  const { node } = follow()
  kept.delete(second.loaded.hash)
  header = { activation: 7, pack: second.loaded.hash }
  await passes(2 * followEveryMs)
  expect(told()).toEqual([['error', 2_000, 'pack_not_kept']])
  expect(lines[0]?.text).toContain('activation 7')
  header = null
  await passes(followEveryMs)
  expect(node.trouble).toBeNull()
})

test('a shard that does not confirm is told, as is a record that is gone and a pack that does not compile', async () => {
  const { node } = follow()
  silent = [0]
  record = named(second)
  await passes(3 * followEveryMs)
  silent = []
  await passes(followEveryMs)
  const next = named(first)
  record = null
  await passes(followEveryMs)
  record = next
  compiling = () => {
    throw new TypeError('a value of C-1')
  }
  await passes(followEveryMs)
  expect(told().map(([level, , reason]) => [level, reason])).toEqual([
    ['error', 'shard_behind'],
    ['info', 'shard_behind'],
    ['error', 'record_gone'],
    ['error', 'failed'],
  ])
  expect(JSON.stringify(lines)).not.toContain('C-1')
  expect(node.trouble).toMatchObject({ reason: 'failed' })
})

test('what nodes tell each other has the trouble, and an older release that says nothing of it is understood', async () => {
  const { node } = follow()
  isStoreAway = true
  await passes(followEveryMs)
  expect(runsAnswer.parse(JSON.parse(JSON.stringify(node.runs())))).toEqual(node.runs())
  const { trouble, ...older } = node.runs()
  expect(trouble).not.toBeNull()
  expect(runsAnswer.parse(older)).toMatchObject({ trouble: null })
})
