/** The due index of the store port: what is due next, in order, changed with the commits and by nothing else. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Due } from '../../engine/state/states.ts'
import type { Commit, Store, StoreWrite } from '../../engine/store/store.ts'
import type { StoreUnderTest } from './store.ts'
import { zeroMeta } from './store-workload.ts'

/** Registers the suite under a name. */
export function storeDue(name: string, underTest: StoreUnderTest): void {
  describe(`${name} knows what is due next`, () => {
    let place = ''
    let store: Store

    const openStore = async (): Promise<Store> => {
      const module: { openStore: (place: string) => Promise<Store> } = await import(underTest.module.href)
      return module.openStore(place)
    }
    const commitOf = (seq: number, due: readonly Due[], writes: readonly StoreWrite[] = []): Commit => {
      const rest = { meta: zeroMeta, outbox: null, trim: 0, notAfter: null }
      return { ...rest, token: 'token', from: seq - 1, to: seq, writes, due }
    }
    const entry = (customerId: string, at: number): Due => ({ customerId, at })
    const patch = (customerId: string): StoreWrite => {
      return { kind: 'patch', customerId, index: 0, bytes: Buffer.from('more') }
    }
    const erase = (customerId: string): StoreWrite => ({
      kind: 'erase',
      customerId,
      at: 7,
      tombstone: `t-${customerId}`,
    })

    beforeEach(async () => {
      place = await underTest.makePlace()
      store = await openStore()
      for (const partition of [0, 1]) {
        await store.create(partition, zeroMeta)
        await store.acquire(partition, 'token', '')
      }
    })
    afterEach(async () => {
      await store.close()
      await underTest.removePlace(place)
    })

    it('by instant and then by id, whatever the order of the commits, also after it is opened again', async () => {
      const late = Number.MAX_SAFE_INTEGER
      await store.commit(0, commitOf(1, [entry('b', 300), entry('C', 300), entry('a', 1_700_000_000_001)]))
      await store.commit(0, commitOf(2, [entry('last', late), entry('z', 299), entry('a:{x}', 300), entry('first', 1)]))
      const expected = [
        entry('first', 1),
        entry('z', 299),
        entry('C', 300),
        entry('a:{x}', 300),
        entry('b', 300),
        entry('a', 1_700_000_000_001),
        entry('last', late),
      ]
      expect(await store.due(0, 100)).toEqual(expected)
      await store.close()
      store = await openStore()
      expect(await store.due(0, 100)).toEqual(expected)
    })

    it('gives as many as it is asked for, and none of another partition', async () => {
      const many = Array.from({ length: 4_096 }, (_, i) => entry(`C${i}`, 10_000 - i))
      await store.commit(0, commitOf(1, many))
      await store.commit(1, commitOf(1, [entry('other', 5)]))
      const sorted = many.toReversed()
      for (const limit of [0, 1, 2, 64, 4_096]) expect(await store.due(0, limit)).toEqual(sorted.slice(0, limit))
      expect(await store.due(1, 10)).toEqual([entry('other', 5)])
      await expect(store.due(0, 4_097)).rejects.toThrow('bounded')
      await expect(store.due(0, -1)).rejects.toThrow('bounded')
    })

    it('moves the one entry of a customer, and removes it at 0; the last word of a commit counts', async () => {
      await store.commit(0, commitOf(1, [entry('a', 10), entry('b', 20), entry('c', 30)]))
      await store.commit(0, commitOf(2, [entry('a', 25)]))
      expect(await store.due(0, 10)).toEqual([entry('b', 20), entry('a', 25), entry('c', 30)])
      await store.commit(0, commitOf(3, [entry('b', 0), entry('nobody', 0), entry('a', 25), entry('c', 5)]))
      expect(await store.due(0, 10)).toEqual([entry('c', 5), entry('a', 25)])
      await store.commit(0, commitOf(4, [entry('a', 40), entry('a', 0), entry('c', 0), entry('c', 50), entry('c', 60)]))
      expect(await store.due(0, 10)).toEqual([entry('c', 60)])
      await store.commit(0, commitOf(5, [entry('c', 0)]))
      expect(await store.due(0, 10)).toEqual([])
      await store.commit(0, commitOf(6, [entry('c', 1)]))
      expect(await store.due(0, 10)).toEqual([entry('c', 1)])
    })

    it('keeps nothing of an erased customer, whatever the commit says, and knows one that comes anew', async () => {
      await store.commit(0, commitOf(1, [entry('a', 10), entry('b', 20), entry('c', 30)], [patch('a'), patch('b')]))
      await store.commit(0, commitOf(2, [], [erase('a')]))
      expect(await store.due(0, 10)).toEqual([entry('b', 20), entry('c', 30)])
      await store.commit(0, commitOf(3, [entry('b', 5), entry('d', 40)], [erase('b'), patch('c'), erase('d')]))
      expect(await store.due(0, 10)).toEqual([entry('c', 30)])
      await store.close()
      store = await openStore()
      expect(await store.due(0, 10)).toEqual([entry('c', 30)])
      await store.commit(0, commitOf(4, [entry('a', 50)], [patch('a')]))
      expect(await store.due(0, 10)).toEqual([entry('c', 30), entry('a', 50)])
    })

    it('changes with its commit or not at all', async () => {
      await store.commit(0, commitOf(1, [entry('a', 10)], [patch('a')]))
      const other = { ...commitOf(2, [entry('a', 99), entry('b', 1)], [patch('b')]), token: 'another' }
      expect(await store.commit(0, other)).toEqual({ kind: 'fenced' })
      const early = commitOf(9, [entry('a', 0)], [erase('a')])
      expect(await store.commit(0, early)).toEqual({ kind: 'seq_mismatch', stored: 1 })
      expect(await store.due(0, 10)).toEqual([entry('a', 10)])
      expect((await store.load(0, ['b']))[0]).toBeNull()
    })

    it('stays as it is when an applied commit is repeated, and when an old one arrives late', async () => {
      const first = commitOf(1, [entry('a', 10), entry('b', 20)])
      const second = commitOf(2, [entry('a', 0), entry('b', 30)])
      for (const commit of [first, second, second]) {
        expect(await store.commit(0, commit)).toEqual({ kind: 'applied' })
        if (commit === second) expect(await store.due(0, 10)).toEqual([entry('b', 30)])
      }
      expect(await store.commit(0, first)).toEqual({ kind: 'seq_mismatch', stored: 2 })
      expect(await store.due(0, 10)).toEqual([entry('b', 30)])
    })

    it('is that of the owner before for the owner after, and a fenced one changes nothing in it', async () => {
      await store.commit(0, commitOf(1, [entry('a', 10), entry('b', 20)]))
      const other = await openStore()
      await other.acquire(0, 'token-b', '')
      expect(await other.due(0, 10)).toEqual([entry('a', 10), entry('b', 20)])
      const move = commitOf(2, [entry('a', 30)])
      expect(await other.commit(0, { ...move, token: 'token-b' })).toEqual({ kind: 'applied' })
      expect(await store.commit(0, commitOf(2, [entry('b', 1)]))).toEqual({ kind: 'fenced' })
      expect(await store.due(0, 10)).toEqual([entry('b', 20), entry('a', 30)])
      await other.close()
    })

    it('takes no entry that it could not give back', async () => {
      for (const at of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
        await expect(store.commit(0, commitOf(1, [entry('a', at)]))).rejects.toThrow('due is at an instant')
      }
      await expect(store.commit(0, commitOf(1, [entry('', 5)]))).rejects.toThrow('customer id')
      const many = Array.from({ length: 4_097 }, (_, i) => entry(`C${i}`, 1))
      await expect(store.commit(0, commitOf(1, many))).rejects.toThrow('bounded')
      expect(await store.due(0, 10)).toEqual([])
    })
  })
}
