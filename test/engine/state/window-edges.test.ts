import { describe, expect, it } from 'vitest'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import type { Layout } from '../../../rules/compiled.ts'
import { type Ask, DAY, HOUR, layoutOf, lifetimeWindow, MINUTE, rolling } from './layouts.ts'

const T = Date.UTC(2026, 6, 14, 12)

function open(layout: Layout, since: number): { states: FlatStates; slot: number } {
  const states = createStates(layout, { maxBytes: 1 << 20, observedSince: layout.series.map(() => since) })
  states.begin(0)
  return { states, slot: states.load(0, 'c1', null) }
}

function answers(states: FlatStates, slot: number, asOf: number): (readonly [number, number])[] {
  const lo = new Float64Array(states.layout.variables).fill(99)
  const hi = new Float64Array(states.layout.variables).fill(99)
  const reads = states.layout.features.map(({ variable }) => variable)
  states.evaluate(slot, asOf, asOf, reads, lo, hi)
  return reads.map((variable) => [lo[variable] ?? Number.NaN, hi[variable] ?? Number.NaN])
}

const exactly = (value: number) => [value, value]
const UNKNOWN = [-Infinity, Infinity]
const KINDS = ['count', 'sum', 'min', 'max', 'average', 'first', 'last', 'time_since', 'distinct'] as const
const day = rolling(DAY)
const everyKind = KINDS.map((kind): Ask => ({ kind, series: 0, window: day }))

describe('the edges of a window', () => {
  it('are both inside: an event exactly the window ago counts, a millisecond earlier it does not', () => {
    const { states, slot } = open(layoutOf([{ kind: 'count', series: 0, window: day }], [{}]), 0)
    states.addEntry(slot, 0, T - DAY, 1)
    expect(answers(states, slot, T - 1)).toEqual([exactly(1)])
    expect(answers(states, slot, T)).toEqual([exactly(1)])
    expect(answers(states, slot, T + 1)).toEqual([exactly(0)])
  })

  it('leave out what happened after the instant of evaluation', () => {
    const { states, slot } = open(layoutOf(everyKind, [{}]), 0)
    states.addEntry(slot, 0, T, 5)
    states.addEntry(slot, 0, T + 1, 50)
    expect(answers(states, slot, T)).toEqual([1, 5, 5, 5, 5, 5, 5, 0, 1].map(exactly))
    expect(answers(states, slot, T + 1)).toEqual([2, 55, 5, 50, 27.5, 5, 50, 0, 2].map(exactly))
  })

  it('part a baseline from the recent window without counting an event twice', () => {
    const growth: Ask = { kind: 'growth', series: 0, window: day, baseline: { windows: 2, minimum: 1 }, valued: false }
    const { states, slot } = open(layoutOf([growth], [{ valued: false, retentionMs: 3 * DAY }]), 0)
    for (const at of [T - DAY, T - DAY - 1, T - 2 * DAY, T - 3 * DAY, T - 3 * DAY - 1]) states.addEntry(slot, 0, at, 0)
    // Recent 1; before it 3 in two windows.
    expect(answers(states, slot, T)).toEqual([exactly(1 / 1.5 - 1)])
  })

  it('make three times the baseline "+200 %", and leave growth unknown below the minimum', () => {
    const growth: Ask = { kind: 'growth', series: 0, window: day, baseline: { windows: 3, minimum: 2 }, valued: false }
    const { states, slot } = open(layoutOf([growth], [{ valued: false }]), 0)
    for (let k = 1; k <= 3; k++) states.addEntry(slot, 0, T - k * DAY - HOUR, 0)
    expect(answers(states, slot, T)).toEqual([UNKNOWN])
    for (let k = 1; k <= 3; k++) states.addEntry(slot, 0, T - k * DAY - HOUR, 0)
    for (let n = 1; n <= 6; n++) {
      states.addEntry(slot, 0, T - n, 0)
      expect(answers(states, slot, T)).toEqual([exactly(n / 2 - 1)])
    }
  })
})

describe('nothing', () => {
  it('counts zero and sums to zero, and has no extreme, mean, first, last or distance', () => {
    const { states, slot } = open(layoutOf(everyKind, [{}]), 0)
    const expected = [exactly(0), exactly(0), ...Array(6).fill(UNKNOWN), exactly(0)]
    expect(answers(states, slot, T)).toEqual(expected)
    states.addEntry(slot, 0, T - DAY - 1, 7)
    expect(answers(states, slot, T)).toEqual(expected)
  })
})

