import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decisionId, decisionNumber } from '../../../engine/step/decision-id.ts'

test('the same cause has the same id, and the salt changes it', () => {
  const cause = ['core-banking', 'e1', 'sms-out']
  expect(decisionId('salt', 'event', cause)).toMatch(/^[0-9a-f]{32}$/)
  expect(decisionId('salt', 'event', cause)).toBe(decisionId('salt', 'event', cause))
  expect(decisionId('other', 'event', cause)).not.toBe(decisionId('salt', 'event', cause))
  expect(decisionId('salt', 'request', cause)).not.toBe(decisionId('salt', 'event', cause))
})

test('causes that only read alike when joined have different ids', () => {
  const parts = fc.array(fc.string({ maxLength: 6, unit: fc.constantFrom('a', '|', ':', '1', '\0') }), { maxLength: 4 })
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const same = a.length === b.length && a.every((part, i) => part === b[i])
      expect(decisionId('s', 'event', a) === decisionId('s', 'event', b)).toBe(same)
    }),
  )
})

test('the number of a decision is the first 53 bits of its id, exactly', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (bits) => {
      const id = bits.toString(16).padStart(32, '0')
      const number = decisionNumber(id)
      expect(Number.isSafeInteger(number)).toBe(true)
      expect(BigInt(number)).toBe(bits >> 75n)
    }),
  )
})
