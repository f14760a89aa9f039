import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createEventCodec, decodeEvent, encodeEvent, MAX_RECORD_BYTES } from '../../ingest/avro-codec.ts'
import type { Event } from '../../ingest/event.ts'
import { eventTypes } from '../../ingest/event-types.ts'
import { loadSchemaCatalogue } from '../../ingest/schema-catalogue.ts'

const schemas = new URL('../../ingest/schemas/', import.meta.url)

const purchase: Event = {
  id: 'e-1',
  source: 'cards',
  type: 'card.purchase',
  customerId: 'C17',
  time: 1_760_000_000_000,
  provenance: { via: 'http', consentId: null },
  data: {
    amount: 12_345,
    currency: 'CNY',
    merchantCategory: 'maternity',
    merchantId: null,
    channel: 'pos',
    country: 'CN',
  },
}
const profile: Event = {
  ...purchase,
  type: 'profile.updated',
  data: {
    employmentStatus: null,
    studentStatus: true,
    riskGrade: null,
    birthDate: null,
    totalAssets: null,
    currency: null,
    residenceRegion: null,
    tier: null,
    hasChildren: null,
    cleared: [],
  },
}
/** The bytes release 0.1 wrote for `purchase`. */
const purchaseHex = '000000000206652d310a6361726473064331378080e682b9660000f2c00106434e5900000004434e'

test('schema ids are the ones bytes in logs already name', () => {
  expect(Array.from(eventTypes.values(), ({ name, schemaId }) => [schemaId, name])).toEqual([
    [1, 'account.opened'],
    [2, 'card.purchase'],
    [3, 'transfer.made'],
    [4, 'repayment.made'],
    [5, 'wealth.trade'],
    [6, 'page.viewed'],
    [7, 'search.made'],
    [8, 'nps.answered'],
    [9, 'profile.updated'],
    [12, 'offer.presented'],
    [13, 'offer.clicked'],
    [14, 'offer.accepted'],
    [15, 'offer.dismissed'],
    [16, 'message.sent'],
    [17, 'message.delivered'],
    [18, 'message.failed'],
    [19, 'customer.erased'],
    [20, 'identity.linked'],
    [21, 'identity.unlinked'],
    [22, 'score.updated'],
    [31, 'life_event.reported'],
    [33, 'complaint.updated'],
    [34, 'guardrail.overridden'],
    [35, 'consent.updated'],
  ])
})

test('the bytes of an event stay the same from release to release', () => {
  expect(Buffer.from(encodeEvent(purchase)).toString('hex')).toBe(purchaseHex)
  expect(decodeEvent(Buffer.from(purchaseHex, 'hex'))).toEqual({ kind: 'ok', event: purchase })
})

test('what is decoded does not change when the bytes are reused', () => {
  const bytes = encodeEvent(purchase)
  const decoded = decodeEvent(bytes)
  bytes.fill(0xff)
  expect(decoded).toEqual({ kind: 'ok', event: purchase })
})

test('events of one type share one shape, so that code reading them stays fast', () => {
  const [a, b] = [decodeEvent(encodeEvent(purchase)), decodeEvent(encodeEvent({ ...purchase, id: 'e-2' }))]
  if (a.kind !== 'ok' || b.kind !== 'ok') throw new Error('not decoded')
  expect(Object.getPrototypeOf(a.event.data)).toBe(Object.getPrototypeOf(b.event.data))
  expect(Object.keys(a.event.data)).toEqual(Object.keys(purchase.data))
})

test('other framings and unknown schema ids are told apart', () => {
  const bytes = encodeEvent(purchase)
  expect(decodeEvent(new Uint8Array(0))).toMatchObject({ reason: 'undecodable' })
  expect(decodeEvent(Buffer.from('{"id":1}'))).toMatchObject({ reason: 'undecodable' })
  expect(decodeEvent(Buffer.from([1, ...bytes.subarray(1)]))).toMatchObject({ reason: 'undecodable' })
  for (const id of [0, 999, 0x7fffffff, 0xffffffff]) {
    const other = Buffer.from(bytes)
    other.writeUInt32BE(id, 1)
    expect(decodeEvent(other)).toEqual({ kind: 'dead_letter', reason: 'schema_unknown', field: null })
  }
})

