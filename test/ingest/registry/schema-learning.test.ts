import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEventCodec } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import { schemaCatalogue } from '../../../ingest/event-types.ts'
import { createIntake } from '../../../ingest/intake.ts'
import { openDeadLetters } from '../../../ingest/lmdb-dead-letters.ts'
import { openLmdbLog } from '../../../ingest/lmdb-log.ts'
import { cachedRegistry } from '../../../ingest/registry/cached-registry.ts'
import { createHttpRegistry } from '../../../ingest/registry/http-registry.ts'
import { registerEventSchemas } from '../../../ingest/registry/register-schemas.ts'
import { LEARNED_IDS_MAX } from '../../../ingest/registry/schema-learner.ts'
import { createSchemaLearning } from '../../../ingest/registry/schema-learning.ts'
import { ownSchema, withData, written } from './foreign-schemas.ts'
import { type RegistryServer, startRegistryServer } from './registry-server.ts'

const purchase: Event = {
  id: 'e-1',
  source: 'cards',
  type: 'card.purchase',
  customerId: 'C17',
  time: 1_760_000_000_000,
  provenance: { via: 'stream', consentId: null },
  data: { amount: 5, currency: 'CNY', merchantCategory: 'fuel', merchantId: 'm-1', channel: 'pos', country: 'CN' },
}
/** What a producer ahead of us writes. */
const newer = withData(ownSchema('card.purchase'), (fields) => [...fields, { name: 'memo', type: ['null', 'string'] }])
const newerRecord = { ...purchase, data: { ...purchase.data, memo: 'x' } }

let server: RegistryServer
let nowMs = 0
beforeEach(async () => {
  server = await startRegistryServer()
})
afterEach(() => server.close())

/** An engine that started with the registry. */
async function started() {
  const http = createHttpRegistry({ url: server.url, timeoutMs: 500, retry: { firstMs: 5, mostMs: 20 } })
  const registry = cachedRegistry(http, { now: () => nowMs })
  const ids = await registerEventSchemas(registry, schemaCatalogue, 'events', 5_000)
  const codec = createEventCodec(schemaCatalogue, ids)
  return { ids, codec, learn: createSchemaLearning(registry, codec, () => nowMs) }
}

test('at start each event type is registered under its topic and record, and a second start gets the same ids', async () => {
  const first = await started()
  expect(server.calls).toContain('POST /subjects/events-proffer.CardPurchase/versions')
  expect(server.calls).toHaveLength(schemaCatalogue.types.size)
  expect((await started()).ids).toEqual(first.ids)
})

function asked(): readonly string[] {
  return server.calls.filter((call) => call.startsWith('GET'))
}

test('an event of a producer ahead of us is decoded after its schema was fetched, once', async () => {
  const { codec, learn } = await started()
  const id = server.put('events-proffer.CardPurchase', JSON.stringify(newer))
  const bytes = written(newer, id, newerRecord)
  expect(codec.decode(bytes)).toMatchObject({ reason: 'schema_unknown' })
  expect(learn([codec.encode(purchase)], 1_000)).toBeNull()

  await Promise.all([learn([codec.encode(purchase), bytes, bytes], 1_000), learn([bytes], 1_000)])
  expect(codec.decode(bytes)).toEqual({ kind: 'ok', event: purchase })
  expect(learn([bytes], 1_000)).toBeNull()
  expect(asked()).toEqual([`GET /schemas/ids/${id}`])
})

test('ids that are known, not framed or out of range are not asked for', async () => {
  const { codec, learn } = await started()
  const out = [0, 0x80000000, 0xffffffff].map((id) => written(newer, id, newerRecord))
  const values = [
    codec.encode(purchase),
    new Uint8Array(0),
    Buffer.from('{"id": 1}'),
    Buffer.from([1, 0, 0, 9, 9]),
    ...out,
  ]
  expect(learn(values, 1_000)).toBeNull()
  await learn([Buffer.from([0, 0, 0, 9, 9])], 1_000)
  expect(asked()).toEqual([`GET /schemas/ids/${9 * 256 + 9}`])
})

