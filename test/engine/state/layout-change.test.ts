import { describe, expect, it } from 'vitest'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import type { Layout } from '../../../rules/compiled.ts'
import { attributeOf, DAY, layoutOf, lifetimeWindow, rolling } from './layouts.ts'
import { commit, Shelf, slotOf } from './shelf.ts'

const T = Date.UTC(2026, 2, 25, 12)

function statesOf(layout: Layout): FlatStates {
  return createStates(layout, { maxBytes: 1 << 20, observedSince: layout.series.map(() => 0) })
}

function frame(states: FlatStates, slot: number, asOf: number): (readonly [number, number])[] {
  const { variables, attributes, features } = states.layout
  const lo = new Float64Array(variables)
  const hi = new Float64Array(variables)
  const reads = [...attributes, ...features].map(({ variable }) => variable)
  states.evaluate(slot, asOf, asOf, reads, lo, hi)
  return reads.map((variable) => [lo[variable] ?? Number.NaN, hi[variable] ?? Number.NaN])
}

const exactly = (value: number) => [value, value]
const UNKNOWN = [-Infinity, Infinity]
const count = (series: number, days: number) => ({ kind: 'count', series, window: rolling(days * DAY) }) as const

/** Two attributes and two series, in this order and in the other, and with one of each gone. */
const both = layoutOf([count(0, 30), count(1, 30)], [{}, { valued: false }])
const [, two] = both.series
const swapped: Layout = {
  ...both,
  attributes: [...both.attributes].reverse().map((def, variable) => ({ ...def, variable })),
  series: [...both.series].reverse(),
}
const fewer: Layout = {
  ...layoutOf([count(0, 30)], [{ ...two }], { attributes: [{ ...attributeOf(1, null), variable: 0 }] }),
}

/** A base and a few patches, written under `both`. */
function written(commits: number): Shelf {
  const shelf = new Shelf()
  const states = statesOf(both)
  for (let i = 0; i < commits; i++) {
    commit(states, shelf, 0, () => {
      const slot = slotOf(states, shelf, 0, 'c1')
      states.setAttribute(slot, 0, 100 + i, T + i)
      states.setAttribute(slot, 1, 200 + i, T + i)
      states.addEntry(slot, 0, T + i, 5)
      if (i % 2 === 0) states.addEntry(slot, 1, T + i, 0)
    })
  }
  return shelf
}

describe('a state written under another pack', () => {
  for (const commits of [1, 10, 40, 75]) {
    it(`is read by definition and not by position, after ${commits} commits`, () => {
      const shelf = written(commits)
      const states = statesOf(swapped)
      const slot = slotOf(states, shelf, 0, 'c1')
      const halves = Math.ceil(commits / 2)
      expect(frame(states, slot, T + 1000)).toEqual([199 + commits, 99 + commits, halves, commits].map(exactly))
    })

    it(`loses what the pack no longer names and nothing else, after ${commits} commits`, () => {
      const shelf = written(commits)
      const states = statesOf(fewer)
      commit(states, shelf, 0, () => {
        const slot = slotOf(states, shelf, 0, 'c1')
        states.addEntry(slot, 0, T + 500, 0)
      })
      const slot = slotOf(states, shelf, 0, 'c1')
      const expected = [199 + commits, Math.ceil(commits / 2) + 1].map(exactly)
      expect(frame(states, slot, T + 1000)).toEqual(expected)
      const again = statesOf(fewer)
      expect(frame(again, slotOf(again, shelf, 0, 'c1'), T + 1000)).toEqual(expected)
      expect(again.encode(again.find('c1'))).toEqual(states.encode(slot))
    })
  }

  it('does not take a series without values for one with values', () => {
    const shelf = written(3)
    const valued: Layout = { ...both, series: both.series.map((def) => ({ ...def, valued: true })) }
    const states = statesOf(valued)
    expect(frame(states, slotOf(states, shelf, 0, 'c1'), T + 1000)[3]).toEqual(exactly(0))
  })

  it('does not claim a longer window than what was kept', () => {
    const short = layoutOf([count(0, 2)], [{}])
    const long = layoutOf([count(0, 2), count(0, 30), { kind: 'sum', series: 0, window: lifetimeWindow }], [{}])
    const states = statesOf(short)
    states.begin(0)
    const slot = states.load(0, 'c1', null)
    for (let day = 20; day >= 0; day--) states.addEntry(slot, 0, T - day * DAY, 10)
    const later = statesOf(long)
    const stored = { base: states.encode(slot), patches: [] }
    const [, , twoDays, thirtyDays, life] = frame(later, later.load(0, 'c1', stored), T)
    // Two days and one of lateness were kept: 4 of the 21 entries.
    expect({ twoDays, thirtyDays, life }).toEqual({
      twoDays: exactly(3),
      thirtyDays: [4, Infinity],
      life: exactly(210),
    })
  })

  it('drops at once what a shorter window no longer sees', () => {
    const long = layoutOf([count(0, 365)], [{}])
    const short = layoutOf([count(0, 2)], [{}])
    const shelf = new Shelf()
    const states = statesOf(long)
    commit(states, shelf, 0, () => {
      const slot = states.load(0, 'c1', null)
      for (let day = 300; day >= 0; day--) states.addEntry(slot, 0, T - day * DAY, 10)
    })
    const later = statesOf(short)
    const slot = slotOf(later, shelf, 0, 'c1')
    expect(frame(later, slot, T)[2]).toEqual(exactly(3))
    expect(later.encode(slot).length).toBeLessThan(200)
  })

  it('keeps a lowered bound, and knows less exactly what was bounded before', () => {
    const wide = layoutOf([count(0, 30)], [{ valued: false, bound: 256 }])
    const narrow = layoutOf([count(0, 30)], [{ valued: false, bound: 4 }])
    const shelf = new Shelf()
    const states = statesOf(wide)
    commit(states, shelf, 0, () => {
      const slot = states.load(0, 'c1', null)
      for (let i = 100; i >= 0; i--) states.addEntry(slot, 0, T - i * 8 * 3_600_000, 0)
    })
    const later = statesOf(narrow)
    const slot = slotOf(later, shelf, 0, 'c1')
    const [lo, hi] = frame(later, slot, T)[2] ?? []
    expect(lo).toBeLessThanOrEqual(91)
    expect(hi).toBeGreaterThanOrEqual(91)
    expect((hi ?? 0) - (lo ?? 0)).toBeLessThan(3)
  })

  it('leaves an attribute unknown that it never heard of', () => {
    const shelf = written(2)
    const more = layoutOf([], [], { attributes: [{ ...attributeOf(7, null), variable: 0 }] })
    const states = statesOf(more)
    expect(frame(states, slotOf(states, shelf, 0, 'c1'), T)).toEqual([UNKNOWN])
  })
})
