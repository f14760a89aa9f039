/** A pack is put in force with its certificate, or not at all. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventClock } from '../../../engine/clock.ts'
import { openInstallation } from '../../../engine/installation.ts'
import { certificateName, certificateSchema, hashOfCertificate } from '../../../engine/proof/certificate.ts'
import { openLmdbStore } from '../../../engine/store/lmdb-store.ts'
import type { Store } from '../../../engine/store/store.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { formatProblems } from '../../../rules/pack-problem.ts'
import { loadPatched, type Patch } from '../../rules/patched-pack.ts'

let dir: string
let store: Store
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-activation-'))
  store = openLmdbStore({ dir: join(dir, 'store') })
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

async function packWith(...patches: readonly Patch[]): Promise<LoadedPack> {
  const { result } = await loadPatched(patches)
  if (result.kind === 'refused') throw new Error(formatProblems(result.problems))
  return result.pack
}

/** Savings are opened by an allow while a payment is in dispute: with this they are under that red line. */
const crossed: Patch = {
  file: 'pack.yaml',
  from: '  - id: savings\n    guardedBy: [',
  to: '  - id: savings\n    guardedBy: [open_dispute, ',
}
const open = (pack: LoadedPack) => {
  const log = { identity: 'a log', isFresh: async () => true, others: async () => [] }
  return openInstallation(store, pack, { partitions: 4, clock: eventClock(5_000), log })
}

test('the certificate is kept beside the pack', async () => {
  const pack = await packWith()
  await open(pack)
  const certificate = certificateSchema.parse(JSON.parse((await store.pack(certificateName(pack.hash))) ?? ''))
  expect(certificate).toMatchObject({
    verdict: 'proven',
    complete: true,
    pack: { name: 'retail-bank', hash: pack.hash },
  })
  expect(hashOfCertificate(certificate)).toBe(certificate.hash)
})

test('a pack by which something forbidden leaves is not put in force, and the refusal names a customer', async () => {
  const good = await packWith()
  await open(good)
  const bad = await packWith(crossed)
  const refusal = await open(bad).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'pack_unproven' })
  const message = refusal instanceof Error ? refusal.message : ''
  expect(message).toContain('wealth_r1_deposit')
  expect(message).toContain('suppression running: no-marketing-while-a-dispute-is-open')
  expect(message).toContain('no allow opens it')
  expect((await store.cluster())?.pack).toBe(good.hash)
  expect([await store.pack(bad.hash), await store.pack(certificateName(bad.hash))]).toEqual([null, null])
})

test('the first start on such a pack makes no installation', async () => {
  await expect(open(await packWith(crossed))).rejects.toMatchObject({ code: 'pack_unproven' })
  expect(await store.cluster()).toBeNull()
})
