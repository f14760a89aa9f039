import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clip, column, wrap } from '../../../bench/demo/text-lines.ts'

const words = fc.array(fc.stringMatching(/^[a-z,.]{1,30}$/), { minLength: 1, maxLength: 40 })

test('no wrapped line is wider than asked for, and no word that fits is lost', () => {
  fc.assert(
    fc.property(words, fc.integer({ min: 40, max: 120 }), fc.integer({ min: 0, max: 9 }), (list, width, indent) => {
      const lines = wrap(list.join(' '), width, indent)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
      expect(
        lines
          .join(' ')
          .split(' ')
          .filter((word) => word !== ''),
      ).toEqual(list)
    }),
  )
})

test('spaces before the first word stay', () => {
  expect(wrap('  one two', 7, 4)).toEqual(['  one', '    two'])
})

test('a column has its width whatever it holds, and a cut text says so', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (text, width) => {
      expect(column(text, width)).toHaveLength(width)
      if (text.length > width) expect(clip(text, width).endsWith('…')).toBe(true)
    }),
  )
})
