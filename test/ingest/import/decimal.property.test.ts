import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareDecimals, minorUnits, parseDecimal } from '../../../ingest/import/decimal.ts'

const decimalText = fc
  .tuple(fc.constantFrom('', '-'), fc.integer({ min: 0, max: 9_999_999 }), fc.integer({ min: 0, max: 6 }), fc.nat())
  .map(([sign, whole, digits, fraction]) => {
    const part = String(fraction).padStart(digits, '0').slice(0, digits)
    return digits === 0 ? `${sign}${whole}` : `${sign}${whole}.${part}`
  })

/** The value in millionths of millionths: every generated text is a whole number of them. */
function scaled(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.')
  const magnitude = BigInt(whole) * 10n ** 12n + BigInt(fraction.padEnd(12, '0'))
  return text.startsWith('-') ? -magnitude : magnitude
}

test('an amount times a rate is the nearest minor unit, and the even one of two equally near', () => {
  fc.assert(
    fc.property(decimalText, decimalText, (amount, rate) => {
      const parsed = parseDecimal(rate)
      expect(parsed).not.toBeNull()
      if (parsed === null) return
      const minor = minorUnits(amount, { rate: parsed, minorDigits: 2, decimalMark: '.', groupMark: '' })
      const exact = scaled(amount) * scaled(rate)
      const unit = 10n ** 22n
      if (minor === null) {
        expect(exact / unit > BigInt(Number.MAX_SAFE_INTEGER) || -exact / unit > BigInt(Number.MAX_SAFE_INTEGER)).toBe(
          true,
        )
        return
      }
      const distance = BigInt(minor) * unit - exact
      const twice = (distance < 0n ? -distance : distance) * 2n
      expect(twice <= unit).toBe(true)
      if (twice === unit) expect(BigInt(minor) % 2n).toBe(0n)
    }),
  )
})

test('decimals compare by their value, however many zeros they are written with', () => {
  fc.assert(
    fc.property(decimalText, decimalText, (a, b) => {
      const [left, right] = [parseDecimal(a), parseDecimal(`${b}${b.includes('.') ? '000' : '.000'}`)]
      expect(left).not.toBeNull()
      expect(right).not.toBeNull()
      if (left === null || right === null) return
      const difference = scaled(a) - scaled(b)
      expect(Math.sign(compareDecimals(left, right))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0)
    }),
  )
})
