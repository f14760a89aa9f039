import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Write } from '../../../engine/state/states.ts'
import { openLmdbStore } from '../../../engine/store/lmdb-store.ts'
import { type Store, storeFormat } from '../../../engine/store/store.ts'
import { type StoreUnderTest, storeConformance } from '../../conformance/store.ts'
import { storeDue } from '../../conformance/store-due.ts'
import { storeFaults } from '../../conformance/store-faults.ts'
import { zeroMeta } from '../../conformance/store-workload.ts'

const underTest: StoreUnderTest = {
  makePlace: () => mkdtemp(join(tmpdir(), 'proffer-store-')),
  module: new URL('./lmdb-under-test.ts', import.meta.url),
  removePlace: (place) => rm(place, { recursive: true, force: true }),
}
storeConformance('the LMDB store', underTest)
storeFaults('the LMDB store', underTest)
storeDue('the LMDB store', underTest)

describe('the LMDB store', () => {
  let dir = ''
  let store: Store | null = null
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-store-'))
  })
  afterEach(async () => {
    await store?.close()
    await rm(dir, { recursive: true, force: true })
  })

  const bigCommit = (from: number): { writes: Write[] } & Parameters<Store['commit']>[1] => ({
    token: 'token',
    from,
    to: from + 1,
    meta: zeroMeta,
    writes: [{ kind: 'base', customerId: `C${from}`, bytes: new Uint8Array(50_000).fill(from), patches: 0 }],
    due: [],
    outbox: null,
    trim: 0,
    notAfter: null,
  })

  it('data of another format are refused with a sentence', async () => {
    const root = open<Uint8Array, Buffer>({
      path: dir,
      keyEncoding: 'binary',
      encoding: 'binary',
      overlappingSync: false,
    })
    const fixed = root.openDB<Uint8Array, Buffer>({ name: 'fixed', keyEncoding: 'binary', encoding: 'binary' })
    await fixed.put(Buffer.from('cluster'), Buffer.from(JSON.stringify({ format: storeFormat + 1, partitions: 8 })))
    await root.close()
    expect(() => openLmdbStore({ dir })).toThrow(/format/)
    try {
      openLmdbStore({ dir })
    } catch (error) {
      expect(error).toMatchObject({ code: 'format_unsupported', retryable: false })
    }
  })

  it('a full store refuses commits, loses nothing, and works again with more room', async () => {
    store = openLmdbStore({ dir, mapSizeBytes: 2_000_000 })
    await store.create(0, zeroMeta)
    await store.acquire(0, 'token', '')
    let seq = 0
    let failure: unknown = null
    while (failure === null && seq < 100) {
      try {
        await store.commit(0, bigCommit(seq))
        seq++
      } catch (error) {
        failure = error
      }
    }
    expect(failure).toMatchObject({ code: 'store_full', retryable: true })
    expect(seq).toBeGreaterThan(10)
    expect(await store.meta(0)).toMatchObject({ seq })
    await store.close()
    store = openLmdbStore({ dir, mapSizeBytes: 20_000_000 })
    await store.acquire(0, 'token', '')
    expect(await store.commit(0, bigCommit(seq))).toEqual({ kind: 'applied' })
    const loaded = await store.load(0, ['C0', `C${seq}`, `C${seq + 1}`])
    expect(loaded.map((stored) => stored?.base?.[0] ?? null)).toEqual([0, seq, null])
  })

  it('another instance that took the partition is seen at the next load', async () => {
    store = openLmdbStore({ dir, journalBytes: 10_000 })
    await store.create(0, zeroMeta)
    await store.acquire(0, 'first', '')
    const patch = (token: string, from: number): Parameters<Store['commit']>[1] => ({
      token,
      from,
      to: from + 1,
      meta: zeroMeta,
      writes: [{ kind: 'patch', customerId: 'C', index: from, bytes: Buffer.from(`p${from}`) }],
      due: [],
      outbox: null,
      trim: 0,
      notAfter: null,
    })
    await store.commit(0, patch('first', 0))
    const other = openLmdbStore({ dir, journalBytes: 10_000 })
    await other.acquire(0, 'second', '')
    await other.commit(0, patch('second', 1))
    const [stored] = await store.load(0, ['C'])
    expect(stored?.patches.map((bytes) => Buffer.from(bytes).toString())).toEqual(['p0', 'p1'])
    expect(await store.commit(0, patch('first', 1))).toEqual({ kind: 'fenced' })
    await other.close()
  })
})
