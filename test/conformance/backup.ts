/** What a backup promises, as a suite over every kind of store: taken under load, put into another place, compared. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRedisIdentityMap } from '../../engine/identity/redis-identity-map.ts'
import { aliasSecret } from '../../engine/nodes/node-key.ts'
import { tombstoneOf } from '../../engine/shard/tombstone.ts'
import type { EmbeddedFolders } from '../../engine/store/backup/backup-source.ts'
import { openBackupSource } from '../../engine/store/backup/open-backup-source.ts'
import { openRestoreTarget } from '../../engine/store/backup/open-restore-target.ts'
import { restoreBackup } from '../../engine/store/backup/restore-backup.ts'
import { type SoundBackup, verifyBackup } from '../../engine/store/backup/verify-backup.ts'
import { writeBackup } from '../../engine/store/backup/write-backup.ts'
import { initStore } from '../../engine/store/init-store.ts'
import { openLmdbResources } from '../../engine/store/lmdb-resources.ts'
import { openStore, type StorePlace } from '../../engine/store/open-store.ts'
import { openRedisResources } from '../../engine/store/redis/redis-resources.ts'
import type { Resources } from '../../engine/store/resource.ts'
import type { Store } from '../../engine/store/store.ts'
import { createAliasSeal } from '../../ingest/identity/alias-seal.ts'
import type { IdentityMap } from '../../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../../ingest/identity/lmdb-identity-map.ts'
import { loadCluster, type StoreLoad, startLoad } from './store-load.ts'
import { modelAt, storedPartition } from './store-model.ts'
import { zeroMeta } from './store-workload.ts'

/** How the suite gets at a kind of store. */
export type BackupUnderTest = {
  start(): Promise<void>
  stop(): Promise<void>
  /** A fresh, empty place; `dir` is a folder of its own. */
  makePlace(dir: string): StorePlace
}

const seeds = (process.env['SEEDS'] ?? '1,2,3').split(',').map(Number)
const never = new AbortController().signal
const quiet = { onProgress: () => {}, signal: never }

/**
 * Backs a place up.
 * @param more `pauseMs`: it takes its time behind each piece, as that of a large store does
 */
export async function backUp(place: StorePlace, dir: string, more: { readonly pauseMs?: number } = {}): Promise<void> {
  const { pauseMs = 0 } = more
  const source = await openBackupSource(place, foldersBeside(place))
  const sections = source.sections.map((section) => ({
    ...section,
    records: async function* () {
      for await (const piece of section.records()) {
        yield piece
        if (pauseMs > 0) await sleep(pauseMs)
      }
    },
  }))
  try {
    await writeBackup(
      { ...source, sections },
      {
        dir,
        secret: null,
        release: 'test',
        now: () => Date.now(),
        ...quiet,
      },
    )
  } finally {
    await source.close()
  }
}

/** A backup that has to be whole. */
export async function soundBackup(dir: string, secret: string | null = null): Promise<SoundBackup> {
  const verified = await verifyBackup(dir, secret, quiet)
  if (verified.kind === 'refused') throw new Error(verified.reason)
  return verified.backup
}

/** Where what is embedded beside a store lies in these tests. */
export function foldersBeside(place: StorePlace): EmbeddedFolders {
  const dir = place.kind === 'lmdb' ? place.dir : ''
  return { resourcesDir: `${dir}-resources`, identityDir: `${dir}-identity` }
}

const mapSeal = createAliasSeal(aliasSecret(loadCluster.salt))

async function openResources(place: StorePlace): Promise<Resources> {
  if (place.kind === 'redis') return openRedisResources(place)
  return openLmdbResources({ dir: foldersBeside(place).resourcesDir })
}

async function openMap(place: StorePlace): Promise<IdentityMap> {
  if (place.kind === 'redis') return openRedisIdentityMap({ ...place, seal: mapSeal })
  return openLmdbIdentityMap({ dir: foldersBeside(place).identityDir, seal: mapSeal, now: () => Date.now() })
}

/** Puts a backup into a place, whatever is there. */
export async function putBack(
  backup: SoundBackup,
  place: StorePlace,
  catchUp: (identities: IdentityMap) => Promise<void> = async () => {},
): Promise<void> {
  const { salt } = backup.cluster
  const target = await openRestoreTarget(place, { ...foldersBeside(place), salt, now: () => Date.now() })
  try {
    await restoreBackup(backup, target, { ...quiet, catchUp })
  } finally {
    await target.close()
  }
}

