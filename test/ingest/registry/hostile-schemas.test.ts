import avro from 'avsc'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEventCodec, encodeEvent } from '../../../ingest/avro-codec.ts'
import { schemaCatalogue } from '../../../ingest/event-types.ts'
import { LEARNED_IDS_MAX } from '../../../ingest/registry/schema-learner.ts'
import { SCHEMA_BYTES_MAX } from '../../../ingest/registry/schema-registry.ts'
import { readWriterSchema } from '../../../ingest/registry/writer-schema.ts'
import { type Json, ownSchema, type RecordJson, withExtra } from './foreign-schemas.ts'

const purchase = ownSchema('card.purchase')
const own = encodeEvent({
  id: 'e-1',
  source: 'cards',
  type: 'card.purchase',
  customerId: 'C17',
  time: 1_760_000_000_000,
  provenance: { via: 'http', consentId: null },
  data: { amount: 5, currency: 'CNY', merchantCategory: 'fuel', merchantId: null, channel: 'pos', country: 'CN' },
})
const id = 4_711

/** The purchase's bytes under the id, with more behind. */
function framed(more: readonly number[]): Buffer {
  const bytes = Buffer.concat([own, Buffer.from(more)])
  bytes.writeUInt32BE(id, 1)
  return bytes
}

function learned(schema: unknown) {
  const codec = createEventCodec(schemaCatalogue)
  const text = typeof schema === 'string' ? schema : (JSON.stringify(schema) ?? '')
  const startedAt = performance.now()
  const outcome = codec.learn(id, text)
  return { codec, outcome, tookMs: performance.now() - startedAt }
}

const nested = (depth: number): Json => (depth === 0 ? 'int' : { type: 'array', items: nested(depth - 1) })
const fixedTypes = (count: number): Json =>
  Array.from({ length: count }, (_, i) => ({ type: 'fixed', name: `F${i}`, size: 1 }))

/** A record of two of the next smaller one, so many times: a few lines that unfold without end. */
function laughs(levels: number): Json {
  let type: Json = { type: 'record', name: 'L0', fields: [{ name: 'a', type: 'int', default: 0 }] }
  for (let i = 1; i <= levels; i++) {
    const fields: Json = [
      { name: 'a', type, default: {} },
      { name: 'b', type: `L${i - 1}`, default: {} },
    ]
    type = { type: 'record', name: `L${i}`, fields }
  }
  return type
}

