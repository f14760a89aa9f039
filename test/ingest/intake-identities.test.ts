import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeEvent, encodeEvent } from '../../ingest/avro-codec.ts'
import { printCloudEvent } from '../../ingest/cloud-event.ts'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Event } from '../../ingest/event.ts'
import { createAliasSeal } from '../../ingest/identity/alias-seal.ts'
import { createIdentities } from '../../ingest/identity/identities.ts'
import { IdentityError, type IdentityMap } from '../../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../../ingest/identity/lmdb-identity-map.ts'
import { createIntake, type Intake } from '../../ingest/intake.ts'
import type { IntakeItem } from '../../ingest/intake-item.ts'
import { openDeadLetters } from '../../ingest/lmdb-dead-letters.ts'
import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import type { Log, NewRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'

const nowMs = 1_760_000_000_000
const seal = createAliasSeal(Buffer.alloc(32, 7))
const parts = { seal, latenessMs: 86_400_000, aheadMaxMs: 3_600_000 }
const now = () => nowMs
let dir: string
let log: Log
let deadLetters: DeadLetters
let map: IdentityMap
let intake: Intake
/** Ids of the records that were signed. */
let signed: string[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-intake-'))
  log = await openLmdbLog({
    dir: join(dir, 'log'),
    name: 'events',
    partitions: 8,
    now,
    retentionMs: 1e9,
    maxBytes: 1e8,
  })
  deadLetters = openDeadLetters({ dir: join(dir, 'dead'), maxCount: 1e5, maxBytes: 1e8, retentionMs: 1e9, now })
  map = openLmdbIdentityMap({ dir: join(dir, 'identity'), seal, now })
  signed = []
  intake = door(map)
})
afterEach(async () => {
  await log.close()
  await deadLetters.close()
  await map.close()
  await rm(dir, { recursive: true })
})

function door(identityMap: IdentityMap): Intake {
  const sign = (record: NewRecord): NewRecord => {
    const decoded = decodeEvent(record.value)
    if (decoded.kind === 'ok') signed.push(decoded.event.id)
    return record
  }
  const identities = createIdentities({ ...parts, map: identityMap })
  return createIntake({ log, deadLetters, now, limits: { itemsMax: 1_000 }, sign, identities })
}

let serial = 0
function event(customerId: string, type = 'nps.answered', data: Event['data'] = { score: 9, topic: 'app' }): Event {
  const provenance = { via: 'http' as const, consentId: null }
  return { id: `e${serial++}`, source: 'crm', type, customerId, time: nowMs, provenance, data }
}
const linked = (customerId: string, alias: string) => event(customerId, 'identity.linked', { alias })
const json = (one: Event): IntakeItem => {
  const value = printCloudEvent(one)
  return { kind: 'json', value, bytes: Buffer.from(JSON.stringify(value)) }
}
const own = (one: Event): IntakeItem => ({ kind: 'event', event: one })

/** The events of the log by id. */
async function logged(): Promise<ReadonlyMap<string, Event & { readonly key: string; readonly partition: number }>> {
  const events = new Map<string, Event & { readonly key: string; readonly partition: number }>()
  for (let partition = 0; partition < 8; partition++) {
    for (const { key, value } of await log.read(partition, 0, { maxBytes: 1e8, maxRecords: 1e5 })) {
      const decoded = decodeEvent(value)
      if (decoded.kind !== 'ok') throw new Error('the log holds something that is no event')
      events.set(decoded.event.id, { ...decoded.event, key, partition })
    }
  }
  return events
}

test.each([
  ['JSON', json],
  ['our own code', own],
])('events of %s are keyed by the customer behind their alias, in their order', async (_, itemOf) => {
  const link = linked('C17', '@device:a')
  const events = [event('@device:a'), event('C17'), event('@device:a')]
  const results = await intake.submit([link, ...events].map(itemOf), 'import')
  const partition = partitionOf('C17', 8)
  expect(results).toMatchObject([0, 1, 2, 3].map((offset) => ({ kind: 'appended', partition, offset })))
  const all = await logged()
  for (const { id } of events) expect(all.get(id)).toMatchObject({ key: 'C17', customerId: 'C17', partition })
  expect(all.get(link.id)?.data).toEqual({ alias: seal.alias('@device:a') })
})

