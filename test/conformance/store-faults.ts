/** The scripts of faults of the store port: what must hold when owners change, replies are lost and processes die. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Commit, Store } from '../../engine/store/store.ts'
import { dumpPartition } from './partition-dump.ts'
import type { StoreUnderTest } from './store.ts'
import {
  expectedDue,
  expectedOutbox,
  expectedStates,
  storedOutbox,
  storedStates,
  workloadCommit,
  zeroMeta,
} from './store-workload.ts'

const customers = Array.from({ length: 20 }, (_, i) => `C${i}`)

/** Registers the suite under a name. */
export function storeFaults(name: string, underTest: StoreUnderTest): void {
  describe(`${name} under faults`, () => {
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
    const dump = () => dumpPartition(store, 0, customers)
    const expectWhole = async (seq: number): Promise<void> => {
      expect(await store.meta(0)).toMatchObject({ seq })
      expect(await storedStates(store)).toEqual(expectedStates(seq))
      expect(await storedOutbox(store, 0, 1_000)).toEqual(expectedOutbox(seq))
      expect(await store.due(0, 100)).toEqual(expectedDue(seq))
    }

    beforeEach(async () => {
      place = await underTest.makePlace()
      store = await openStore()
      await store.create(0, zeroMeta)
    })
    afterEach(async () => {
      await store.close()
      await underTest.removePlace(place)
    })

    it('a refused commit leaves every byte as it was', async () => {
      await store.acquire(0, 'token-a', 'node:1')
      await run('token-a', 0, 20)
      const before = await dump()
      expect(await store.commit(0, workloadCommit('another', 21))).toEqual({ kind: 'fenced' })
      for (const seq of [1, 19, 22, 1_000]) {
        expect(await store.commit(0, workloadCommit('token-a', seq))).toEqual({ kind: 'seq_mismatch', stored: 20 })
      }
      expect(await store.commit(0, workloadCommit('token-a', 20))).toEqual({ kind: 'applied' })
      expect(await dump()).toEqual(before)
    })

    it('an owner that was replaced is fenced, also when it repeats its last applied commit', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 7)
      const other = await openStore()
      expect(await other.acquire(0, 'token-b', '')).toMatchObject({ seq: 7 })
      expect(await store.commit(0, workloadCommit('token-a', 7))).toEqual({ kind: 'fenced' })
      expect(await store.commit(0, workloadCommit('token-a', 8))).toEqual({ kind: 'fenced' })
      expect(await other.commit(0, workloadCommit('token-b', 8))).toEqual({ kind: 'applied' })
      expect(await store.commit(0, workloadCommit('token-a', 8))).toEqual({ kind: 'fenced' })
      await other.close()
      await store.close()
      store = await openStore()
      await expectWhole(8)
    })

    it('a commit whose reply was lost is applied once, also when a fresh process sends it again', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 12)
      await store.close()
      store = await openStore()
      expect(await store.commit(0, workloadCommit('token-a', 12))).toEqual({ kind: 'applied' })
      await expectWhole(12)
      await run('token-a', 12, 15)
      await expectWhole(15)
    })

    it('an old commit that arrives late, between commits of the same offset, is refused', async () => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 4)
      // Commits of requests alone: the offset stays, each is based on the one before.
      const same = (seq: number): Commit => {
        const commit = workloadCommit('token-a', seq)
        return { ...commit, meta: { ...commit.meta, next: 40 } }
      }
      for (const seq of [5, 6, 7]) expect(await store.commit(0, same(seq))).toEqual({ kind: 'applied' })
      const before = await dump()
      expect(await store.commit(0, same(5))).toEqual({ kind: 'seq_mismatch', stored: 7 })
      expect(await store.commit(0, same(6))).toEqual({ kind: 'seq_mismatch', stored: 7 })
      expect(await dump()).toEqual(before)
      expect(await store.commit(0, same(8))).toEqual({ kind: 'applied' })
    })

    it('a partition without a header gives no states: its customers would look new', async () => {
      await expect(store.load(9, ['C0'])).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
      await expect(store.due(9, 10)).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
      expect(await store.acquire(9, 'token-a', '')).toBeNull()
      expect(await store.commit(9, workloadCommit('token-a', 1))).toEqual({ kind: 'fenced' })
      await expect(store.load(9, ['C0'])).rejects.toMatchObject({ code: 'state_corrupt' })
    })

    it('an outbox is trimmed by a later owner as by the one that wrote it', async () => {
      await store.acquire(0, 'token-a', '')
      for (let seq = 1; seq <= 40; seq++) {
        const commit = { ...workloadCommit('token-a', seq), outbox: Buffer.alloc(3_000, seq), trim: 0 }
        expect(await store.commit(0, commit)).toEqual({ kind: 'applied' })
      }
      await store.close()
      store = await openStore()
      await store.acquire(0, 'token-b', '')
      const seqs = async () => (await store.outbox(0, 0, 1_000)).map(({ seq }) => seq)
      expect(await seqs()).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
      expect(await store.commit(0, { ...workloadCommit('token-b', 41), trim: 38 })).toEqual({ kind: 'applied' })
      expect(await seqs()).toEqual([39, 40, 41])
      const jump = { ...workloadCommit('token-b', 42), to: 5_000, trim: 41 }
      expect(await store.commit(0, jump)).toEqual({ kind: 'applied' })
      expect(await seqs()).toEqual(jump.outbox === null ? [] : [5_000])
    })

    it('a repeat does nothing, and what it would have trimmed is trimmed by the next commit', async () => {
      await store.acquire(0, 'token-a', '')
      const keeping = (seq: number, trim: number): Commit => ({
        ...workloadCommit('token-a', seq),
        outbox: Buffer.from(`out ${seq}`),
        trim,
      })
      for (const seq of [1, 2, 3]) expect(await store.commit(0, keeping(seq, 0))).toEqual({ kind: 'applied' })
      expect(await store.commit(0, keeping(3, 2))).toEqual({ kind: 'applied' })
      expect(await storedOutbox(store, 0, 10)).toEqual(['1 out 1', '2 out 2', '3 out 3'])
      expect(await store.commit(0, keeping(4, 2))).toEqual({ kind: 'applied' })
      expect(await storedOutbox(store, 0, 10)).toEqual(['3 out 3', '4 out 4'])
    })

    it.each([
      ['before it was sent', 'before', [6]],
      ['after it was sent', 'sent', [6, 7]],
      ['after it was applied and before anyone heard', 'after', [7]],
    ])('a process killed in a commit, %s, leaves the commit whole or not begun', async (_, moment, possible) => {
      await store.acquire(0, 'token-a', '')
      await run('token-a', 0, 6)
      await store.close()
      const token = await crash(moment, 7)
      store = await openStore()
      const seq = (await store.meta(0))?.seq ?? -1
      expect(possible).toContain(seq)
      await expectWhole(seq)
      // Whoever comes next sends the same commit again and meets one effect.
      expect(await store.commit(0, workloadCommit(token, 7))).toEqual({ kind: 'applied' })
      await expectWhole(7)
    })

    /** Lets a process die at a moment of a commit; its token. */
    async function crash(moment: string, seq: number): Promise<string> {
      const script = fileURLToPath(new URL('./store-crash-child.ts', import.meta.url))
      const args = [script, underTest.module.href, place, moment, String(seq)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      const [, signal] = await once(child, 'close')
      expect(signal).toBe('SIGKILL')
      return said.trim()
    }
  })
}
