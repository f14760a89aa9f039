import { CloudEvent, HTTP } from 'cloudevents'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCloudEvent, printCloudEvent } from '../../ingest/cloud-event.ts'
import { parseInstant } from '../../ingest/instant.ts'
import { anyEvent } from './event-arbitrary.ts'

const search = {
  specversion: '1.0',
  id: 'e-1',
  source: 'app',
  type: 'search.made',
  subject: 'C17',
  time: '2026-01-31T17:00:00.5+08:00',
  data: { category: 'study_abroad' },
}

/** `search` with some attributes replaced; undefined takes one away. */
function variant(changes: Readonly<Record<string, unknown>>): unknown {
  return JSON.parse(JSON.stringify({ ...search, ...changes }))
}

function rejectionOf(value: unknown): unknown {
  const parsed = parseCloudEvent(value, 'http')
  return parsed.kind === 'rejected' ? parsed.rejection : parsed
}

test('the CloudEvents SDK takes every event we print, and what it sends we read as the same event', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const printed = JSON.parse(JSON.stringify(printCloudEvent(event)))
      const judged = new CloudEvent(printed, true)
      expect(judged.validate()).toBe(true)
      const { body } = HTTP.structured(judged)
      const parsed = parseCloudEvent(JSON.parse(String(body)), event.provenance.via)
      expect(parsed).toEqual({ kind: 'ok', event })
    }),
    { numRuns: 500 },
  )
})

test('an event a sender builds with the SDK is read, absent fields as unknown', () => {
  const sent = new CloudEvent({ ...search, time: '2026-01-31T09:00:00.500Z', consentid: 'consent-9' })
  expect(parseCloudEvent(JSON.parse(JSON.stringify(sent)), 'stream')).toEqual({
    kind: 'ok',
    event: {
      id: 'e-1',
      source: 'app',
      type: 'search.made',
      customerId: 'C17',
      time: Date.UTC(2026, 0, 31, 9, 0, 0, 500),
      provenance: { via: 'stream', consentId: 'consent-9' },
      data: { category: 'study_abroad', text: null },
    },
  })
})

test('how an event came in is stamped, whatever the sender claims', () => {
  expect(parseCloudEvent(variant({ via: 'demo' }), 'http')).toMatchObject({
    event: { provenance: { via: 'http', consentId: null } },
  })
})

test('each thing that can be wrong with an attribute has its reason and field', () => {
  const cases: readonly [unknown, string, string | null][] = [
    [undefined, 'undecodable', null],
    ['{}', 'undecodable', null],
    [[search], 'undecodable', null],
    [variant({ specversion: '0.3' }), 'field_invalid', 'specversion'],
    [variant({ specversion: undefined }), 'field_missing', 'specversion'],
    [variant({ id: undefined }), 'field_missing', 'id'],
    [variant({ id: '' }), 'field_missing', 'id'],
    [variant({ id: 17 }), 'field_invalid', 'id'],
    [variant({ id: 'x'.repeat(129) }), 'field_invalid', 'id'],
    [variant({ id: 'a\nb' }), 'field_invalid', 'id'],
    [variant({ id: '\ud800' }), 'field_invalid', 'id'],
    [variant({ source: undefined }), 'field_missing', 'source'],
    [variant({ source: 'core banking' }), 'field_invalid', 'source'],
    [variant({ type: undefined }), 'field_missing', 'type'],
    [variant({ type: 'card.purchased' }), 'type_unknown', 'type'],
    [variant({ type: '__proto__' }), 'type_unknown', 'type'],
    [variant({ subject: undefined }), 'field_missing', 'subject'],
    [variant({ subject: '' }), 'customer_invalid', 'subject'],
    [variant({ subject: 'C 17' }), 'customer_invalid', 'subject'],
    [variant({ subject: '客户' }), 'customer_invalid', 'subject'],
    [variant({ subject: 'x'.repeat(65) }), 'customer_invalid', 'subject'],
    [variant({ time: undefined }), 'field_missing', 'time'],
    [variant({ time: 1_760_000_000_000 }), 'field_invalid', 'time'],
    [variant({ time: '2026-01-31 17:00:00' }), 'time_invalid', 'time'],
    [variant({ time: '1969-12-31T23:59:59Z' }), 'time_invalid', 'time'],
    [variant({ consentid: 5 }), 'field_invalid', 'consentid'],
    [variant({ consentid: '' }), 'field_invalid', 'consentid'],
    [variant({ data: undefined }), 'field_missing', 'data'],
    [variant({ data: 'text' }), 'field_invalid', 'data'],
    [variant({ data: {} }), 'field_missing', 'category'],
    [variant({ data: { category: null } }), 'field_missing', 'category'],
    [variant({ data: { category: 'horoscopes' } }), 'field_invalid', 'category'],
    [variant({ data: { category: 'fx', text: 17 } }), 'field_invalid', 'text'],
    [variant({ data: { category: 'fx', text: { a: 1 } } }), 'field_invalid', 'text'],
    [variant({ data: { category: 'fx', text: 'x'.repeat(257) } }), 'field_invalid', 'text'],
    [variant({ data: { category: 'fx', language: 'zh' } }), 'field_unknown', 'language'],
    [variant({ data: { category: 'fx', 'Li Lei, 13800000000': 1 } }), 'field_unknown', null],
  ]
  for (const [value, reason, field] of cases) expect(rejectionOf(value)).toEqual({ reason, field })
})