const refused: readonly (readonly [name: string, schema: unknown, code: string])[] = [
  ['nothing', '', 'not_avro'],
  ['no JSON', '{"type": "record", ', 'not_avro'],
  ['a number', '17', 'not_avro'],
  ['a primitive', '"string"', 'unsupported'],
  ['an enumeration at the top', { type: 'enum', name: 'E', symbols: ['A'] }, 'unsupported'],
  ['a union of records', [purchase], 'unsupported'],
  ['a JSON Schema', { type: 'object', properties: {} }, 'not_avro'],
  ['another record', { ...purchase, name: 'CardRefund' }, 'type_unknown'],
  ['our record in another namespace', { ...purchase, namespace: 'evil' }, 'type_unknown'],
  ['our record in no namespace', { ...purchase, namespace: '' }, 'type_unknown'],
  ['a namespace that is no text', { ...purchase, namespace: 7 }, 'not_avro'],
  ['a name with code in it', { ...purchase, name: 'A(){}; throw 1; //' }, 'not_avro'],
  ['a name of dots', { ...purchase, name: 'proffer..CardPurchase' }, 'not_avro'],
  ['no name', { ...purchase, name: undefined }, 'not_avro'],
  ['no fields', { ...purchase, fields: undefined }, 'not_avro'],
  ['fields that are no list', { ...purchase, fields: { id: 'string' } }, 'not_avro'],
  ['a field without a type', { ...purchase, fields: [...purchase.fields, { name: 'x' }] }, 'not_avro'],
  ['a field that is null', { ...purchase, fields: [null] }, 'not_avro'],
  ['a field twice', { ...purchase, fields: [...purchase.fields, ...purchase.fields] }, 'not_avro'],
  ['a field with code in its name', withField('x){}while(1);//'), 'not_avro'],
  ['a field __proto__', withField('__proto__'), 'unsupported'],
  ['a field constructor', withField('constructor'), 'unsupported'],
  ['a type that is not defined', withExtra(purchase, 'proffer.Later'), 'not_avro'],
  ['a type defined twice', withExtra(purchase, { type: 'enum', name: 'Via', symbols: ['A'] }), 'not_avro'],
  ['a type named constructor', withExtra(purchase, enumeration(['A'], '.constructor')), 'unsupported'],
  ['a type named like a primitive', withExtra(purchase, enumeration(['A'], 'x.string')), 'not_avro'],
  ['a type that holds itself', withExtra(purchase, chain(['null', 'Chain'])), 'unsupported'],
  ['a type that holds itself without end', withExtra(purchase, chain('Chain')), 'unsupported'],
  ['the record within itself', withExtra(purchase, ['null', 'CardPurchase']), 'unsupported'],
  ['a list of nothing', withExtra(purchase, { type: 'array', items: 'null' }), 'unsupported'],
  ['a list of empty records', withExtra(purchase, { type: 'array', items: empty() }), 'unsupported'],
  ['a field of nothing', withExtra(purchase, 'null'), 'unsupported'],
  ['a fixed of no bytes', withExtra(purchase, { type: 'fixed', name: 'F', size: 0 }), 'unsupported'],
  ['a fixed of a billion bytes', withExtra(purchase, { type: 'fixed', name: 'F', size: 1e9 }), 'not_avro'],
  ['a union of nothing', withExtra(purchase, []), 'not_avro'],
  ['a union in a union', withExtra(purchase, ['null', ['int', 'string']]), 'not_avro'],
  ['a list without items', withExtra(purchase, { type: 'array' }), 'not_avro'],
  ['no symbols', withExtra(purchase, enumeration([])), 'not_avro'],
  ['a symbol twice', withExtra(purchase, enumeration(['A', 'A'])), 'not_avro'],
  ['a symbol that is no name', withExtra(purchase, enumeration(['a b'])), 'not_avro'],
  ['a symbol toString', withExtra(purchase, enumeration(['toString'])), 'unsupported'],
  ['ten thousand symbols', withExtra(purchase, enumeration(names(10_000))), 'too_large'],
  ['two thousand types in a union', withExtra(purchase, fixedTypes(2_000)), 'too_large'],
  ['types nested without end', `{"type":`.repeat(20_000), 'not_avro'],
  ['lists nested a hundred deep', withExtra(purchase, nested(100)), 'too_large'],
  ['brackets nested a hundred thousand deep', `${'['.repeat(1e5)}${']'.repeat(1e5)}`, 'too_large'],
  ['records that unfold to a million', withExtra(purchase, laughs(20)), 'too_large'],
  ['records that unfold to 2^200', withExtra(purchase, laughs(12)), 'too_large'],
  ['a text beyond the bound', { ...purchase, doc: 'x'.repeat(SCHEMA_BYTES_MAX) }, 'too_large'],
  ['many bytes in few characters', { ...purchase, doc: '€'.repeat(SCHEMA_BYTES_MAX / 2) }, 'too_large'],
]

function withField(name: string): RecordJson {
  return { ...purchase, fields: [...purchase.fields, { name, type: 'int' }] }
}

function enumeration(symbols: readonly string[], name = 'Extra'): Json {
  return { type: 'enum', name, symbols }
}

function chain(next: Json): Json {
  return { type: 'record', name: 'Chain', fields: [{ name: 'next', type: next }] }
}

function empty(): Json {
  return { type: 'record', name: 'Empty', fields: [] }
}

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `s${i}`)
}

describe('a schema that cannot be used is refused in no time, and its events are dead letters', () => {
  test.each(refused)('%s', (_, schema, code) => {
    const { codec, outcome, tookMs } = learned(schema)
    expect(outcome).toMatchObject({ kind: 'refused', code })
    expect(outcome.kind === 'refused' && outcome.detail.length).toBeLessThanOrEqual(200)
    expect(tookMs).toBeLessThan(1_000)
    expect(codec.knows(id)).toBe(true)
    const reason = code === 'type_unknown' ? 'type_unknown' : 'schema_unknown'
    expect(codec.decode(framed([]))).toMatchObject({ kind: 'dead_letter', reason })
  })
})

