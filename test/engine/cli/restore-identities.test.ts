import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRandom } from '../../../bench/workload/random.ts'
import { catchUpIdentities, type IdentityLog } from '../../../engine/cli/restore-identities.ts'
import { signingSecret } from '../../../engine/nodes/node-key.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { DeadLetters } from '../../../ingest/dead-letters.ts'
import type { Event } from '../../../ingest/event.ts'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import { createIdentities } from '../../../ingest/identity/identities.ts'
import type { IdentityMap, KeptIdentity } from '../../../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../../../ingest/identity/lmdb-identity-map.ts'
import { createIntake, type Intake } from '../../../ingest/intake.ts'
import { openDeadLetters } from '../../../ingest/lmdb-dead-letters.ts'
import { openLmdbLog } from '../../../ingest/lmdb-log.ts'
import type { Log } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import { createRecordSignature } from '../../../ingest/record-signature.ts'
import { openCodecs } from '../../../sinks/codecs.ts'

const seal = createAliasSeal(Buffer.alloc(32, 7))
const partitions = 4
const signature = createRecordSignature(signingSecret('salt'))
const never = new AbortController().signal
const aliasOf = (i: number): string => `@device:${i}`
const customerOf = (i: number): string => `C${i}`
const aliases = Array.from({ length: 12 }, (_, i) => aliasOf(i))
const customers = Array.from({ length: 30 }, (_, i) => customerOf(i))

describe('the identity map of a restored backup', () => {
  let dir = ''
  let nowMs = 1_760_000_000_000
  let log: Log
  let deadLetters: DeadLetters
  let map: IdentityMap
  let restored: IdentityMap
  let intake: Intake
  let serial = 0
  const now = () => nowMs
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-restore-'))
    const place = { dir: join(dir, 'log'), name: 'events', partitions, now }
    log = await openLmdbLog({ ...place, retentionMs: 1e9, maxBytes: 1e8 })
    deadLetters = openDeadLetters({ dir: join(dir, 'dead'), maxCount: 1e5, maxBytes: 1e8, retentionMs: 1e9, now })
    map = openLmdbIdentityMap({ dir: join(dir, 'identity'), seal, now })
    restored = openLmdbIdentityMap({ dir: join(dir, 'restored'), seal, now })
    const identities = createIdentities({ map, seal, latenessMs: 86_400_000, aheadMaxMs: 3_600_000 })
    intake = createIntake({ log, deadLetters, now, limits: { itemsMax: 100 }, sign: signature.sign, identities })
  })
  afterEach(async () => {
    await log.close()
    await deadLetters.close()
    await map.close()
    await restored.close()
    await rm(dir, { recursive: true })
  })

  const event = (customerId: string, type: string, data: Event['data']): Event => {
    const provenance = { via: 'http' as const, consentId: null }
    return { id: `e${serial++}`, source: 'crm', type, customerId, time: nowMs, provenance, data }
  }
  const link = (customerId: string, alias: string) => event(customerId, 'identity.linked', { alias })
  const unlink = (customerId: string, alias: string) => event(customerId, 'identity.unlinked', { alias })
  const erased = (customerId: string) => event(customerId, 'customer.erased', { ground: 'request' })
  const submit = (...events: readonly Event[]) =>
    intake.submit(
      events.map((one) => ({ kind: 'event', event: one })),
      'http',
    )
  const positions = async () => {
    const all = Array.from({ length: partitions }, async (_, partition) => ({
      partition,
      next: (await log.bounds(partition)).end,
    }))
    return Promise.all(all)
  }
  const copyOfMap = async () => {
    const kept: KeptIdentity[] = []
    for await (const piece of map.all()) kept.push(...piece)
    return kept
  }
  const restore = async (backup: { at: Awaited<ReturnType<typeof positions>>; kept: readonly KeptIdentity[] }) => {
    await restored.keep(backup.kept)
    const identityLog: IdentityLog = { events: log, codecs: openCodecs({ kind: 'own' }), signature }
    return catchUpIdentities(restored, backup.at, { log: identityLog, signal: never })
  }
  const expectSame = async () => {
    const sealed = aliases.map(seal.alias)
    expect(await restored.resolve(sealed)).toEqual(await map.resolve(sealed))
    for (const customer of customers) {
      expect([...(await restored.aliasesOf(customer))].sort()).toEqual([...(await map.aliasesOf(customer))].sort())
    }
  }

  it.each([1, 2, 3, 4])('is what the lost one was, whenever the copy was made (seed %i)', async (seed) => {
    const random = createRandom(seed, 'restore')
    const backups: { at: Awaited<ReturnType<typeof positions>>; kept: readonly KeptIdentity[] }[] = []
    for (let turn = 0; turn < 150; turn++) {
      nowMs += random.below(3)
      const [alias, other] = [aliasOf(random.below(12)), customerOf(random.below(30))]
      const [owner = null] = await map.resolve([seal.alias(alias)])
      const pick = random.below(10)
      if (owner !== null && pick < 3) await submit(unlink(owner, alias))
      // The device changes hands within one call.
      else if (owner !== null && pick < 6) await submit(unlink(owner, alias), link(other, alias))
      else if (pick === 9 && turn % 5 === 0) await submit(erased(owner ?? other))
      else await submit(link(other, alias), link(customerOf(random.below(30)), aliasOf(random.below(12))))
      // Positions first, the map some changes later: as a backup under load finds them.
      if (turn === 50) backups.push({ at: await positions(), kept: [] })
      if (turn === 50 + seed) backups.push({ at: backups[0]?.at ?? [], kept: await copyOfMap() })
    }
    const backup = backups[1]
    if (backup === undefined) throw new Error('a backup was made')
    expect(backup.kept.length).toBeGreaterThan(5)
    expect((await restore(backup)).changes).toBeGreaterThan(20)
    await expectSame()
  })

  it('gives an erased customer none of its aliases back, and no new one', async () => {
    await submit(link('C1', '@device:1'), link('C2', '@device:2'))
    const backup = { at: await positions(), kept: await copyOfMap() }
    await submit(erased('C1'))
    expect(await restore(backup)).toEqual({ changes: 0, erased: 1, left: 0 })
    expect(await restored.resolve(['@device:1', '@device:2'].map(seal.alias))).toEqual([null, 'C2'])
    const change = { kind: 'link', alias: seal.alias('@device:3'), customerId: 'C1', at: nowMs + 1 } as const
    expect(await restored.change([change])).toEqual(['forgotten'])
  })

  it('takes nothing over that did not come through the door', async () => {
    await submit(link('C1', '@device:1'))
    const backup = { at: await positions(), kept: await copyOfMap() }
    const forged = [erased('C1'), event('C2', 'identity.linked', { alias: seal.alias('@device:2') })]
    for (const one of forged) {
      const record = { key: one.customerId, value: encodeEvent(one) }
      await log.append(partitionOf(one.customerId, partitions), [record])
    }
    expect(await restore(backup)).toEqual({ changes: 0, erased: 0, left: 0 })
    expect(await restored.resolve(['@device:1', '@device:2'].map(seal.alias))).toEqual(['C1', null])
  })
})
