/** A start that puts its own pack in force on a store that has lost the record of an activation. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventClock } from '../../engine/clock.ts'
import { openWithPack } from '../../engine/compose-packs.ts'
import { readConfig } from '../../engine/config.ts'
import { openInstallation } from '../../engine/installation.ts'
import { openLmdbStore } from '../../engine/store/lmdb-store.ts'
import { zeroMeta } from '../conformance/store-workload.ts'
import { retailBank } from '../rules/patched-pack.ts'
import { keepPacks, twoPacks } from './activation/two-packs.ts'

const log = { identity: 'a log', isFresh: async () => true, others: async () => [] }
const options = { partitions: 4, clock: eventClock(1_000), log }

test('a start with its own pack does not take the number of an activation that only a header still names', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-start-'))
  const { first, second } = await twoPacks()
  await keepPacks({ kind: 'lmdb', dir: join(dir, 'store') }, [second])
  const store = openLmdbStore({ dir: join(dir, 'store') })
  try {
    await openInstallation(store, first, options)
    await store.acquire(2, 'token', '')
    const meta = { ...zeroMeta, next: 3, appendTime: 900, pack: second.hash, activation: 1 }
    const nothing = { writes: [], due: [], outbox: null, trim: 0, notAfter: null }
    await store.commit(2, { token: 'token', from: 0, to: 1, meta, ...nothing })
    const read = readConfig({ PACK: retailBank, PACK_CHANGES: 'at_start' })
    if (read.kind === 'refused') throw new Error(read.problems.join())
    const { installation } = await openWithPack(read.config, store, options)
    expect(installation.cluster).toMatchObject({ pack: first.hash, activations: 2 })
    expect(await store.cluster()).toEqual(installation.cluster)
  } finally {
    await store.close()
    await rm(dir, { recursive: true, force: true })
  }
})