test('a refusal says what is at fault', () => {
  expect(learned(withExtra(purchase, 'proffer.Later')).outcome).toMatchObject({
    detail: 'proffer.Later is not defined',
  })
  expect(learned(withExtra(purchase, 'null')).outcome).toMatchObject({ detail: 'field extra holds nothing' })
})

/** Types of an extra field with bytes that claim more than there is, or go back. */
const bombs: readonly (readonly [name: string, type: Json, bytes: readonly number[]])[] = [
  ['a list of a billion', { type: 'array', items: 'int' }, [0x80, 0x94, 0xeb, 0xdc, 0x03]],
  ['a list of 2^60', { type: 'array', items: 'int' }, [...Array(8).fill(0x80), 0x20]],
  ['a list of more than any number', { type: 'array', items: 'int' }, Array(300).fill(0xff)],
  [
    'a list of fixed bytes',
    { type: 'array', items: { type: 'fixed', name: 'F', size: 200_000 } },
    [0x14, ...Array(40).fill(1)],
  ],
  ['a block that jumps back to itself', { type: 'array', items: 'int' }, [1, 3, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['a list of less than nothing', { type: 'array', items: 'int' }, [...Array(9).fill(0xff), 1]],
  ['a block that jumps beyond', { type: 'array', items: 'int' }, [1, 0xfe, 0xff, 0x7f]],
  ['a list of lists of a billion', nested(2), [2, 0x80, 0x94, 0xeb, 0xdc, 0x03]],
  ['lists of lists, each as long as it may be', nested(8), Array(4_000).fill(0x7e)],
  ['a map of a billion', { type: 'map', values: 'int' }, [0x80, 0x94, 0xeb, 0xdc, 0x03]],
  ['a map with a key of minus one', { type: 'map', values: 'int' }, [2, 1]],
  ['a map block that jumps back to itself', { type: 'map', values: 'int' }, [1, 3]],
  ['a union branch that is not there', ['null', 'int'], [0x7e]],
  ['a text of minus one', 'string', [1]],
  ['a text beyond the bytes', 'string', [0xfe, 0xff, 0x7f]],
  ['nothing', 'string', []],
]

describe('bytes that claim more than there is behind a learned schema end in no time', () => {
  test.each(bombs)('%s', (_, type, bytes) => {
    const { codec, outcome } = learned(withExtra(purchase, type))
    expect(outcome).toMatchObject({ kind: 'learned', name: 'card.purchase' })
    const startedAt = performance.now()
    expect(codec.decode(framed(bytes))).toEqual({ kind: 'dead_letter', reason: 'undecodable', field: null })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

test('the widest schema that is taken costs no more than the longest record', () => {
  const wide: Json = {
    type: 'array',
    items: {
      type: 'record',
      name: 'Wide',
      fields: Array.from({ length: 400 }, (_, i) => ({ name: `f${i}`, type: ['null', 'int'] })),
    },
  }
  const { codec, outcome } = learned(withExtra(purchase, wide))
  expect(outcome.kind).toBe('learned')
  const rest = 65_536 - own.length - 3
  const startedAt = performance.now()
  codec.decode(framed([0xfe, 0xff, 0x07, ...Array(rest).fill(0)]))
  expect(performance.now() - startedAt).toBeLessThan(1_000)
})

test('what an event does not need may be as odd as Avro allows', () => {
  const odd: Json = [
    'null',
    'int',
    'long',
    'double',
    {
      type: 'map',
      values: ['string', { type: 'array', items: { type: 'bytes', logicalType: 'decimal', precision: 4 } }],
    },
    { type: 'record', name: 'org.example.Inner', namespace: 'ignored', fields: [{ name: 'via', type: 'proffer.Via' }] },
  ]
  const { codec, outcome } = learned(withExtra(purchase, odd))
  expect(outcome).toEqual({ kind: 'learned', name: 'card.purchase' })
  // The branch of the map: one entry, key k, a list of one decimal.
  expect(codec.decode(framed([8, 2, 2, 0x6b, 2, 2, 2, 9, 0, 0]))).toMatchObject({ kind: 'ok', event: { id: 'e-1' } })
  // The last branch: an enumeration's symbol.
  expect(codec.decode(framed([10, 2]))).toMatchObject({ kind: 'ok' })
})

test('blocks that state their size are jumped over when nobody reads them', () => {
  const odd: Json = { type: 'map', values: { type: 'array', items: 'string' } }
  const { codec } = learned(withExtra(purchase, odd))
  // Two entries in 7 bytes, then one without a size whose list is two in 4 bytes and one more.
  const sized = [3, 14, 2, 0x61, 0, 4, 0x62, 0x62, 0]
  const plain = [2, 2, 0x63, 3, 8, 2, 0x78, 2, 0x79, 2, 2, 0x7a, 0]
  expect(codec.decode(framed([...sized, ...plain, 0]))).toMatchObject({ kind: 'ok', event: { id: 'e-1' } })
  expect(codec.decode(framed([...sized, ...plain, 0, 0]))).toMatchObject({ reason: 'undecodable' })
})

test('an id is learned once, and its meaning stays', () => {
  const { codec } = learned(purchase)
  const before = codec.decode(framed([]))
  expect(codec.learn(id, '{}')).toEqual({ kind: 'learned', name: 'card.purchase' })
  expect(codec.decode(framed([]))).toEqual(before)
  expect(codec.learn(3, JSON.stringify(purchase))).toEqual({ kind: 'learned', name: 'transfer.made' })
})

test('a codec that has learned as much as it may learns no more, and says so', () => {
  const codec = createEventCodec(schemaCatalogue)
  const firstId = 10_000
  // The old versions of the catalogue are learned too.
  const learnedBefore = schemaCatalogue.versions.filter((version) => !version.current).length
  for (let i = 0; i < LEARNED_IDS_MAX - learnedBefore; i++) codec.learn(firstId + i, '{}')
  expect(codec.learn(id, JSON.stringify(purchase))).toMatchObject({ kind: 'refused', code: 'full' })
  expect(codec.knows(id)).toBe(false)
  expect(codec.decode(framed([]))).toMatchObject({ reason: 'schema_unknown' })
  expect(codec.decode(own)).toMatchObject({ kind: 'ok' })
})

test('whatever JSON stands for a schema, the answer is a value and the library takes what is not refused', () => {
  const key = fc.constantFrom('type', 'name', 'namespace', 'fields', 'items', 'values', 'symbols', 'size', 'default')
  const word = fc.constantFrom(
    'record',
    'enum',
    'array',
    'map',
    'fixed',
    'null',
    'int',
    'string',
    'A',
    'a.B',
    '',
    '.',
    'toString',
  )
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      word,
      fc.integer(),
      fc.constant(null),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(key, tie('json'), { maxKeys: 4 }),
      fc.record({
        type: fc.constant('record'),
        name: word,
        fields: fc.array(fc.record({ name: word, type: tie('json') })),
      }),
    ),
  }))
  fc.assert(
    fc.property(json, (schema) => {
      const read = readWriterSchema(JSON.stringify(schema) ?? '')
      if (read.kind === 'schema') avro.Type.forSchema(JSON.parse(JSON.stringify(read.schema)), { wrapUnions: 'always' })
      else expect(read.detail.length).toBeLessThanOrEqual(200)
    }),
    { numRuns: 3_000 },
  )
})

test('random bytes behind a learned schema are answered in no time, never thrown at the caller', () => {
  const odd: Json = [
    'null',
    { type: 'map', values: { type: 'array', items: ['null', 'string', { type: 'array', items: 'int' }] } },
  ]
  const { codec } = learned(withExtra(purchase, odd))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(own.length), (more, cut) => {
      const startedAt = performance.now()
      expect(['ok', 'dead_letter']).toContain(codec.decode(framed([...more])).kind)
      const bytes = Buffer.concat([own.subarray(0, Math.max(5, cut)), more])
      bytes.writeUInt32BE(id, 1)
      expect(['ok', 'dead_letter']).toContain(codec.decode(bytes).kind)
      expect(performance.now() - startedAt).toBeLessThan(1_000)
    }),
    { numRuns: 3_000 },
  )
})
