import { Buffer } from 'node:buffer'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import { createForgetting } from '../../ingest/forget-customers.ts'
import { createAliasSeal } from '../../ingest/identity/alias-seal.ts'
import { createIdentities } from '../../ingest/identity/identities.ts'
import { IdentityError, type IdentityMap } from '../../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../../ingest/identity/lmdb-identity-map.ts'
import { openDeadLetters } from '../../ingest/lmdb-dead-letters.ts'

const seal = createAliasSeal(Buffer.alloc(32, 7))
const now = () => 1_760_000_000_000
let dir: string
let deadLetters: DeadLetters
let map: IdentityMap

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-forget-'))
  deadLetters = openDeadLetters({ dir: join(dir, 'dead'), maxCount: 1e5, maxBytes: 1e8, retentionMs: 1e9, now })
  map = openLmdbIdentityMap({ dir: join(dir, 'identity'), seal, now })
})
afterEach(async () => {
  await deadLetters.close()
  await map.close()
  await rm(dir, { recursive: true, force: true })
})

const identities = () => createIdentities({ map, seal, latenessMs: 0, aheadMaxMs: 0 })
const keep = (id: string, subject: string) =>
  deadLetters.put({
    id,
    reason: 'field_invalid',
    field: null,
    via: 'http',
    bytes: Buffer.from(JSON.stringify({ subject })),
    at: now(),
  })
/** 2,500 letters in order, of which the last is the newest. */
const keepMany = (subject: (i: number) => string) =>
  Promise.all(Array.from({ length: 2_500 }, (_, i) => keep(`l-${i}`, subject(i))))

test('more letters than fit a page are looked through, to the last one', async () => {
  await keepMany((i) => (i % 500 === 0 ? 'C-1' : `C-${i + 2}`))
  const forgetting = createForgetting({ deadLetters, identities: identities() })
  expect(await forgetting.traces('C-1')).toEqual({ letters: 5, aliases: 0 })
  await forgetting.forget(['C-1'])
  expect(await forgetting.traces('C-1')).toEqual({ letters: 0, aliases: 0 })
  expect((await deadLetters.counts()).kept).toBe(2_495)
})

test('a look that is disturbed by another erasure begins anew and misses nothing', async () => {
  await keepMany((i) => (i < 10 ? 'C-1' : 'C-2'))
  let pages = 0
  const disturbed = {
    ...deadLetters,
    list: async (query: Parameters<DeadLetters['list']>[0]) => {
      const page = await deadLetters.list(query)
      pages++
      if (pages === 1) await deadLetters.remove(page.map(({ id }) => id))
      return page
    },
  }
  const forgetting = createForgetting({ deadLetters: disturbed, identities: identities() })
  expect(await forgetting.traces('C-1')).toEqual({ letters: 10, aliases: 0 })
})

test('letters go before the aliases they are told by, so that a forgetting that failed can be done again', async () => {
  const device = { kind: 'link', alias: seal.alias('@device:1'), customerId: 'C-1', at: now() } as const
  await map.change([device])
  await keep('l-1', '@device:1')
  const failing = {
    ...identities(),
    forget: async () => {
      throw new IdentityError('identity_unavailable', 'away', { retryable: true })
    },
  }
  await expect(createForgetting({ deadLetters, identities: failing }).forget(['C-1'])).rejects.toMatchObject({
    code: 'identity_unavailable',
  })
  const forgetting = createForgetting({ deadLetters, identities: identities() })
  expect(await forgetting.traces('C-1')).toEqual({ letters: 0, aliases: 1 })
  await keep('l-2', '@device:1')
  await forgetting.forget(['C-1'])
  expect((await deadLetters.counts()).kept).toBe(0)
  expect(await forgetting.traces('C-1')).toEqual({ letters: 0, aliases: 0 })
})