test('a record of more than 64 KB is refused before it is read', () => {
  expect(decodeEvent(Buffer.alloc(MAX_RECORD_BYTES + 1))).toEqual({
    kind: 'dead_letter',
    reason: 'too_large',
    field: null,
  })
})

test('a number too large to be exact is refused instead of rounded', () => {
  const largest = 2 ** 52 - 1
  const bytes = Buffer.from(encodeEvent({ ...purchase, data: { ...purchase.data, amount: largest } }))
  expect(decodeEvent(bytes)).toMatchObject({ kind: 'ok', event: { data: { amount: largest } } })
  const zigzag = Buffer.from('feffffffffffff0f', 'hex')
  const at = bytes.indexOf(zigzag)
  expect(at).toBeGreaterThan(0)
  const withAmount = (hex: string) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from(hex, 'hex'), bytes.subarray(at + zigzag.length)])
  // 2^52 and 2^53 - 1, which the wire can hold.
  expect(decodeEvent(withAmount('8080808080808010'))).toMatchObject({ reason: 'field_invalid', field: 'amount' })
  expect(decodeEvent(withAmount('feffffffffffff1f'))).toMatchObject({ kind: 'dead_letter' })
  // 2^63 - 1 and -2^63.
  expect(decodeEvent(withAmount('feffffffffffffffff01'))).toMatchObject({ reason: 'undecodable' })
  expect(decodeEvent(withAmount('ffffffffffffffffff01'))).toMatchObject({ reason: 'undecodable' })
})

test('a list that claims a billion entries is refused in no time', () => {
  const bytes = encodeEvent(profile)
  const billion = Buffer.from('8094ebdc03', 'hex')
  const bomb = Buffer.concat([bytes.subarray(0, -1), billion, Buffer.alloc(20)])
  const startedAt = performance.now()
  expect(decodeEvent(bomb)).toMatchObject({ kind: 'dead_letter', reason: 'undecodable' })
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})

test('a list in several blocks, with and without their sizes, is read as one', () => {
  const bytes = encodeEvent(profile)
  // One entry (tier = 6), then a block of one with its size in bytes (hasChildren = 7), then the end.
  const blocks = Buffer.from([2, 12, 1, 2, 14, 0])
  const decoded = decodeEvent(Buffer.concat([bytes.subarray(0, -1), blocks]))
  expect(decoded).toMatchObject({ kind: 'ok', event: { data: { cleared: ['tier', 'hasChildren'] } } })
})

test('what decodes but breaks a rule is a dead letter that names the field', () => {
  const bytes = Buffer.from(encodeEvent(purchase))
  bytes[bytes.indexOf('C17')] = 0x20
  expect(decodeEvent(bytes)).toEqual({ kind: 'dead_letter', reason: 'customer_invalid', field: 'customerId' })
})

test('bytes of an earlier schema version are read as the current one, with unknowns for what it did not have', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-schemas-'))
  try {
    await cp(schemas, dir, { recursive: true })
    const directory = pathToFileURL(`${dir}/`)
    const written = createEventCodec(loadSchemaCatalogue(directory)).encode({
      ...purchase,
      type: 'nps.answered',
      data: { score: 9, topic: 'app' },
    })
    const newer = JSON.parse(await readFile(join(dir, 'nps.answered.avsc'), 'utf8'))
    newer.fields.at(-1).type.fields.push({ name: 'comment', type: ['null', { type: 'string' }], default: null })
    await writeFile(join(dir, 'nps.answered.2.avsc'), JSON.stringify(newer))
    const ids = JSON.parse(await readFile(join(dir, 'ids.json'), 'utf8'))
    await writeFile(
      join(dir, 'ids.json'),
      JSON.stringify([...ids, { id: 99, type: 'nps.answered', file: 'nps.answered.2.avsc' }]),
    )
    const catalogue = loadSchemaCatalogue(directory)
    expect(catalogue.types.get('nps.answered')?.schemaId).toBe(99)
    const codec = createEventCodec(catalogue)
    expect(codec.decode(written)).toMatchObject({
      kind: 'ok',
      event: { type: 'nps.answered', data: { score: 9, topic: 'app', comment: null } },
    })
  } finally {
    await rm(dir, { recursive: true })
  }
})