describe('a past that was not observed', () => {
  const since = T - HOUR

  it('leaves counts open above and everything else unknown', () => {
    const { states, slot } = open(layoutOf(everyKind, [{}]), since)
    expect(answers(states, slot, T)).toEqual([[0, Infinity], ...Array(7).fill(UNKNOWN), [0, Infinity]])
  })

  it('does not hide what was seen since', () => {
    const { states, slot } = open(layoutOf(everyKind, [{}]), since)
    states.addEntry(slot, 0, T - 2 * MINUTE, 30)
    states.addEntry(slot, 0, T - MINUTE, 20)
    const [count, sum, min, max, average, first, last, timeSince, distinct] = answers(states, slot, T)
    expect({ count, sum, min, max }).toEqual({
      count: [2, Infinity],
      sum: UNKNOWN,
      min: [-Infinity, 20],
      max: [30, Infinity],
    })
    expect({ average, first, last, timeSince }).toEqual({
      average: UNKNOWN,
      first: UNKNOWN,
      last: exactly(20),
      timeSince: exactly(MINUTE),
    })
    expect(distinct).toEqual([2, Infinity])
  })

  it('gives a sum of amounts that are never negative a floor', () => {
    const asks: Ask[] = [
      { kind: 'sum', series: 0, window: day },
      { kind: 'min', series: 0, window: day },
    ]
    const { states, slot } = open(layoutOf(asks, [{ nonNegative: true }]), since)
    states.addEntry(slot, 0, T, 30)
    expect(answers(states, slot, T)).toEqual([
      [30, Infinity],
      [0, 30],
    ])
  })

  it('lies behind an older event that is known: the distance is at least that of the unknown, at most that of the known', () => {
    const { states, slot } = open(layoutOf(everyKind, [{}]), since)
    states.addEntry(slot, 0, T - 3 * HOUR, 30)
    expect(answers(states, slot, T)[7]).toEqual([HOUR, 3 * HOUR])
    expect(answers(states, slot, T)[6]).toEqual(UNKNOWN)
  })

  it('is over for a window that begins when observation began', () => {
    const { states, slot } = open(layoutOf([{ kind: 'count', series: 0, window: day }], [{}]), since)
    expect(answers(states, slot, since + DAY - 1)).toEqual([[0, Infinity]])
    expect(answers(states, slot, since + DAY)).toEqual([exactly(0)])
  })

  it('never ends for what is never observed, and for a life that began before', () => {
    const asks: Ask[] = [
      { kind: 'count', series: 0, window: day },
      { kind: 'count', series: 0, window: lifetimeWindow },
    ]
    const never = open(layoutOf(asks, [{}]), Number.POSITIVE_INFINITY)
    never.states.addEntry(never.slot, 0, T, 1)
    expect(answers(never.states, never.slot, T)).toEqual([
      [1, Infinity],
      [1, Infinity],
    ])
    const later = open(layoutOf(asks, [{}]), T - 2 * DAY)
    later.states.addEntry(later.slot, 0, T, 1)
    expect(answers(later.states, later.slot, T)).toEqual([exactly(1), [1, Infinity]])
  })

  it('holds growth between its bounds instead of inventing a baseline', () => {
    const growth: Ask = { kind: 'growth', series: 0, window: day, baseline: { windows: 2, minimum: 1 }, valued: false }
    const { states, slot } = open(layoutOf([growth], [{ valued: false }]), T - DAY - HOUR)
    states.addEntry(slot, 0, T - DAY - 1, 0)
    expect(answers(states, slot, T)).toEqual([UNKNOWN])
    states.addEntry(slot, 0, T - DAY - 2, 0)
    states.addEntry(slot, 0, T, 0)
    // The baseline has 2 events at least, a mean of 1 or more: growth is 1 / 1 - 1 = 0 at most.
    expect(answers(states, slot, T)).toEqual([[-1, 0]])
  })
})

describe('calendar periods', () => {
  const asks = (['day', 'week', 'month'] as const).map(
    (period): Ask => ({ kind: 'count', series: 0, window: { kind: 'calendar', period } }),
  )
  const local = (iso: string) => Date.parse(iso)

  it('begin at local midnight, weeks on Monday, on both sides of a change of clocks', () => {
    const { states, slot } = open(layoutOf(asks, [{ valued: false }]), 0)
    // Berlin: UTC+1 until 29 March 2026, 02:00, then UTC+2.
    states.addEntry(slot, 0, local('2026-02-28T23:59:59.999+01:00'), 0)
    states.addEntry(slot, 0, local('2026-03-01T00:00:00.000+01:00'), 0)
    states.addEntry(slot, 0, local('2026-03-22T23:59:59.999+01:00'), 0)
    states.addEntry(slot, 0, local('2026-03-23T00:00:00.000+01:00'), 0)
    states.addEntry(slot, 0, local('2026-03-28T23:59:59.999+01:00'), 0)
    states.addEntry(slot, 0, local('2026-03-29T00:00:00.000+01:00'), 0)
    states.addEntry(slot, 0, local('2026-03-29T23:59:59.999+02:00'), 0)
    expect(answers(states, slot, local('2026-03-29T23:59:59.999+02:00'))).toEqual([2, 4, 6].map(exactly))
    expect(answers(states, slot, local('2026-03-30T00:00:00.000+02:00'))).toEqual([0, 0, 6].map(exactly))
    states.addEntry(slot, 0, local('2026-03-31T23:59:59.999+02:00'), 0)
    expect(answers(states, slot, local('2026-03-31T23:59:59.999+02:00'))).toEqual([1, 1, 7].map(exactly))
    expect(answers(states, slot, local('2026-04-01T00:00:00.000+02:00'))).toEqual([0, 1, 0].map(exactly))
  })

  it('have an hour more in autumn', () => {
    const { states, slot } = open(layoutOf(asks, [{ valued: false }]), 0)
    states.addEntry(slot, 0, local('2026-10-25T00:00:00.000+02:00'), 0)
    expect(answers(states, slot, local('2026-10-25T23:59:59.999+01:00'))[0]).toEqual(exactly(1))
    expect(answers(states, slot, local('2026-10-26T00:00:00.000+01:00'))[0]).toEqual(exactly(0))
  })
})

describe('long windows', () => {
  it('count a year exactly', () => {
    const asks: Ask[] = [
      { kind: 'count', series: 0, window: rolling(365 * DAY) },
      { kind: 'sum', series: 0, window: rolling(60 * DAY) },
    ]
    const { states, slot } = open(layoutOf(asks, [{}]), 0)
    for (let d = 400; d >= 0; d -= 4) states.addEntry(slot, 0, T - d * DAY, 1)
    expect(answers(states, slot, T)).toEqual([exactly(92), exactly(16)])
    expect(answers(states, slot, T + 1)).toEqual([exactly(92), exactly(15)])
  })
})
