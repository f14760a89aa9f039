import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import { FORGOTTEN_KEPT_MS, type IdentityMap, UNLINKED_KEPT_MS } from '../../../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../../../ingest/identity/lmdb-identity-map.ts'

const seal = createAliasSeal(Buffer.alloc(32, 7))
const alias = seal.alias('@device:a')
const change = { alias, customerId: 'C1' }
let dir: string
let map: IdentityMap
let nowMs = 0

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-identity-'))
  nowMs = 1_000
  map = openLmdbIdentityMap({ dir, seal, now: () => nowMs })
})
afterEach(async () => {
  await map.close()
  await rm(dir, { recursive: true })
})

test('that an alias was unlinked is known for ten days and no longer', async () => {
  await map.change([{ ...change, kind: 'unlink', at: nowMs }])
  nowMs += UNLINKED_KEPT_MS - 1
  expect(await map.change([{ ...change, kind: 'link', at: 999 }])).toEqual(['stale'])
  nowMs += 1
  expect(await map.change([{ ...change, kind: 'link', at: 999 }])).toEqual(['done'])
})

test('an alias that is linked again stays when the end of what was remembered comes', async () => {
  await map.change([{ ...change, kind: 'unlink', at: nowMs }])
  await map.change([{ ...change, kind: 'link', at: nowMs }])
  nowMs += 2 * UNLINKED_KEPT_MS
  await map.forget('C2')
  expect(await map.resolve([alias])).toEqual(['C1'])
})

test('an alias that is unlinked again is remembered from then on', async () => {
  await map.change([{ ...change, kind: 'unlink', at: nowMs }])
  const later = nowMs + UNLINKED_KEPT_MS - 10
  await map.change([{ ...change, kind: 'unlink', at: later }])
  nowMs += UNLINKED_KEPT_MS
  expect(await map.change([{ ...change, kind: 'link', at: later - 1 }])).toEqual(['stale'])
})

test('that a customer was forgotten is known for 800 days and no longer', async () => {
  await map.forget('C1')
  nowMs += FORGOTTEN_KEPT_MS - 1
  expect(await map.change([{ ...change, kind: 'link', at: nowMs }])).toEqual(['forgotten'])
  nowMs += 1
  expect(await map.change([{ ...change, kind: 'link', at: nowMs }])).toEqual(['done'])
})

test('more changes than may wait for the disk are refused, and those before them are carried out', async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    ...change,
    customerId: `C${i % 100}`,
    alias: seal.alias(`@device:${i}`),
    kind: 'link' as const,
    at: 1,
  }))
  const calls = await Promise.allSettled(Array.from({ length: 11 }, () => map.change(many)))
  expect(calls.slice(0, 10).every(({ status }) => status === 'fulfilled')).toBe(true)
  expect(calls[10]).toMatchObject({ reason: { code: 'identity_unavailable', retryable: true } })
  expect(await map.aliasesOf('C7')).toHaveLength(100)
}, 60_000)

test('a directory that cannot be opened is refused with a code', async () => {
  const file = join(dir, 'file')
  await writeFile(file, '')
  expect(() => openLmdbIdentityMap({ dir: join(file, 'map'), seal, now: () => 0 })).toThrow(
    expect.objectContaining({ code: 'identity_unavailable', retryable: false }),
  )
})
