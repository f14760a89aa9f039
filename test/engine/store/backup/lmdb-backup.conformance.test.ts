import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { expect, test } from 'vitest'
import { openStore, type StorePlace } from '../../../../engine/store/open-store.ts'
import { backUp, backupConformance, putBack, soundBackup } from '../../../conformance/backup.ts'
import { startLoad } from '../../../conformance/store-load.ts'

backupConformance('the embedded store', {
  start: async () => {},
  stop: async () => {},
  // A small journal, so that a copy meets patches that are folded and others that are not.
  makePlace: (dir) => ({ kind: 'lmdb', dir, journalBytes: 30_000 }),
})

test('a backup of an embedded store that an earlier build made, without a due index, has nothing due', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-backup-'))
  try {
    const place: StorePlace = { kind: 'lmdb', dir: join(dir, 'store') }
    const store = openStore(place)
    await (await startLoad(store, 1)).stop()
    await store.close()
    const root = open({ path: place.dir, overlappingSync: false })
    for (const name of ['due', 'due-of']) await root.openDB({ name }).drop()
    await root.close()
    await backUp(place, join(dir, 'backup'))
    const backup = await soundBackup(join(dir, 'backup'))
    expect(backup.manifest.partitions.map(({ due }) => due)).toEqual([0, 0, 0])
    expect(backup.manifest.partitions.every(({ states }) => states >= 1_200)).toBe(true)
    const other: StorePlace = { kind: 'lmdb', dir: join(dir, 'other') }
    await putBack(backup, other)
    // The engine of this release takes either as it is.
    for (const one of [place, other]) {
      const opened = openStore(one)
      expect(await opened.due(0, 10)).toEqual([])
      await opened.close()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
