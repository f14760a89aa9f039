/** The contract of the store port as a suite that every adapter runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Cluster, type Store, type StoreWrite, storeFormat } from '../../engine/store/store.ts'
import {
  expectedDue,
  expectedOutbox,
  expectedStates,
  storedOutbox,
  storedStates,
  workloadCommit,
  zeroMeta,
} from './store-workload.ts'

/** How the suite gets at an adapter. */
export type StoreUnderTest = {
  /** A fresh, empty place for data. */
  makePlace(): Promise<string>
  /** Module that exports `openStore(place): Promise<Store>`; also loaded by processes that are killed. */
  readonly module: URL
  removePlace(place: string): Promise<void>
}

const cluster: Cluster = {
  format: storeFormat,
  partitions: 2,
  clock: 'wall',
  log: 'log',
  salt: 'salt',
  completeSince: 5,
  pack: 'pack',
  observedSince: { abc: 7 },
  activations: 2,
  added: { abc: { key: 'abd', activation: 2, filled: 0 } },
  backfill: { number: 3, series: ['abc'], until: 1_700_000_000_000, halt: 'asked' },
}

/** Registers the suite under a name. */
export function storeConformance(name: string, underTest: StoreUnderTest): void {
  describe(`${name} keeps the store contract`, () => {
    let place = ''
    let store: Store

    const openStore = async (): Promise<Store> => {
      const module: { openStore: (place: string) => Promise<Store> } = await import(underTest.module.href)
      return module.openStore(place)
    }
    const run = async (token: string, from: number, to: number): Promise<void> => {
      for (let seq = from + 1; seq <= to; seq++) {
        expect(await store.commit(0, workloadCommit(token, seq))).toEqual({ kind: 'applied' })
      }
    }

    beforeEach(async () => {
      place = await underTest.makePlace()
      store = await openStore()
      await store.putCluster(cluster, null)
      await store.create(0, zeroMeta)
      await store.create(1, zeroMeta)
    })
    afterEach(async () => {
      await store.close()
      await underTest.removePlace(place)
    })

    it('what was committed is there after it is opened again', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 60)
      await store.close()
      store = await openStore()
      expect(await store.meta(0)).toMatchObject({ token: 'token-a', seq: 60, next: 600, published: 55 })
      expect(await storedStates(store)).toEqual(expectedStates(60))
      expect(await storedOutbox(store, 0, 1_000)).toEqual(expectedOutbox(60))
      expect(await store.due(0, 100)).toEqual(expectedDue(60))
      expect(await store.cluster()).toEqual(cluster)
    })

    it('a stale token is fenced and writes nothing', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 3)
      expect(await store.acquire(0, 'token-b', '')).toMatchObject({ token: 'token-b', seq: 3 })
      expect(await store.commit(0, workloadCommit('token-a', 4))).toEqual({ kind: 'fenced' })
      expect(await store.meta(0)).toMatchObject({ token: 'token-b', seq: 3 })
      expect(await storedStates(store)).toEqual(expectedStates(3))
      await run('token-b', 3, 10)
      expect(await storedStates(store)).toEqual(expectedStates(10))
    })

    it('a wrong seq is told and writes nothing', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 5)
      expect(await store.commit(0, workloadCommit('token-a', 3))).toEqual({ kind: 'seq_mismatch', stored: 5 })
      expect(await store.commit(0, workloadCommit('token-a', 9))).toEqual({ kind: 'seq_mismatch', stored: 5 })
      expect(await storedStates(store)).toEqual(expectedStates(5))
      expect(await storedOutbox(store, 0, 1_000)).toEqual(expectedOutbox(5))
    })

    it('the repeat of an applied commit is applied and changes nothing', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 8)
      expect(await store.commit(0, workloadCommit('token-a', 8))).toEqual({ kind: 'applied' })
      expect(await storedStates(store)).toEqual(expectedStates(8))
    })

    it('an erased customer is gone with every patch, leaves a tombstone, and can be there anew', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 12)
      const rest = { token: 'token-a', meta: zeroMeta, due: [], outbox: null, trim: 0, notAfter: null }
      const erase: StoreWrite = { kind: 'erase', customerId: 'C7', at: 1_700_000_000_123, tombstone: 'ab'.repeat(16) }
      expect((await store.load(0, ['C7']))[0]).not.toBeNull()
      expect(await store.commit(0, { ...rest, from: 12, to: 13, writes: [erase] })).toEqual({ kind: 'applied' })
      expect(await store.load(0, ['C7'])).toEqual([null])
      await store.close()
      store = await openStore()
      expect(await store.load(0, ['C7'])).toEqual([null])
      expect(await store.tombstones(0, 0)).toEqual(new Map([['ab'.repeat(16), 1_700_000_000_123]]))
      expect(await store.tombstones(1, 0)).toEqual(new Map())
      const patch: StoreWrite = { kind: 'patch', customerId: 'C7', index: 0, bytes: Buffer.from('new') }
      await store.commit(0, { ...rest, from: 13, to: 14, writes: [patch] })
      expect((await store.load(0, ['C7']))[0]?.patches.map((bytes) => Buffer.from(bytes).toString())).toEqual(['new'])
      expect(await store.tombstones(0, 1_700_000_000_124)).toEqual(new Map())
      expect(await store.tombstones(0, 0)).toEqual(new Map())
    })

    it('partitions do not see each other', async () => {
      await store.acquire(0, 'token-a', '')
      await store.acquire(1, 'token-b', '')
      await run('token-a', 0, 8)
      const other = await store.load(1, ['C0', 'C1'])
      expect(other).toEqual([null, null])
      expect(await store.outbox(1, 0, 1_000)).toEqual([])
      expect(await store.meta(1)).toMatchObject({ seq: 0, token: 'token-b' })
    })

    it('commits of several partitions may overlap', async () => {
      await store.acquire(0, 'token-a', '')
      await store.acquire(1, 'token-b', '')
      for (let seq = 1; seq <= 40; seq++) {
        const replies = await Promise.all([
          store.commit(0, workloadCommit('token-a', seq)),
          store.commit(1, workloadCommit('token-b', seq)),
        ])
        expect(replies).toEqual([{ kind: 'applied' }, { kind: 'applied' }])
      }
      expect(await storedStates(store)).toEqual(expectedStates(40))
    })

    it('a batch of 256 states is one commit', async () => {
      await store.acquire(0, 'token-a', '')
      const writes: StoreWrite[] = Array.from({ length: 256 }, (_, i) => ({
        kind: 'base',
        customerId: `customer-${i}`.padEnd(64, 'x'),
        bytes: new Uint8Array(2_000).fill(i),
        patches: 0,
      }))
      const commit = {
        token: 'token-a',
        from: 0,
        to: 1,
        meta: zeroMeta,
        writes,
        due: [],
        outbox: new Uint8Array(400_000),
        trim: 0,
        notAfter: null,
      }
      expect(await store.commit(0, commit)).toEqual({ kind: 'applied' })
      const loaded = await store.load(
        0,
        writes.map((write) => write.customerId),
      )
      loaded.forEach((stored, i) => {
        expect(stored?.base?.length).toBe(2_000)
        expect(stored?.base?.[1_999]).toBe(i)
      })
    })

    it('outbox values come in order, leave when trimmed and can be read again until then', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 30)
      expect(await storedOutbox(store, 26, 29)).toEqual(['28 out 28', '29 out 29'])
      expect(await storedOutbox(store, 26, 29)).toEqual(['28 out 28', '29 out 29'])
      expect(await storedOutbox(store, 0, 25)).toEqual([])
    })

    it('a missing header is never created anew', async () => {
      expect(await store.acquire(7, 'token-a', '')).toBeNull()
      expect(await store.meta(7)).toBeNull()
      expect(await store.commit(7, workloadCommit('token-a', 1))).toEqual({ kind: 'fenced' })
      expect(await store.meta(7)).toBeNull()
    })

    it('a customer that was never stored is told apart from one with an empty history', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 1)
      const [unknown] = await store.load(0, ['nobody'])
      expect(unknown).toBeNull()
    })

    it('packs are kept by hash', async () => {
      await store.putPack('h1', '{"a":1}')
      await store.putPack('h2', '{"b":2}')
      expect(await store.pack('h1')).toBe('{"a":1}')
      expect(await store.pack('h3')).toBeNull()
    })

    it('another partition count is refused', async () => {
      await expect(store.putCluster({ ...cluster, partitions: 3 }, cluster)).rejects.toMatchObject({
        code: 'partitions_changed',
      })
      expect(await store.cluster()).toEqual(cluster)
    })

    it('the record of the installation is written only in place of the one that was read', async () => {
      const next = { ...cluster, pack: 'next' }
      expect(await store.putCluster(next, null)).toBe(false)
      expect(await store.putCluster(next, { ...cluster, pack: 'another' })).toBe(false)
      expect(await store.cluster()).toEqual(cluster)
      expect(await store.putCluster(next, cluster)).toBe(true)
      expect(await store.cluster()).toEqual(next)
    })

    it('of several that write the record of the installation at the same moment one does', async () => {
      const packs = ['a', 'b', 'c', 'd', 'e']
      const written = await Promise.all(packs.map((pack) => store.putCluster({ ...cluster, pack }, cluster)))
      expect(written.filter((one) => one)).toHaveLength(1)
      expect((await store.cluster())?.pack).toBe(packs[written.indexOf(true)])
    })

    it('a header that is there is not created again', async () => {
      await store.acquire(0, 'token-a', 'node:1')
      await run('token-a', 0, 3)
      await store.create(0, zeroMeta)
      expect(await store.meta(0)).toMatchObject({ token: 'token-a', addr: 'node:1', seq: 3 })
    })

    it('the address of the owner stays through its commits and goes when it lets go, with nothing else', async () => {
      await store.acquire(0, 'token-a', 'node-a:1')
      await run('token-a', 0, 2)
      await store.release(0, 'somebody-else')
      expect(await store.meta(0)).toMatchObject({ addr: 'node-a:1' })
      await store.release(0, 'token-a')
      expect(await store.meta(0)).toMatchObject({ addr: '', token: 'token-a', seq: 2, next: 20 })
      expect(await store.acquire(0, 'token-b', 'node-b:2')).toMatchObject({ addr: 'node-b:2', seq: 2 })
      await run('token-b', 2, 4)
      expect(await store.meta(0)).toMatchObject({ addr: 'node-b:2', seq: 4 })
    })

    it('commit numbers may jump, and an adoption under way is kept', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 3)
      const jump = { ...workloadCommit('token-a', 4), to: 1_203 }
      const meta = { ...jump.meta, adopting: { from: 3, to: 203 }, dpos: 17 }
      expect(await store.commit(0, { ...jump, meta })).toEqual({ kind: 'applied' })
      expect(await store.meta(0)).toMatchObject({ seq: 1_203, adopting: { from: 3, to: 203 }, dpos: 17 })
      expect(await store.commit(0, { ...jump, meta })).toEqual({ kind: 'applied' })
      expect(await store.commit(0, workloadCommit('token-a', 4))).toEqual({ kind: 'seq_mismatch', stored: 1_203 })
    })

    it('where added series begin and how far they are filled is stored with the commit, and stays behind it', async () => {
      await store.acquire(0, 'token-a', '')
      const fill = { number: 3, from: 4, at: 9, isDone: false, since: 1_700_000_000_123 }
      const begun = [
        { activation: 1, at: 40 },
        { activation: 2, at: 70 },
      ]
      const first = workloadCommit('token-a', 1)
      await store.commit(0, { ...first, meta: { ...first.meta, begun, fill } })
      await store.close()
      store = await openStore()
      expect(await store.acquire(0, 'token-b', '')).toMatchObject({ begun, fill })
      expect(await store.meta(1)).toMatchObject({ begun: [], fill: null })
      await store.commit(0, workloadCommit('token-b', 2))
      expect(await store.meta(0)).toMatchObject({ begun: [], fill: null })
    })

    it('a process killed at any moment leaves whole commits and none that was applied is missing', async () => {
      await store.close()
      let last = 0
      for (let round = 0; round < 8; round++) {
        const applied = await killAfter(40 + round * 23)
        expect(applied).toBeGreaterThanOrEqual(last)
        store = await openStore()
        const meta = await store.meta(0)
        expect(meta?.seq).toBeGreaterThanOrEqual(applied)
        expect(meta?.seq).toBeLessThanOrEqual(applied + 1)
        expect(await storedStates(store)).toEqual(expectedStates(meta?.seq ?? 0))
        expect(await storedOutbox(store, 0, 1_000_000)).toEqual(expectedOutbox(meta?.seq ?? 0))
        expect(await store.due(0, 100)).toEqual(expectedDue(meta?.seq ?? 0))
        last = meta?.seq ?? 0
        await store.close()
      }
      expect(last).toBeGreaterThan(8)
      store = await openStore()
    }, 30_000)

    /** Runs the child, kills it that long after it has taken the partition; the highest seq it told applied. */
    async function killAfter(ms: number): Promise<number> {
      const script = fileURLToPath(new URL('./store-child.ts', import.meta.url))
      const child = spawn(process.execPath, [script, underTest.module.href, place], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(child, 'exit')
      let text = ''
      await new Promise<void>((resolve) => {
        child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          if (text.includes('\n')) resolve()
        })
        child.on('exit', () => resolve())
      })
      await new Promise((resolve) => setTimeout(resolve, ms))
      child.kill('SIGKILL')
      await exited
      const lines = text.slice(0, text.lastIndexOf('\n')).split('\n')
      return Number(lines.at(-1)?.replace('acquired ', '') ?? 0)
    }
  })
}