test('an id that the registry does not have holds nothing up, and is asked for again after ten seconds', async () => {
  const { codec, learn } = await started()
  const nextId = server.put('other-value', '"int"') + 1
  const bytes = written(newer, nextId, newerRecord)
  await learn([bytes], 1_000)
  expect(learn([bytes], 1_000)).toBeNull()
  server.put('events-proffer.CardPurchase', JSON.stringify(newer))
  nowMs += 10_001
  await learn([bytes], 1_000)
  expect(codec.decode(bytes).kind).toBe('ok')
})

test('of many ids those the registry has are learned', async () => {
  const { codec, learn } = await started()
  const there = Array.from({ length: 20 }, (_, i) =>
    server.put('other-value', JSON.stringify({ type: 'record', name: `R${i}`, fields: [] })),
  )
  const gone = Array.from({ length: 20 }, (_, i) => 50_000 + i)
  await learn(
    [...gone, ...there].map((id) => written(newer, id, newerRecord)),
    5_000,
  )
  expect(there.filter((id) => codec.knows(id))).toEqual(there)
  expect(gone.filter((id) => codec.knows(id))).toEqual([])
})

test('a registry that cannot be asked is an error, never an unknown schema', async () => {
  const { codec, learn } = await started()
  const id = server.put('events-proffer.CardPurchase', JSON.stringify(newer))
  const values = [id, 50_000, 50_001].map((one) => written(newer, one, newerRecord))
  server.behaviour.isDead = true
  const startedAt = performance.now()
  await expect(learn(values, 200)).rejects.toMatchObject({ code: 'registry_unavailable', retryable: true })
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  server.behaviour.isDead = false
  await learn(values, 5_000)
  expect(codec.knows(id)).toBe(true)
})

test('a codec that is full lacks nothing any more', async () => {
  const taught: number[] = []
  const codec = { ids: [1], learn: (id: number) => taught.push(id) }
  const texts = cachedRegistry({
    schemaOf: async () => ({ kind: 'schema', text: '"int"' }),
    register: async () => 1,
  })
  const learn = createSchemaLearning(texts, codec)
  const framed = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => written(newer, from + i, newerRecord))
  await learn(framed(10_000, LEARNED_IDS_MAX - 1), 5_000)
  await learn(framed(20_000, 1), 5_000)
  expect(taught).toHaveLength(LEARNED_IDS_MAX)
  expect(learn(framed(30_000, 1), 5_000)).toBeNull()
})

test('a dead letter of an unknown schema is taken when the registry knows the schema and it is redriven', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-registry-'))
  const now = () => 1_760_000_000_000
  const log = await openLmdbLog({
    dir: join(dir, 'log'),
    name: 'events',
    partitions: 2,
    now,
    retentionMs: 1e9,
    maxBytes: 1e8,
  })
  const deadLetters = openDeadLetters({ dir: join(dir, 'dead'), maxCount: 100, maxBytes: 1e7, retentionMs: 1e9, now })
  try {
    const { codec, learn } = await started()
    const intake = createIntake({ log, deadLetters, now, limits: { itemsMax: 10 }, registry: { codec, learn } })
    const nextId = server.put('other-value', '"int"') + 1
    const bytes = written(newer, nextId, newerRecord)

    const [refused] = await intake.submit([{ kind: 'avro', bytes }], 'http')
    if (refused?.kind !== 'rejected') throw new Error('taken')
    expect(refused.reason).toBe('schema_unknown')
    expect(server.put('events-proffer.CardPurchase', JSON.stringify(newer))).toBe(nextId)
    nowMs += 10_001
    const taken = await intake.redrive(refused.deadLetterId)
    if (taken?.kind !== 'appended') throw new Error('refused')
    const [record] = await log.read(taken.partition, taken.offset, { maxBytes: 1e6, maxRecords: 1 })
    // What is in the log is ours: an event under the id that the registry gave us.
    expect(record && codec.decode(record.value)).toEqual({
      kind: 'ok',
      event: { ...purchase, provenance: { via: 'http', consentId: null } },
    })
    expect(record && Buffer.from(record.value).readUInt32BE(1)).not.toBe(nextId)

    server.behaviour.authorization = 'Bearer other'
    await expect(
      intake.submit([{ kind: 'avro', bytes: written(newer, 77_777, newerRecord) }], 'http'),
    ).rejects.toMatchObject({ code: 'registry_denied' })
  } finally {
    await log.close()
    await deadLetters.close()
    await rm(dir, { recursive: true })
  }
})