test.each([
  ['JSON', json, 'subject'],
  ['our own code', own, 'customerId'],
])(
  'an event of %s under an alias of nobody is kept as it came and taken when it is redriven',
  async (_, itemOf, field) => {
    const one = event('@device:a')
    const [result] = await intake.submit([itemOf(one)], 'http')
    expect(result).toMatchObject({ kind: 'rejected', reason: 'customer_unknown', field })
    if (result?.kind !== 'rejected') throw new Error('taken')
    expect(JSON.parse(Buffer.from((await deadLetters.get(result.deadLetterId))?.bytes ?? '').toString())).toMatchObject(
      {
        id: one.id,
        subject: '@device:a',
      },
    )
    await intake.submit([json(linked('C17', '@device:a'))], 'http')
    expect(await intake.redrive(result.deadLetterId)).toMatchObject({ kind: 'appended' })
    expect(await deadLetters.get(result.deadLetterId)).toMatchObject({ redrivenAt: nowMs })
    expect((await logged()).get(one.id)).toMatchObject({ key: 'C17', customerId: 'C17' })
  },
)

test('links and unlinkings are signed as what only this door may say', async () => {
  const link = linked('C1', '@device:a')
  const unlink = event('C1', 'identity.unlinked', { alias: '@device:a' })
  await intake.submit([json(link), json(unlink), json(event('C1'))], 'http')
  expect(signed).toEqual([link.id, unlink.id])
})

test('a link that somebody wrote to the stream stays refused when its letter is redriven, and links nothing', async () => {
  const letter = { reason: 'untrusted_source', field: null, via: 'stream', at: nowMs } as const
  const bytes = encodeEvent(linked('C-evil', '@device:a'))
  await deadLetters.put({ ...letter, id: 'p0-7', bytes })
  expect(await intake.redrive('p0-7')).toMatchObject({ kind: 'rejected', reason: 'untrusted_source' })
  const erasure = encodeEvent(event('C1', 'customer.erased', { ground: null }))
  await intake.submit([json(linked('C1', '@device:b'))], 'http')
  await deadLetters.put({ ...letter, id: 'p0-8', bytes: erasure })
  expect(await intake.redrive('p0-8')).toMatchObject({ kind: 'appended' })
  expect(await map.resolve(['@device:a', '@device:b'].map(seal.alias))).toEqual([null, 'C1'])
})

test('a framed record names its customer: an alias in it is refused', async () => {
  const bytes = encodeEvent(event('@device:a'))
  expect(await intake.submit([{ kind: 'avro', bytes }], 'http')).toMatchObject([{ reason: 'customer_invalid' }])
})

test('an erasure takes the aliases when it is in the log, and may name the customer by one of them', async () => {
  await intake.submit([json(linked('C1', '@device:a')), json(linked('C1', '@card:b'))], 'http')
  const erasure = event('@device:a', 'customer.erased', { ground: null })
  await intake.submit([json(erasure)], 'http')
  expect((await logged()).get(erasure.id)).toMatchObject({ key: 'C1' })
  expect(await map.aliasesOf('C1')).toEqual([])
})

test('a log that takes nothing leaves a link that its sender repeats without harm', async () => {
  await log.close()
  const link = json(linked('C1', '@device:a'))
  await expect(intake.submit([link], 'http')).rejects.toMatchObject({ code: 'log_closed' })
  expect(await map.aliasesOf('C1')).toHaveLength(1)
  log = await openLmdbLog({
    dir: join(dir, 'log'),
    name: 'events',
    partitions: 8,
    now,
    retentionMs: 1e9,
    maxBytes: 1e8,
  })
  expect(await door(map).submit([link], 'http')).toMatchObject([{ kind: 'appended' }])
  expect(await map.aliasesOf('C1')).toHaveLength(1)
})

test('a map that cannot be asked fails a call with an alias as a whole, and no other call', async () => {
  await map.close()
  const plain = json(event('C1'))
  expect(await intake.submit([plain], 'http')).toMatchObject([{ kind: 'appended' }])
  const mixed = [json(event('C2')), json(event('@device:a')), json({ ...event('C3'), type: 'no.such' })]
  await expect(intake.submit(mixed, 'http')).rejects.toBeInstanceOf(IdentityError)
  expect((await logged()).size).toBe(1)
  expect((await deadLetters.counts()).kept).toBe(0)
})

test('a door without a map knows no alias and links none', async () => {
  const plain = createIntake({ log, deadLetters, now, limits: { itemsMax: 9 } })
  const items = [event('@device:a'), linked('C1', '@device:a'), event('C1')].map(json)
  expect(await plain.submit(items, 'http')).toMatchObject([
    { reason: 'customer_unknown' },
    { reason: 'untrusted_source' },
    { kind: 'appended' },
  ])
})