test('numbers that are not whole, too large to be exact, or out of range are refused', () => {
  const purchase = { amount: 1, currency: 'CNY', merchantCategory: 'other', channel: 'pos', country: 'CN' }
  for (const amount of [-1, 0.5, 2 ** 52, 1e300, '12', true, [1]]) {
    const value = variant({ type: 'card.purchase', data: { ...purchase, amount } })
    expect(rejectionOf(value)).toEqual({ reason: 'field_invalid', field: 'amount' })
  }
  for (const currency of ['cny', 'CN', 'YUAN', '', '元元元']) {
    const value = variant({ type: 'card.purchase', data: { ...purchase, currency } })
    expect(rejectionOf(value)).toEqual({ reason: 'field_invalid', field: 'currency' })
  }
  for (const score of [-1, 11]) {
    const value = variant({ type: 'nps.answered', data: { score, topic: 'app' } })
    expect(rejectionOf(value)).toEqual({ reason: 'field_invalid', field: 'score' })
  }
})

test('assets without a currency, and a field both given and withdrawn, are refused', () => {
  const profile = (data: object) => rejectionOf(variant({ type: 'profile.updated', data }))
  expect(profile({ totalAssets: 5 })).toEqual({ reason: 'field_missing', field: 'currency' })
  expect(profile({ tier: 'gold', cleared: ['tier'] })).toEqual({ reason: 'field_invalid', field: 'cleared' })
  expect(profile({ cleared: ['tier', 'tier'] })).toEqual({ reason: 'field_invalid', field: 'cleared' })
  expect(profile({ cleared: ['currency'] })).toEqual({ reason: 'field_invalid', field: 'cleared' })
  expect(profile({ cleared: [1] })).toEqual({ reason: 'field_invalid', field: 'cleared' })
  expect(profile({ tier: null, cleared: ['tier'] })).toMatchObject({ kind: 'ok' })
})

test('an instant in the data is an RFC 3339 text or Unix milliseconds, also before 1970', () => {
  const born = (birthDate: unknown) =>
    parseCloudEvent(variant({ type: 'profile.updated', data: { birthDate } }), 'http')
  expect(born('1950-06-01T00:00:00+08:00')).toMatchObject({ event: { data: { birthDate: -618_134_400_000 } } })
  expect(born(-618_134_400_000)).toMatchObject({ event: { data: { birthDate: -618_134_400_000 } } })
  expect(born('1950-06-31T00:00:00Z')).toEqual({
    kind: 'rejected',
    rejection: { reason: 'field_invalid', field: 'birthDate' },
  })
})

test('RFC 3339 instants are read exactly, and what only looks like one is not', () => {
  expect(parseInstant('1996-12-19T16:39:57-08:00')).toBe(Date.UTC(1996, 11, 20, 0, 39, 57))
  expect(parseInstant('1985-04-12t23:20:50.52z')).toBe(Date.UTC(1985, 3, 12, 23, 20, 50, 520))
  expect(parseInstant('2024-02-29T00:00:00.999999999Z')).toBe(Date.UTC(2024, 1, 29, 0, 0, 0, 999))
  expect(parseInstant('0050-01-01T00:00:00Z')).toBe(new Date('0050-01-01T00:00:00Z').getTime())
  for (const text of [
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-10T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2016-12-31T23:59:60Z',
    '2024-01-01T00:00:00',
    '2024-01-01',
    '2024-01-01T00:00:00+24:00',
    '2024-01-01T00:00:00.Z',
    ' 2024-01-01T00:00:00Z',
    '+02024-01-01T00:00:00Z',
  ]) {
    expect(parseInstant(text), text).toBeUndefined()
  }
})
