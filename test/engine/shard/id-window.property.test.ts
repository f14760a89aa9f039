import fc from 'fast-check'
import { expect, it } from 'vitest'
import { IdWindow } from '../../../engine/shard/id-window.ts'

const horizonMs = 1_000

/** Ids, few of them so that they come again, and how long after the one before. */
const acceptances = fc.array(
  fc.record({
    id: fc.integer({ min: 0, max: 60 }),
    gapMs: fc.oneof(fc.integer({ max: 40, min: 0 }), fc.integer({ max: 2_000, min: 0 })),
  }),
  { maxLength: 400, size: 'max' },
)

it('an id is known exactly while its last acceptance is within the horizon', () => {
  fc.assert(
    fc.property(acceptances, (some) => {
      const window = new IdWindow(horizonMs, 2 ** 20)
      const last = new Map<number, number>()
      let now = 1_700_000_000_000
      for (const { id, gapMs } of some) {
        now += gapMs
        const before = last.get(id)
        const isKnown = before !== undefined && now - before <= horizonMs
        // Halves that meet in the same slots, zeros among them.
        expect(window.remember(id % 7, 1 + Math.floor(id / 7), now)).toBe(isKnown ? 'known' : 'new')
        if (!isKnown) last.set(id, now)
      }
    }),
    { numRuns: 200 },
  )
})

it('what lies beyond the horizon makes room, and what has none is told', () => {
  const window = new IdWindow(horizonMs, 1)
  let taken = 0
  while (window.remember(1, taken + 1, 5_000) === 'new') taken++
  expect(taken).toBeGreaterThan(2_500)
  expect(window.remember(1, 1, 5_000)).toBe('full')
  expect(window.remember(2, 1, 6_001)).toBe('new')
  expect(window.remember(1, 1, 6_002)).toBe('new')
})

it('grows with what it has to remember', () => {
  const window = new IdWindow(horizonMs, 2 ** 22)
  for (let i = 0; i < 60_000; i++) expect(window.remember(i, i * 7, 9_000)).toBe('new')
  for (let i = 0; i < 60_000; i++) expect(window.remember(i, i * 7, 9_500)).toBe('known')
})
