import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeEvent, encodeEvent } from '../../ingest/avro-codec.ts'
import { printCloudEvent } from '../../ingest/cloud-event.ts'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Event, RejectReason } from '../../ingest/event.ts'
import { createIntake, type Intake } from '../../ingest/intake.ts'
import type { IntakeItem } from '../../ingest/intake-item.ts'
import { openDeadLetters } from '../../ingest/lmdb-dead-letters.ts'
import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import type { Log, NewRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'

let dir: string
let log: Log
let deadLetters: DeadLetters
let intake: Intake
const nowMs = 1_760_000_000_000

async function open(maxBytes: number): Promise<void> {
  const now = () => nowMs
  log = await openLmdbLog({ dir: join(dir, 'log'), name: 'events', partitions: 8, now, retentionMs: 1e9, maxBytes })
  deadLetters = openDeadLetters({ dir: join(dir, 'dead'), maxCount: 1e5, maxBytes: 1e8, retentionMs: 1e9, now })
  intake = createIntake({ log, deadLetters, now, limits: { itemsMax: 4_096 } })
}
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-intake-'))
  await open(1e9)
})
afterEach(async () => {
  await log.close()
  await deadLetters.close()
  await rm(dir, { recursive: true })
})

function transfer(i: number): Event {
  return {
    id: `t-${i}`,
    source: 'core-banking',
    type: 'transfer.made',
    customerId: `C${i % 997}`,
    time: nowMs - i,
    provenance: { via: 'demo', consentId: null },
    data: { amount: i, currency: 'CNY', direction: 'in', kind: 'salary', counterpartyBank: null },
  }
}

function jsonItem(value: unknown): IntakeItem {
  return { kind: 'json', value, bytes: Buffer.from(JSON.stringify(value) ?? '') }
}

function goodItem(i: number): IntakeItem {
  const event = transfer(i)
  if (i % 3 === 0) return { kind: 'event', event }
  return i % 3 === 1 ? { kind: 'avro', bytes: encodeEvent(event) } : jsonItem(printCloudEvent(event))
}

type Breakage = readonly [RejectReason, string | null, (i: number) => IntakeItem]

/** JSON of a sound transfer with parts replaced; undefined takes one away. */
function broken(i: number, changes: object, data: object = {}): IntakeItem {
  const json = printCloudEvent(transfer(i))
  return jsonItem(JSON.parse(JSON.stringify({ ...json, ...changes, data: { ...Object(json['data']), ...data } })))
}

function framed(i: number, change: (bytes: Buffer) => Buffer): IntakeItem {
  return { kind: 'avro', bytes: change(Buffer.from(encodeEvent(transfer(i)))) }
}

/** Every way to be broken at the door, as the reason and field it must get. */
const breakages: readonly Breakage[] = [
  ['undecodable', null, (i) => ({ kind: 'json', value: undefined, bytes: Buffer.from(`{"id": ${i}`) })],
  ['undecodable', null, (i) => jsonItem([i])],
  ['undecodable', null, (i) => framed(i, (bytes) => bytes.subarray(0, -3))],
  ['undecodable', null, (i) => framed(i, (bytes) => Buffer.concat([bytes, Buffer.from([0])]))],
  ['undecodable', null, (i) => framed(i, (bytes) => Buffer.concat([Buffer.from([7]), bytes]))],
  ['schema_unknown', null, (i) => framed(i, (bytes) => Buffer.concat([Buffer.from([0, 0, 9, 9, 9]), bytes]))],
  ['type_unknown', 'type', (i) => broken(i, { type: 'transfer.unmade' })],
  ['field_missing', 'id', (i) => broken(i, { id: undefined, note: i })],
  ['field_missing', 'amount', (i) => broken(i, {}, { amount: undefined })],
  ['field_invalid', 'amount', (i) => broken(i, {}, { amount: 'much' })],
  [
    'field_invalid',
    'amount',
    (i) => ({ kind: 'event', event: { ...transfer(i), data: { ...transfer(i).data, amount: Number.NaN } } }),
  ],
  ['field_invalid', 'kind', (i) => broken(i, {}, { kind: 'bribe' })],
  ['field_invalid', 'source', (i) => broken(i, { source: 'two words' })],
  ['field_unknown', 'memo', (i) => broken(i, {}, { memo: 'x' })],
  ['customer_invalid', 'subject', (i) => broken(i, { subject: 'Li Lei' })],
  ['customer_invalid', 'customerId', (i) => ({ kind: 'event', event: { ...transfer(i), customerId: '' } })],
  ['time_invalid', 'time', (i) => broken(i, { time: 'yesterday' })],
  ['time_invalid', 'time', (i) => ({ kind: 'event', event: { ...transfer(i), time: -1 } })],
  ['too_large', null, (i) => broken(i, {}, { counterpartyBank: 'x'.repeat(70_000) })],
  ['too_large', null, (i) => framed(i, (bytes) => Buffer.concat([bytes, Buffer.alloc(70_000)]))],
]