/** Registers the suite under a name. */
export function backupConformance(name: string, underTest: BackupUnderTest): void {
  describe(`a backup of ${name}`, () => {
    let dir = ''
    let place: StorePlace
    let store: Store
    beforeAll(() => underTest.start())
    afterAll(() => underTest.stop())
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'proffer-backup-'))
      place = underTest.makePlace(join(dir, 'store'))
      store = openStore(place)
    })
    afterEach(async () => {
      await store.close()
      await rm(dir, { recursive: true, force: true })
    })

    /** Compares every partition of a store with the model at the seq that the backup says. */
    const compare = async (load: StoreLoad, backup: SoundBackup, other: Store): Promise<void> => {
      for (const { partition, seq } of backup.manifest.partitions) {
        const commits = load.commits[partition] ?? []
        const model = modelAt(commits, seq, zeroMeta)
        const { outbox, owner, ...found } = await storedPartition(other, partition, load.customers(partition))
        const { outbox: expected, ...rest } = model
        expect(found).toEqual(rest)
        expect(owner).toBe('')
        const published = commits.at(-1)?.trim ?? 0
        for (const [of, value] of outbox) expect(value).toBe(expected.get(of))
        for (const [of, value] of expected) if (of > published) expect(outbox.get(of)).toBe(value)
      }
      expect(await other.cluster()).toEqual(loadCluster)
      expect([await other.pack('pack'), await other.pack('older')]).toEqual(['{"name":"bank"}', '{}'])
    }

    it.each(seeds)(
      'is every partition as it was behind one commit, taken under load (seed %i)',
      async (seed) => {
        const load = await startLoad(store, seed)
        const before = load.commits.map((some) => some.length)
        await backUp(place, join(dir, 'backup'), { pauseMs: 3 })
        const after = load.commits.map((some) => some.length)
        await load.stop()
        const backup = await soundBackup(join(dir, 'backup'))
        // The load went on meanwhile, and the moments lie within.
        backup.manifest.partitions.forEach(({ seq }, p) => {
          expect(seq).toBeGreaterThanOrEqual(before[p] ?? 0)
          expect(seq).toBeLessThanOrEqual((after[p] ?? 0) + 1)
        })
        expect(Math.min(...after.map((count, p) => count - (before[p] ?? 0)))).toBeGreaterThan(5)

        const otherPlace = underTest.makePlace(join(dir, 'other'))
        await putBack(backup, otherPlace)
        const other = openStore(otherPlace)
        try {
          await compare(load, backup, other)
          // It can be owned, and goes on from the seq that it has.
          const { seq = 0 } = (await other.acquire(0, 'next', 'node:2')) ?? {}
          const commit = {
            token: 'next',
            from: seq,
            to: seq + 1_000,
            meta: zeroMeta,
            writes: [],
            due: [],
            outbox: null,
            trim: 0,
            notAfter: null,
          }
          expect(await other.commit(0, commit)).toEqual({ kind: 'applied' })
        } finally {
          await other.close()
        }
      },
      60_000,
    )

    it('replaces whatever a store holds, a customer that is not in it included', async () => {
      const load = await startLoad(store, 7)
      await backUp(place, join(dir, 'backup'))
      await load.stop()
      await store.close()
      const backup = await soundBackup(join(dir, 'backup'))
      await putBack(backup, place)
      store = openStore(place)
      await compare(load, backup, store)
    }, 60_000)

    it('holds what is reserved and confirmed, with the capacity that counts', async () => {
      await (await startLoad(store, 8)).stop()
      const resources = await openResources(place)
      await resources.define('stock', 10)
      await resources.reserve('stock', 'a', { amount: 4, leaseUntil: 5_000, now: 0 })
      await resources.reserve('stock', 'b', { amount: 3, leaseUntil: 9_000, now: 0 })
      await resources.confirm('stock', 'b', 3)
      await resources.define('stock', 5)
      await resources.define('empty', 2)
      await resources.confirm('unheard', 'z', 2)
      await backUp(place, join(dir, 'backup'))
      await resources.close()
      const otherPlace = underTest.makePlace(join(dir, 'other'))
      await putBack(await soundBackup(join(dir, 'backup')), otherPlace)
      const other = await openResources(otherPlace)
      expect(await other.count('stock')).toEqual({ capacity: 5, reserved: 4, confirmed: 3, oversold: 2 })
      expect(await other.count('empty')).toEqual({ capacity: 2, reserved: 0, confirmed: 0, oversold: 0 })
      expect(await other.count('unheard')).toEqual({ capacity: 0, reserved: 0, confirmed: 2, oversold: 2 })
      expect(await other.sweep('stock', 4_999)).toBe(0)
      expect(await other.sweep('stock', 5_000)).toBe(1)
      expect(await other.lapse('stock', 'b')).toEqual({ kind: 'confirmed' })
      await other.close()
    }, 60_000)

    it('holds the aliases, but none of a customer that the copied partitions know as erased', async () => {
      await (await startLoad(store, 8)).stop()
      await store.acquire(1, 'token', '')
      const { seq = 0 } = (await store.meta(1)) ?? {}
      const tombstone = tombstoneOf(loadCluster.salt, 'erased')
      const writes = [{ kind: 'erase', customerId: 'erased', index: 0, at: 7, tombstone }] as const
      const commit = {
        token: 'token',
        from: seq,
        to: seq + 1,
        meta: zeroMeta,
        writes,
        due: [],
        outbox: null,
        trim: 0,
        notAfter: null,
      }
      expect(await store.commit(1, commit)).toEqual({ kind: 'applied' })
      const device = (name: number) => mapSeal.alias(`@device:${name}`)
      const links = Array.from({ length: 3_000 }, (_, i) => {
        return { kind: 'link', alias: device(i), customerId: i === 5 ? 'erased' : `C${i % 900}`, at: 1_000 } as const
      })
      const map = await openMap(place)
      await map.change(links)
      await map.forget('C7')
      await backUp(place, join(dir, 'backup'))
      const otherPlace = underTest.makePlace(join(dir, 'other'))
      const backup = await soundBackup(join(dir, 'backup'))
      const late = { kind: 'link', alias: device(9_999), customerId: 'C9', at: 2_000 } as const
      await putBack(backup, otherPlace, async (identities) => void (await identities.change([late])))
      const other = await openMap(otherPlace)
      const asked = [...links.map(({ alias }) => alias), late.alias]
      const expected = [...(await map.resolve(asked))]
      expect(expected[5]).toBe('erased')
      expect(await other.resolve(asked)).toEqual(expected.with(5, null).with(-1, 'C9'))
      expect(await other.change([{ ...late, alias: device(8_888), customerId: 'C7' }])).toEqual(['forgotten'])
      // What a place held before is gone with a restore.
      await putBack(backup, otherPlace)
      await other.close()
      const again = await openMap(otherPlace)
      expect(await again.resolve([late.alias, device(8)])).toEqual([null, 'C8'])
      await again.close()
      await map.close()
    }, 60_000)

    it('replaces what was due, and one of an earlier build, which did not know it, has nothing due', async () => {
      await initStore(store, loadCluster)
      await store.acquire(1, 'token', '')
      const rest = { token: 'token', meta: zeroMeta, writes: [], outbox: null, trim: 0, notAfter: null }
      await backUp(place, join(dir, 'earlier'))
      const manifest = join(dir, 'earlier', 'manifest.json')
      const { partitions, ...others } = JSON.parse(await readFile(manifest, 'utf8'))
      const known = partitions.map(({ due, ...more }: { due: number }) => {
        expect(due).toBe(0)
        return more
      })
      await writeFile(manifest, JSON.stringify({ ...others, partitions: known }))
      const due = Array.from({ length: 3_000 }, (_, i) => ({ customerId: `D${i}`, at: 1_000 + i }))
      expect(await store.commit(1, { ...rest, from: 0, to: 1, due })).toEqual({ kind: 'applied' })
      await backUp(place, join(dir, 'backup'))
      await store.close()
      const backup = await soundBackup(join(dir, 'backup'))
      expect(backup.manifest.partitions.map((one) => one.due)).toEqual([0, 3_000, 0])
      const look = async (from: string) => {
        await putBack(await soundBackup(join(dir, from)), place)
        store = openStore(place)
        const found = await store.due(1, 4_096)
        await store.close()
        return found
      }
      expect(await look('backup')).toEqual(due)
      expect(await look('earlier')).toEqual([])
      expect(await look('backup')).toEqual(due)
    }, 60_000)

    it('can be read by nobody else', async () => {
      const load = await startLoad(store, 8)
      await backUp(place, join(dir, 'backup'))
      await load.stop()
      for (const file of ['partitions.proffer', 'identity.proffer', 'shared.proffer', 'manifest.json']) {
        expect((await stat(join(dir, 'backup', file))).mode & 0o777).toBe(0o600)
      }
      expect((await stat(join(dir, 'backup'))).mode & 0o777).toBe(0o700)
    })

    it('of nothing is refused and leaves no folder', async () => {
      await expect(backUp(place, join(dir, 'backup'))).rejects.toMatchObject({ code: 'no_installation' })
      await expect(stat(join(dir, 'backup'))).rejects.toMatchObject({ code: 'ENOENT' })
    })

    it('goes into a new folder only', async () => {
      const load = await startLoad(store, 9)
      await load.stop()
      await backUp(place, join(dir, 'backup'))
      await expect(backUp(place, join(dir, 'backup'))).rejects.toMatchObject({ code: 'folder_unusable' })
      await soundBackup(join(dir, 'backup'))
    })
  })
}
