import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStates } from '../../../engine/state/flat-states.ts'
import type { Layout } from '../../../rules/compiled.ts'
import { DAY, HOUR, layoutOf, lifetimeWindow, MINUTE, rolling } from './layouts.ts'

const T = Date.UTC(2026, 2, 25, 12)

/** A day's entries, many of them simultaneous, and an order to take them in. */
const shuffled = fc
  .array(fc.record({ at: fc.integer({ min: 0, max: 300 }), value: fc.integer({ min: -9, max: 99 }) }), {
    maxLength: 150,
  })
  .chain((entries) =>
    fc.record({
      entries: fc.constant(entries),
      order: fc.shuffledSubarray(entries, { minLength: entries.length, maxLength: entries.length }),
    }),
  )

function stateOf(layout: Layout, entries: readonly { at: number; value: number }[]): Uint8Array {
  const states = createStates(layout, { maxBytes: 1 << 20, observedSince: [0] })
  states.begin(0)
  const slot = states.load(0, 'c1', null)
  // A month before the day, in order, so that there is something to expire and to bound.
  for (let i = 60; i > 0; i--) states.addEntry(slot, 0, T - DAY - i * 9 * HOUR, i)
  for (const { at, value } of entries) states.addEntry(slot, 0, T - at * 4 * MINUTE, value)
  return states.encode(slot)
}

describe('a day of events in another order', () => {
  for (const bound of [1, 7, 64, 256]) {
    it(`leaves the same state, byte for byte, with a bound of ${bound}`, () => {
      const layout = layoutOf(
        [
          { kind: 'sum', series: 0, window: rolling(2 * HOUR) },
          { kind: 'max', series: 0, window: rolling(DAY) },
          { kind: 'count', series: 0, window: rolling(30 * DAY) },
          { kind: 'first', series: 0, window: lifetimeWindow },
        ],
        [{ bound }],
      )
      fc.assert(
        fc.property(shuffled, ({ entries, order }) => {
          expect(stateOf(layout, order)).toEqual(stateOf(layout, entries))
        }),
        { numRuns: 60 },
      )
    })
  }
})

/** Months of entries, older ones behind newer ones: what a series filled from history goes through. */
const anyOrder = fc
  .array(fc.record({ at: fc.integer({ min: 0, max: 400 * 24 }), value: fc.integer({ min: -9, max: 99 }) }), {
    maxLength: 400,
    size: 'max',
  })
  .chain((entries) =>
    fc.record({
      entries: fc.constant(entries),
      order: fc.shuffledSubarray(entries, { minLength: entries.length, maxLength: entries.length }),
    }),
  )

describe('the entries of a year in another order', () => {
  for (const [bound, days] of [
    [1, 30],
    [7, 300],
    [64, 90],
    [256, 7],
  ] as const) {
    it(`leaves the same state, byte for byte, with a bound of ${bound} and a window of ${days} days`, () => {
      const layout = layoutOf(
        [
          { kind: 'count', series: 0, window: rolling(DAY) },
          { kind: 'sum', series: 0, window: rolling(days * DAY) },
          { kind: 'last', series: 0, window: lifetimeWindow },
        ],
        [{ bound }],
      )
      const taken = (entries: readonly { at: number; value: number }[]): Uint8Array => {
        const states = createStates(layout, { maxBytes: 1 << 20, observedSince: [0] })
        states.begin(0)
        const slot = states.load(0, 'c1', null)
        for (const { at, value } of entries) states.addEntry(slot, 0, T - at * HOUR, value)
        return states.encode(slot)
      }
      fc.assert(
        fc.property(anyOrder, ({ entries, order }) => {
          const inTime = [...entries].sort((a, b) => b.at - a.at || a.value - b.value)
          expect(hex(taken(order))).toBe(hex(taken(inTime)))
        }),
        { numRuns: 100, endOnFailure: true },
      )
    })
  }
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
