import { describe, expect, test } from 'vitest'
import { minorUnits, parseDecimal } from '../../../ingest/import/decimal.ts'

const plain = { rate: { digits: 1n, scale: 0 }, minorDigits: 2, decimalMark: '.', groupMark: '' }

function rate(text: string) {
  return { ...plain, rate: parseDecimal(text) ?? plain.rate }
}

describe('an amount becomes whole minor units', () => {
  test.each([
    ['4999.99', 499_999],
    ['5000', 500_000],
    ['5000.', 500_000],
    ['-0.01', -1],
    ['0.1', 10],
    ['1.005', 100],
    ['1.015', 102],
    ['-1.005', -100],
    ['90071992547409.91', 9_007_199_254_740_991],
  ])('%s is %d', (text, minor) => {
    expect(minorUnits(text, plain)).toBe(minor)
  })

  test.each(['', '.', '.5', '1,5', '1e3', '0x10', ' 1', '1 ', 'NaN', '--1', '90071992547409.92', '1'.repeat(19)])(
    'the text "%s" is refused, not guessed',
    (text) => {
      expect(minorUnits(text, plain)).toBeNull()
    },
  )
})

test('a rate is applied exactly, before rounding', () => {
  expect(minorUnits('1000.00', rate('0.1977'))).toBe(19_770)
  expect(minorUnits('0.05', rate('0.1'))).toBe(0)
  expect(minorUnits('0.15', rate('0.1'))).toBe(2)
  expect(minorUnits('0.25', rate('0.1'))).toBe(2)
  // In floats 1.1 x 1.1 is 1.2100000000000002, and 0.285 x 100 is 28.499999999999996.
  expect(minorUnits('0.285', rate('1'))).toBe(28)
  expect(minorUnits('0.295', rate('1'))).toBe(30)
})

test('marks of other countries are read as declared and never guessed', () => {
  const german = { ...plain, decimalMark: ',', groupMark: '.' }
  expect(minorUnits('1.234.567,89', german)).toBe(123_456_789)
  expect(minorUnits('1234567,89', german)).toBe(123_456_789)
  expect(minorUnits('1.5', german)).toBeNull()
  const comma = { ...plain, decimalMark: ',' }
  expect(minorUnits('4999,99', comma)).toBe(499_999)
  expect(minorUnits('4999.99', comma)).toBeNull()
})

test('a currency without minor units is counted in whole ones', () => {
  expect(minorUnits('1500', { ...plain, minorDigits: 0 })).toBe(1500)
  expect(minorUnits('1500.5', { ...plain, minorDigits: 0 })).toBe(1500)
})
