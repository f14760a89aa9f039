import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEvent, encodeEvent } from '../../ingest/avro-codec.ts'
import { anyEvent } from './event-arbitrary.ts'

test('every valid event comes back from its bytes as it was', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const decoded = decodeEvent(encodeEvent(event))
      expect(decoded).toEqual({ kind: 'ok', event })
    }),
    { numRuns: 2_000 },
  )
})

test('a record that is cut off anywhere, or followed by anything, is never taken for an event', () => {
  fc.assert(
    fc.property(anyEvent, fc.uint8Array({ minLength: 1, maxLength: 9 }), (event, more) => {
      const bytes = encodeEvent(event)
      for (let length = 0; length < bytes.length; length++) {
        const { kind } = decodeEvent(bytes.subarray(0, length))
        if (kind !== 'dead_letter') throw new Error(`an event from ${length} of ${bytes.length} bytes`)
      }
      expect(decodeEvent(Buffer.concat([bytes, more]))).toMatchObject({ kind: 'dead_letter', reason: 'undecodable' })
    }),
    { numRuns: 100 },
  )
})

test('bytes with flipped bits are an event that keeps the rules or a dead letter, never an error', () => {
  fc.assert(
    fc.property(anyEvent, fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), (event, flips) => {
      const bytes = Buffer.from(encodeEvent(event))
      for (const flip of flips) {
        const at = Math.floor(flip / 8) % bytes.length
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (flip % 8))
      }
      const decoded = decodeEvent(bytes)
      if (decoded.kind === 'ok') expect(decodeEvent(encodeEvent(decoded.event))).toEqual(decoded)
      else expect(decoded.reason).toBeTypeOf('string')
    }),
    { numRuns: 3_000 },
  )
})

test('random bytes behind any schema id are answered, never thrown at the caller', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), fc.uint8Array({ maxLength: 200 }), (id, body) => {
      expect(['ok', 'dead_letter']).toContain(decodeEvent(Buffer.concat([Buffer.from([0, 0, 0, 0, id]), body])).kind)
    }),
    { numRuns: 3_000 },
  )
})