test('of 10,000 events with 137 broken in every way, each is in the log or a dead letter with its reason and bytes', async () => {
  const brokenAt = new Map(
    Array.from({ length: 137 }, (_, n) => {
      const breakage = breakages[n % breakages.length]
      if (breakage === undefined) throw new Error('no breakage')
      return [n * 72 + 11, breakage] as const
    }),
  )
  const items = Array.from({ length: 10_000 }, (_, i) => brokenAt.get(i)?.[2](i) ?? goodItem(i))
  const results = []
  for (let from = 0; from < items.length; from += 1_000) {
    results.push(...(await intake.submit(items.slice(from, from + 1_000), 'http')))
  }

  expect(results).toHaveLength(10_000)
  for (const [i, result] of results.entries()) {
    const breakage = brokenAt.get(i)
    if (breakage === undefined) {
      expect(result).toMatchObject({ kind: 'appended', partition: partitionOf(`C${i % 997}`, 8) })
      continue
    }
    const [reason, field] = breakage
    expect(result).toMatchObject({ kind: 'rejected', reason, field })
  }

  let appended = 0
  for (let partition = 0; partition < 8; partition++) {
    for (const record of await log.read(partition, 0, { maxBytes: 1e9, maxRecords: 1e6 })) {
      const decoded = decodeEvent(record.value)
      if (decoded.kind !== 'ok') throw new Error('the log holds something that is no event')
      const i = Number(decoded.event.id.slice(2))
      expect(decoded.event).toEqual({ ...transfer(i), provenance: { via: 'http', consentId: null } })
      expect(results[i]).toEqual({ kind: 'appended', partition, offset: record.offset })
      expect(record.key).toBe(decoded.event.customerId)
      appended++
    }
  }
  const counts = await deadLetters.counts()
  expect(appended + counts.kept).toBe(10_000)
  expect(counts.kept).toBe(137)
  expect(intake.counters()).toEqual({ received: 10_000, appended: 9_863, rejected: counts.byReason })
  const listed = await deadLetters.list({ limit: 1_000 })
  expect(new Set(listed.map((one) => one.reason))).toEqual(new Set(breakages.map(([reason]) => reason)))

  for (const i of brokenAt.keys()) {
    const [item, result] = [items[i], results[i]]
    if (item === undefined || result?.kind !== 'rejected') throw new Error('not rejected')
    const letter = await deadLetters.get(result.deadLetterId)
    expect(letter).toMatchObject({
      reason: result.reason,
      field: result.field,
      via: 'http',
      at: nowMs,
      partition: null,
    })
    if (item.kind !== 'event')
      expect(Buffer.compare(letter?.bytes ?? Buffer.alloc(0), item.bytes.subarray(0, 65_536))).toBe(0)
  }
})

test('events of one customer keep their order, in one append a partition', async () => {
  const events = Array.from({ length: 300 }, (_, i) => ({ ...transfer(i), customerId: `C${i % 3}` }))
  let appends = 0
  const off = log.onAppend(() => appends++)
  await intake.submit(
    events.map((event) => ({ kind: 'event', event })),
    'import',
  )
  off()
  expect(appends).toBe(new Set(events.map((event) => partitionOf(event.customerId, 8))).size)
  for (const customerId of ['C0', 'C1', 'C2']) {
    const records = await log.read(partitionOf(customerId, 8), 0, { maxBytes: 1e9, maxRecords: 1e6 })
    const ids = records.filter((record) => record.key === customerId).map((record) => decodedId(record.value))
    expect(ids).toEqual(events.filter((event) => event.customerId === customerId).map((event) => event.id))
  }
})

function decodedId(bytes: Uint8Array): string {
  const decoded = decodeEvent(bytes)
  return decoded.kind === 'ok' ? decoded.event.id : ''
}

test('an event clock stamps append times that follow the events', async () => {
  const items = [5_000, 6_000, 5_500].map((appendTime, i): IntakeItem => {
    return { kind: 'event', event: { ...transfer(i), customerId: 'C1' }, appendTime }
  })
  await intake.submit(items, 'import')
  const records = await log.read(partitionOf('C1', 8), 0, { maxBytes: 1e9, maxRecords: 9 })
  expect(records.map((record) => record.appendTime)).toEqual([5_000, 6_000, 6_000])
})

