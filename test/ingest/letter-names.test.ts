import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import { printCloudEvent } from '../../ingest/cloud-event.ts'
import { namesCustomer } from '../../ingest/letter-names.ts'
import { anyEvent } from './event-arbitrary.ts'

const alias = '@device:7f3a'
const names = (customerId: string) => ({ customerId, hasAlias: (said: string) => said === alias })
const isIn = (text: string, customerId = 'C-1') => namesCustomer(Buffer.from(text), names(customerId))

describe('whom a dead letter names', () => {
  test('every event names its customer, as JSON and as a record, whole or cut off behind the name', () => {
    fc.assert(
      fc.property(anyEvent, fc.constantFrom('C-7f0c2a', 'C'.repeat(64)), (any, customerId) => {
        const event = { ...any, customerId }
        const who = { customerId: event.customerId, hasAlias: () => false }
        const json = Buffer.from(JSON.stringify(printCloudEvent(event)))
        const record = encodeEvent(event)
        const cut = (bytes: Uint8Array) => {
          const at = Buffer.from(bytes).indexOf(event.customerId)
          return bytes.subarray(0, at + event.customerId.length)
        }
        for (const bytes of [json, record, cut(record)]) expect(namesCustomer(bytes, who)).toBe(true)
      }),
    )
  })

  test('an id that is a part of another one is another customer', () => {
    expect(isIn('{"subject":"C-1"}')).toBe(true)
    expect(isIn('{"subject":"C-12"}')).toBe(false)
    expect(isIn('{"subject":"XC-1"}')).toBe(false)
    expect(isIn('{"subject":"C-1","data":')).toBe(true)
    expect(isIn('{"subject":"C-12","data":')).toBe(false)
    const record = (id: string) => Buffer.from([0, 0, 0, 0, 1, 2 * id.length, ...Buffer.from(id), 200])
    expect(namesCustomer(record('C-1'), names('C-1'))).toBe(true)
    expect(namesCustomer(record('C-12'), names('C-1'))).toBe(false)
    expect(namesCustomer(record('XC-1'), names('C-1'))).toBe(false)
  })

  test('an alias of the customer names them, wherever it stands, and one of somebody else does not', () => {
    expect(isIn(`{"subject":"${alias}"}`)).toBe(true)
    expect(isIn(`{"data":{"list":[{"alias":"${alias}"}]}}`)).toBe(true)
    expect(isIn(`{"subject":"${alias}","data":`)).toBe(true)
    expect(isIn('{"subject":"@device:other"}')).toBe(false)
    const long = `@device:${'x'.repeat(120)}`
    for (const one of [alias, long]) {
      const zigzag = 2 * one.length
      const length = zigzag < 128 ? [zigzag] : [(zigzag & 127) | 128, zigzag >> 7]
      const bytes = Buffer.from([0, 0, 0, 0, 1, ...length, ...Buffer.from(one), 65, 66])
      expect(namesCustomer(bytes, { customerId: 'C-1', hasAlias: (said) => said === one })).toBe(true)
      expect(namesCustomer(bytes, { customerId: 'C-1', hasAlias: () => false })).toBe(false)
    }
  })

  test('escapes and numbers hide nobody', () => {
    expect(isIn('{"subject":"\\u0043-1"}')).toBe(true)
    expect(isIn('{"subject":17}', '17')).toBe(true)
    expect(isIn('{"subject":"C-2","data":{"amount":17}}', '17')).toBe(false)
  })

  test('bytes of any kind are looked at without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(namesCustomer(bytes, names('no-such-customer'))).toBe(false)
      }),
    )
  })
})
