/**
 * Goal: writing for long leaves nothing that grows old. Method: thousands of small transactions, then the bytes of the old
 * generation behind two scavenges and no mark-compact. Without the cut they grow by about 350 bytes a transaction.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { open, type RootDatabase } from 'lmdb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { unlinkCommitted } from '../../ingest/lmdb-unlink.ts'

setFlagsFromString('--expose-gc')
const collect: (options?: { readonly type: 'minor' }) => void = runInNewContext('gc')

let dir = ''
let root: RootDatabase<Uint8Array, string>

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-unlink-'))
  root = open<Uint8Array, string>({
    path: dir,
    noSubdir: false,
    overlappingSync: false,
    eventTurnBatching: false,
    noSync: true,
    encoding: 'binary',
  })
})

afterEach(async () => {
  await root.close()
  await rm(dir, { recursive: true, force: true })
})

it('thousands of transactions leave nothing in the old generation', async () => {
  unlinkCommitted(root)
  expect(await growthOf(4_000)).toBeLessThan(500_000)
})

it('every write behind a cut link resolves, and is there', async () => {
  unlinkCommitted(root)
  const written: Promise<boolean>[] = []
  for (let i = 0; i < 3_000; i++) {
    written.push(root.put(`k${i}`, new Uint8Array([i & 255])))
    if (i % 7 === 0) await written.at(-1)
    if (i % 50 === 0) await root.transaction(() => root.put('t', new Uint8Array([1])))
  }
  expect((await Promise.all(written)).every((done) => done)).toBe(true)
  for (let i = 0; i < 3_000; i++) expect(root.get(`k${i}`)?.[0]).toBe(i & 255)
})

/** Bytes by which the old generation grew. */
async function growthOf(transactions: number): Promise<number> {
  await write(1_000)
  collect()
  const before = oldBytes()
  await write(transactions)
  return oldBytes() - before
}

async function write(transactions: number): Promise<void> {
  const value = new Uint8Array(100)
  for (let i = 0; i < transactions; i++) {
    void root.put('a', value)
    await root.put(`k${i % 10}`, value)
  }
}

function oldBytes(): number {
  collect({ type: 'minor' })
  collect({ type: 'minor' })
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0
}
