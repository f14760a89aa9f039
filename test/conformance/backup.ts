/** What a backup promises, as a suite over every kind of store: taken under load, put into another place, compared. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddedFolders } from '../../engine/store/backup/backup-source.ts'
import { openBackupSource } from '../../engine/store/backup/open-backup-source.ts'
import { openRestoreTarget } from '../../engine/store/backup/open-restore-target.ts'
import { restoreBackup } from '../../engine/store/backup/restore-backup.ts'
import { type SoundBackup, verifyBackup } from '../../engine/store/backup/verify-backup.ts'
import { writeBackup } from '../../engine/store/backup/write-backup.ts'
import { openStore, type StorePlace } from '../../engine/store/open-store.ts'
import type { Store } from '../../engine/store/store.ts'
import type { IdentityMap } from '../../ingest/identity/identity-map.ts'
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
        await backUp(place, join(dir, 'backup'), { pauseMs: 10 })
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
            outbox: null,
            trim: 0,
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