test('sending a broken event again finds the letter that is there; twice in one call it is two', async () => {
  const item = broken(1, { type: 'nothing' })
  const first = await intake.submit([item, item], 'http')
  const again = await intake.submit([item, item], 'http')
  expect(again).toEqual(first)
  expect(await deadLetters.counts()).toMatchObject({ kept: 2 })
  expect(intake.counters().received).toBe(4)
})

test('a redriven letter that is sound now is taken and marked; one that is not stays as it is', async () => {
  const event = { ...transfer(5), id: 'late-1' }
  const bytes = encodeEvent({ ...event, provenance: { via: 'stream', consentId: 'c-1' } })
  await deadLetters.put({
    id: 'p1-4',
    reason: 'too_late',
    field: 'time',
    via: 'stream',
    partition: 1,
    offset: 4,
    bytes,
    at: nowMs - 9,
  })
  expect(await intake.redrive('p1-4')).toMatchObject({ kind: 'appended', partition: partitionOf('C5', 8), offset: 0 })
  expect(await deadLetters.get('p1-4')).toMatchObject({ redrivenAt: nowMs })
  const [record] = await log.read(partitionOf('C5', 8), 0, { maxBytes: 1e9, maxRecords: 9 })
  expect(decodeEvent(record?.value ?? Buffer.alloc(0))).toMatchObject({
    event: { id: 'late-1', provenance: { via: 'stream', consentId: 'c-1' } },
  })

  const [refused] = await intake.submit([broken(6, { type: 'nothing' })], 'http')
  if (refused?.kind !== 'rejected') throw new Error('not rejected')
  expect(await intake.redrive(refused.deadLetterId)).toEqual(refused)
  expect(await deadLetters.get(refused.deadLetterId)).toMatchObject({ redrivenAt: null })
  expect(await intake.redrive('nobody')).toBeNull()
})

test('a full log refuses the call and counts nothing, keeping its dead letters once the call is repeated', async () => {
  await log.close()
  await deadLetters.close()
  await rm(join(dir, 'log'), { recursive: true })
  await open(30_000)
  const batch = () => Array.from({ length: 100 }, (_, i) => goodItem(i))
  let failure: unknown = null
  for (let i = 0; i < 20 && failure === null; i++) {
    await intake.submit(batch(), 'http').catch((error: unknown) => {
      failure = error
    })
  }
  expect(failure).toMatchObject({ code: 'log_full', retryable: true })
  const before = intake.counters()
  const mixed = [...batch(), broken(7, { type: 'nothing' })]
  await expect(intake.submit(mixed, 'http')).rejects.toMatchObject({ code: 'log_full' })
  await expect(intake.submit(mixed, 'http')).rejects.toMatchObject({ code: 'log_full' })
  expect(intake.counters()).toEqual(before)
  expect(await deadLetters.counts()).toMatchObject({ kept: 1 })
})

test('what only this door may say is signed, and nothing else; a letter of the stream stays unsigned when it is redriven', async () => {
  const signed: string[] = []
  const sign = (record: NewRecord): NewRecord => {
    const decoded = decodeEvent(record.value)
    if (decoded.kind === 'ok') signed.push(decoded.event.id)
    return record
  }
  const door = createIntake({ log, deadLetters, now: () => nowMs, limits: { itemsMax: 10 }, sign })
  const consent: Event = {
    ...transfer(1),
    id: 'consent',
    type: 'consent.updated',
    data: { channel: 'sms', granted: true, purpose: 'marketing' },
  }
  const lift = {
    ...transfer(1),
    type: 'life_event.reported',
    data: { kind: 'illness', resolved: true, occurredAt: null },
  }
  const events = [consent, { ...lift, id: 'lift' }, { ...lift, id: 'loss', data: { ...lift.data, resolved: false } }]
  await door.submit(
    [...events, transfer(2)].map((event) => ({ kind: 'event', event })),
    'http',
  )
  expect(signed).toEqual(['consent', 'lift'])

  const letter = { id: 'p0-7', reason: 'untrusted_source', field: null, via: 'stream', at: nowMs } as const
  await deadLetters.put({ ...letter, bytes: encodeEvent({ ...consent, id: 'forged' }) })
  expect(await door.redrive('p0-7')).toMatchObject({ kind: 'appended' })
  expect(signed).toEqual(['consent', 'lift'])
})
