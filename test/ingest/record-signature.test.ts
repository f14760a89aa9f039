import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRecordSignature, SIGNATURE_HEADER } from '../../ingest/record-signature.ts'

const secret = Buffer.alloc(32, 7)
const signature = createRecordSignature(secret)

test('a signed record verifies, on any node with the same secret, and keeps its other headers', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), (key, value) => {
      const signed = signature.sign({ key, value, headers: { id: '1' } })
      expect(signed).toMatchObject({ key, value, headers: { id: '1' } })
      expect(createRecordSignature(Buffer.from(secret)).verify(signed)).toBe(true)
    }),
  )
})

test('a record that differs in key, value or secret does not verify', () => {
  const signed = signature.sign({ key: 'C1', value: Buffer.from('consent') })
  expect(signature.verify({ ...signed, key: 'C2' })).toBe(false)
  expect(signature.verify({ ...signed, value: Buffer.from('consenT') })).toBe(false)
  expect(createRecordSignature(randomBytes(32)).verify(signed)).toBe(false)
})

test('bytes cannot be moved between key and value', () => {
  const { headers = {} } = signature.sign({ key: 'C12', value: Buffer.from('3') })
  expect(signature.verify({ key: 'C1', value: Buffer.from('23'), headers })).toBe(false)
})

test('without a signature, or with one that is none, a record does not verify', () => {
  const record = { key: 'C1', value: Buffer.from('x') }
  expect(signature.verify(record)).toBe(false)
  for (const said of ['', 'ab', 'g'.repeat(64), '0'.repeat(63), '0'.repeat(65), '0'.repeat(64)]) {
    expect(signature.verify({ ...record, headers: { [SIGNATURE_HEADER]: said } })).toBe(false)
  }
})

test('the signature of a record is fixed, so that a release verifies what another one signed', () => {
  const { headers } = signature.sign({ key: '客户', value: Buffer.from('v') })
  expect(headers?.[SIGNATURE_HEADER]).toBe('a9a279d51b09121077259a46c129f864e9b0b90130d171a8bd7530d257d39e90')
})

test('a short secret is refused', () => {
  expect(() => createRecordSignature(Buffer.alloc(31))).toThrow(RangeError)
})
