import { describe, expect, test } from 'vitest'
import { createEventCodec, decodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import { schemaCatalogue } from '../../../ingest/event-types.ts'
import { released } from '../../fixtures/released-bytes/released-bytes.ts'
import { type Field, type Json, ownSchema, type RecordJson, withData, withExtra, written } from './foreign-schemas.ts'

/** The id space of a registry that numbers otherwise than our list. */
const registered: ReadonlyMap<string, number> = new Map(
  [...schemaCatalogue.types.keys()].map((type, i) => [type, 100_018 - i]),
)
const id = 3

const purchase: Event = {
  id: 'e-1',
  source: 'cards',
  type: 'card.purchase',
  customerId: 'C17',
  time: 1_760_000_000_000,
  provenance: { via: 'stream', consentId: null },
  data: { amount: 5, currency: 'CNY', merchantCategory: 'fuel', merchantId: 'm-1', channel: 'pos', country: 'CN' },
}
const profile: Event = {
  ...purchase,
  type: 'profile.updated',
  data: {
    employmentStatus: 'retired',
    studentStatus: null,
    riskGrade: null,
    birthDate: -86_400_000,
    totalAssets: 7,
    currency: 'CNY',
    residenceRegion: null,
    tier: null,
    hasChildren: null,
    cleared: ['tier'],
  },
}

/** A codec in the registry's id space that was told what id 3 means. */
function codecOf(schema: RecordJson) {
  const codec = createEventCodec(schemaCatalogue, registered)
  return { codec, outcome: codec.learn(id, JSON.stringify(schema)) }
}

/** What today's reader makes of a record of such a writer. */
function readAs(schema: RecordJson, record: unknown) {
  const { codec, outcome } = codecOf(schema)
  expect(outcome.kind).toBe('learned')
  return codec.decode(written(schema, id, record))
}

function replaced(name: string, type: Json) {
  return (fields: readonly Field[]) => fields.map((field) => (field.name === name ? { ...field, type } : field))
}

function without(name: string) {
  return (fields: readonly Field[]) => fields.filter((field) => field.name !== name)
}

describe('bytes of every released schema', () => {
  const events = released.filter(({ type }) => type !== 'decision' && type !== 'batch')

  test('are checked in for each schema id', () => {
    expect(events.map((one) => [one.id, one.type])).toEqual(schemaCatalogue.versions.map((one) => [one.id, one.type]))
  })

  test.each(events)('$id $type are the same events for ever', ({ records, holds }) => {
    for (const [i, bytes] of records.entries())
      expect(decodeEvent(bytes)).toEqual({ kind: 'ok', event: today(holds[i]) })
    expect(records.length).toBe(holds.length)
  })

  test.each(events)(
    '$id $type are the same events by their schema from a registry',
    ({ id: releasedId, type, ...one }) => {
      const codec = createEventCodec(schemaCatalogue, registered)
      const schema: RecordJson = JSON.parse(
        JSON.stringify(schemaCatalogue.versions.find((version) => version.id === releasedId)?.avro),
      )
      const learned = { kind: 'learned', name: type }
      expect(codec.learn(77, JSON.stringify(schema))).toEqual(learned)
      expect(codec.learn(78, JSON.stringify(withExtra(schema, ['null', 'string'])))).toEqual(learned)
      for (const [i, record] of one.records.entries()) {
        const event = { kind: 'ok', event: today(one.holds[i]) }
        const bytes = Buffer.from(record)
        bytes.writeUInt32BE(77, 1)
        expect(codec.decode(bytes)).toEqual(event)
        bytes.writeUInt32BE(78, 1)
        expect(codec.decode(Buffer.concat([bytes, Buffer.from([0])]))).toEqual(event)
      }
    },
  )

  /** A checked-in event with the fields that its type got since: unknown. */
  function today(event: Readonly<Record<string, unknown>> | undefined): unknown {
    const rules = schemaCatalogue.types.get(String(event?.['type']))?.rules ?? []
    const later = Object.fromEntries(rules.map(({ name, type }) => [name, type === 'strings' ? [] : null]))
    return { ...event, data: { ...later, ...Object(event?.['data']) } }
  }
})

describe('a writer with an older schema', () => {
  test('that lacks a nullable field is read with null for it', () => {
    const older = withData(ownSchema('card.purchase'), without('merchantId'))
    const { merchantId: _, ...data } = purchase.data
    expect(readAs(older, { ...purchase, data })).toEqual({
      kind: 'ok',
      event: { ...purchase, data: { ...data, merchantId: null } },
    })
  })

  test('gives events of the shape that ours have, so that code reading them stays fast', () => {
    const older = withData(ownSchema('card.purchase'), without('merchantId'))
    const decoded = readAs(older, purchase)
    if (decoded.kind !== 'ok') throw new Error('not decoded')
    expect(Object.keys(decoded.event.data)).toEqual(Object.keys(purchase.data))
  })

  test('that has its fields in another order is read all the same', () => {
    const schema = ownSchema('card.purchase')
    const other = withData({ ...schema, fields: [...schema.fields].reverse() }, (fields) => [...fields].reverse())
    // The definition of a type stands at its first use, which is no matter here: each is used once.
    expect(readAs(other, purchase)).toEqual({ kind: 'ok', event: purchase })
  })
})

describe('a writer with a newer schema', () => {
  const nullable: Json = ['null', 'string']

  test('that has one nullable field more is read without it', () => {
    const newer = withData(ownSchema('card.purchase'), (fields) => [
      ...fields,
      { name: 'memo', type: nullable, default: null },
    ])
    for (const memo of [null, 'x'.repeat(300)]) {
      const record = { ...purchase, data: { ...purchase.data, memo } }
      expect(readAs(newer, record)).toEqual({ kind: 'ok', event: purchase })
    }
  })

  test('that has fields more anywhere is read without them', () => {
    const list: Json = {
      type: 'array',
      items: { type: 'record', name: 'Item', fields: [{ name: 'sku', type: 'string' }] },
    }
    const newer = withData(
      { ...ownSchema('card.purchase'), fields: [{ name: 'items', type: list }, ...ownSchema('card.purchase').fields] },
      (fields) => [
        { name: 'rate', type: 'double' },
        ...fields,
        { name: 'tags', type: { type: 'map', values: 'long' } },
      ],
    )
    const data = { rate: 0.5, ...purchase.data, tags: { a: 1, b: 2 } }
    expect(readAs(newer, { items: [{ sku: 'a' }, { sku: 'b' }], ...purchase, data })).toEqual({
      kind: 'ok',
      event: purchase,
    })
  })

  test('whose enumeration grew is read, except for the records with a symbol we do not have', () => {
    const category: Json = { type: 'enum', name: 'MerchantCategory', symbols: ['space_travel', 'fuel'] }
    const newer = withData(ownSchema('card.purchase'), replaced('merchantCategory', category))
    expect(readAs(newer, purchase)).toEqual({ kind: 'ok', event: purchase })
    const data = { ...purchase.data, merchantCategory: 'space_travel' }
    expect(readAs(newer, { ...purchase, data })).toEqual({
      kind: 'dead_letter',
      reason: 'field_invalid',
      field: 'merchantCategory',
    })
  })

  test('whose nullable enumeration grew is read alike', () => {
    const status: Json = ['null', { type: 'enum', name: 'EmploymentStatus', symbols: ['retired', 'astronaut'] }]
    const newer = withData(ownSchema('profile.updated'), replaced('employmentStatus', status))
    expect(readAs(newer, profile)).toEqual({ kind: 'ok', event: profile })
    const data = { ...profile.data, employmentStatus: 'astronaut' }
    expect(readAs(newer, { ...profile, data })).toMatchObject({ reason: 'field_invalid', field: 'employmentStatus' })
  })

  test.each([
    ['enumeration', { type: 'enum', name: 'Clearable', symbols: ['tier', 'shoeSize'] }],
    ['strings', 'string'],
  ])('whose list of names is one of an other %s is read, except for names we do not have', (_, items) => {
    const list: Json = { type: 'array', items }
    const newer = withData(ownSchema('profile.updated'), replaced('cleared', list))
    expect(readAs(newer, profile)).toEqual({ kind: 'ok', event: profile })
    const data = { ...profile.data, cleared: ['tier', 'shoeSize'] }
    expect(readAs(newer, { ...profile, data })).toMatchObject({ reason: 'field_invalid', field: 'cleared' })
  })

  test('cannot say that an event came in by a way we do not have', () => {
    const via: Json = { type: 'enum', name: 'Via', symbols: ['stream', 'telepathy'] }
    const provenance: Json = {
      type: 'record',
      name: 'Provenance',
      fields: [
        { name: 'via', type: via },
        { name: 'consentId', type: nullable },
      ],
    }
    const schema = ownSchema('card.purchase')
    const newer = {
      ...schema,
      fields: schema.fields.map((field) => (field.name === 'provenance' ? { ...field, type: provenance } : field)),
    }
    expect(readAs(newer, purchase)).toEqual({ kind: 'ok', event: purchase })
    const told = { ...purchase, provenance: { via: 'telepathy', consentId: null } }
    expect(readAs(newer, told)).toEqual({ kind: 'dead_letter', reason: 'field_invalid', field: 'via' })
  })

  test('whose numbers are narrower is read as ours', () => {
    const newer = withData(ownSchema('card.purchase'), replaced('amount', 'int'))
    expect(readAs(newer, purchase)).toEqual({ kind: 'ok', event: purchase })
  })

  test('that calls its parts otherwise within another namespace is read by their short names', () => {
    const category: Json = { type: 'enum', name: 'MerchantCategory', namespace: 'com.bank.cards', symbols: ['fuel'] }
    const newer = withData(ownSchema('card.purchase'), replaced('merchantCategory', category))
    expect(readAs(newer, purchase)).toEqual({ kind: 'ok', event: purchase })
  })
})

describe('a schema whose records cannot be ours makes dead letters of them', () => {
  test.each([
    ['a required field was removed', withData(ownSchema('card.purchase'), without('country'))],
    ['a required field may be null', withData(ownSchema('card.purchase'), replaced('amount', ['null', 'long']))],
    ['a number became a text', withData(ownSchema('card.purchase'), replaced('amount', 'string'))],
    ['an enumeration became a text', withData(ownSchema('card.purchase'), replaced('channel', 'string'))],
    ['an amount is a decimal', withData(ownSchema('card.purchase'), replaced('amount', decimal('bytes')))],
    [
      'an instant is in microseconds',
      withData(ownSchema('profile.updated'), replaced('birthDate', unit('long', 'timestamp-micros'))),
    ],
    [
      'an instant is in days',
      withData(ownSchema('profile.updated'), replaced('birthDate', ['null', unit('int', 'date')])),
    ],
    [
      'an instant is without a zone',
      withData(ownSchema('profile.updated'), replaced('birthDate', unit('long', 'local-timestamp-millis'))),
    ],
  ])('%s', (_, schema) => {
    const { codec, outcome } = codecOf(schema)
    expect(outcome).toMatchObject({ kind: 'refused', code: 'incompatible' })
    expect(codec.decode(Buffer.from([0, 0, 0, 0, id, 1, 2, 3]))).toEqual({
      kind: 'dead_letter',
      reason: 'schema_unknown',
      field: null,
    })
  })

  test('the refusal names the field that is missing', () => {
    const { outcome } = codecOf(withData(ownSchema('card.purchase'), without('country')))
    expect(outcome).toMatchObject({ detail: expect.stringContaining('country') })
  })
})

test('logical types that we do not know are read as what they are made of', () => {
  const schema = withExtra(withData(ownSchema('card.purchase'), replaced('amount', unit('long', 'yuan-fen'))), [
    'null',
    decimal('bytes'),
    unit('long', 'timestamp-nanos'),
    { type: 'fixed', name: 'D', size: 12, logicalType: 'duration' },
  ])
  const { codec, outcome } = codecOf(schema)
  expect(outcome.kind).toBe('learned')
  const own = written(ownSchema('card.purchase'), id, purchase)
  for (const extra of [[0], [2, 4, 1, 2], [4, 0x80, 1], [6, ...Array(12).fill(7)]]) {
    expect(codec.decode(Buffer.concat([own, Buffer.from(extra)]))).toEqual({ kind: 'ok', event: purchase })
  }
})

function unit(type: 'int' | 'long', logicalType: string): Json {
  return { type, logicalType }
}

function decimal(type: 'bytes'): Json {
  return { type, logicalType: 'decimal', precision: 12, scale: 2 }
}

describe('with a registry', () => {
  test('ids of our own list mean nothing until the registry says what they mean', () => {
    const codec = createEventCodec(schemaCatalogue, registered)
    const [bytes] = released.find(({ type }) => type === 'card.purchase')?.records ?? []
    if (bytes === undefined) throw new Error('no bytes')
    expect(codec.knows(2)).toBe(false)
    expect(codec.decode(bytes)).toMatchObject({ reason: 'schema_unknown' })
    codec.learn(2, JSON.stringify(ownSchema('profile.updated')))
    expect(codec.decode(written(ownSchema('profile.updated'), 2, profile))).toEqual({ kind: 'ok', event: profile })
  })

  test('events are written under the ids that it gave', () => {
    const codec = createEventCodec(schemaCatalogue, registered)
    const bytes = Buffer.from(codec.encode(purchase))
    expect(bytes.readUInt32BE(1)).toBe(registered.get('card.purchase'))
    expect(codec.decode(bytes)).toEqual({ kind: 'ok', event: purchase })
    expect(codec.ids).toHaveLength(schemaCatalogue.types.size)
  })

  test('a codec without an id for each type is not made', () => {
    expect(() => createEventCodec(schemaCatalogue, new Map([['card.purchase', 1]]))).toThrow('has a schema id')
  })
})
