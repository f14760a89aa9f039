import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import type { Layout } from '../../../rules/compiled.ts'
import type { FeatureKind } from '../../../rules/model.ts'
import { type Ask, DAY, HOUR, layoutOf, lifetimeWindow, MINUTE, rolling } from './layouts.ts'
import { type Entry, recount } from './recount.ts'

const T = Date.UTC(2026, 2, 25, 12)
const KINDS: FeatureKind[] = ['count', 'sum', 'min', 'max', 'average', 'first', 'last', 'time_since', 'distinct']
const WINDOWS = [
  rolling(10 * MINUTE),
  rolling(5 * HOUR),
  rolling(7 * DAY),
  { kind: 'calendar', period: 'day' } as const,
  { kind: 'calendar', period: 'week' } as const,
  { kind: 'calendar', period: 'month' } as const,
  lifetimeWindow,
]

function asksOf(series: number): Ask[] {
  const asks = KINDS.flatMap((kind) => WINDOWS.map((window): Ask => ({ kind, series, window })))
  const baseline = { windows: 3, minimum: 1 }
  asks.push({ kind: 'growth', series, window: rolling(2 * DAY), baseline })
  asks.push({ kind: 'growth', series, window: rolling(2 * DAY), baseline, valued: false })
  return asks
}

const layout = layoutOf(asksOf(0), [{ bound: 256 }])
const tight = layoutOf(asksOf(0), [{ bound: 5 }])

/** Values with ties and both signs; instants with ties, from minutes to weeks apart. */
const entry = fc.record({
  at: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 40 }).map((n) => T - n * 30 * MINUTE) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 * DAY }).map((n) => T - n) },
    { weight: 1, arbitrary: fc.constantFrom(T, T - 10 * MINUTE, T - 5 * HOUR, T - 7 * DAY) },
  ),
  value: fc.integer({ min: -50, max: 500 }),
})

function feed(states: FlatStates, entries: readonly Entry[]): number {
  states.begin(0)
  const slot = states.load(0, 'c1', null)
  for (const { at, value } of entries) states.addEntry(slot, 0, at, value)
  return slot
}

function evaluate(states: FlatStates, slot: number, asOf: number): { lo: Float64Array; hi: Float64Array } {
  const { layout } = states
  const lo = new Float64Array(layout.variables)
  const hi = new Float64Array(layout.variables)
  states.evaluate(
    slot,
    asOf,
    asOf,
    layout.features.map(({ variable }) => variable),
    lo,
    hi,
  )
  return { lo, hi }
}

function checkContains(states: FlatStates, slot: number, entries: readonly Entry[], asOf: number): void {
  const { lo, hi } = evaluate(states, slot, asOf)
  for (const { model, variable } of states.layout.features) {
    const truth = recount(model, entries, asOf, states.layout.zone)
    const name = `${model.kind} ${JSON.stringify(model.window)} at T${asOf - T}`
    const slack = truth === null ? 0 : Math.abs(truth) * 1e-12
    expect(lo[variable], name).toBeLessThanOrEqual(truth === null ? -Infinity : truth + slack)
    expect(hi[variable], name).toBeGreaterThanOrEqual(truth === null ? Infinity : truth - slack)
  }
}

function options(layout: Layout): Parameters<typeof createStates>[1] {
  return { maxBytes: 1 << 20, observedSince: layout.series.map(() => 0) }
}

describe('features', () => {
  it('equal the recount while every entry is kept exactly, whatever the order of arrival', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
        const states = createStates(layout, options(layout))
        const slot = feed(states, entries)
        const { lo, hi } = evaluate(states, slot, T)
        for (const { model, variable } of layout.features) {
          const truth = recount(model, entries, T, layout.zone)
          const name = `${model.kind} ${JSON.stringify(model.window)}`
          if (model.kind === 'distinct' && model.window.kind === 'lifetime') continue
          expect(lo[variable], name).toBe(truth ?? -Infinity)
          expect(hi[variable], name).toBe(truth ?? Infinity)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('hold the recount within their interval beyond the bound', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 6, maxLength: 120 }), (entries) => {
        const states = createStates(tight, options(tight))
        const slot = feed(states, entries)
        checkContains(states, slot, entries, T)
      }),
      { numRuns: 150 },
    )
  })

  it('hold the recount at the instant of a late event, when newer ones are there already', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 0, max: DAY }),
        (entries, late) => {
          for (const one of [layout, tight]) {
            const states = createStates(one, options(one))
            const slot = feed(states, entries)
            const newest = Math.max(...entries.map(({ at }) => at))
            checkContains(states, slot, entries, newest - late)
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
