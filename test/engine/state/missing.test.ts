/** Goal: what a customer's series lack shows in every window it may lie in, survives reload, and stays within its bounds. */
import { expect, it } from 'vitest'
import { createStates } from '../../../engine/state/flat-states.ts'
import { SUPPRESSIONS_MAX } from '../../../engine/state/suppressions.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { loadBank, bank as pieces } from '../step/bank-pack.ts'

const hourMs = 3_600_000
const T = Date.UTC(2026, 2, 25, 12)
const features = [
  ...pieces.features,
  { id: 'views_1h', kind: 'count', event: 'page.viewed', window: '1h' },
  { id: 'views_ever', kind: 'count', event: 'page.viewed', window: 'lifetime' },
  { id: 'searches_1h', kind: 'count', event: 'search.made', window: '1h' },
  { id: 'views_growth', kind: 'growth', event: 'page.viewed', window: '1h', baseline: { windows: 1, minimum: 1 } },
]
const { layout } = compilePack(await loadBank({ features }))
const seriesOf = (id: string): number => layout.features.find(({ model }) => model.id === id)?.series ?? -1
const options = { maxBytes: 1 << 20, observedSince: layout.series.map(() => 0) }

function open() {
  const states = createStates(layout, options)
  states.begin(0)
  const slot = states.load(0, 'c1', null)
  const valueAt = (id: string, asOf: number, of = states, at = slot): readonly [number, number] => {
    const lo = new Float64Array(layout.variables)
    const hi = new Float64Array(layout.variables)
    const variable = layout.features.find(({ model }) => model.id === id)?.variable ?? -1
    of.evaluate(at, asOf, asOf, [variable], lo, hi)
    return [lo[variable] ?? Number.NaN, hi[variable] ?? Number.NaN]
  }
  return { states, slot, valueAt }
}

it('a count is a floor while its window may hold a missing event, and exact one millisecond later', () => {
  const { states, slot, valueAt } = open()
  states.addEntry(slot, seriesOf('views_1h'), T + 1, 0)
  expect(valueAt('views_1h', T + hourMs)).toEqual([1, 1])
  states.miss(slot, 'page.viewed', 7, T)
  expect(valueAt('views_1h', T + hourMs)).toEqual([1, Number.POSITIVE_INFINITY])
  expect(valueAt('views_1h', T + hourMs + 1)).toEqual([1, 1])
  expect(valueAt('views_ever', T + 100 * hourMs)).toEqual([1, Number.POSITIVE_INFINITY])
  expect(valueAt('searches_1h', T)).toEqual([0, 0])
  expect(valueAt('views_growth', T + hourMs)[1]).toBe(Number.POSITIVE_INFINITY)
})

it('an event that is counted after all is missing no more, also when it is said to be missing again; another one still is', () => {
  const { states, slot, valueAt } = open()
  states.miss(slot, 'page.viewed', 7, T)
  states.miss(slot, 'page.viewed', 8, T - 10)
  states.found(slot, 'search.made', 7)
  states.found(slot, 'page.viewed', 9)
  expect(states.missingCount(slot)).toBe(2)
  states.found(slot, 'page.viewed', 7)
  states.miss(slot, 'page.viewed', 7, T)
  expect([states.missingCount(slot), valueAt('views_1h', T + hourMs)]).toEqual([1, [0, 0]])
  expect(valueAt('views_1h', T + hourMs - 10)).toEqual([0, Number.POSITIVE_INFINITY])
  states.found(slot, 'page.viewed', 8)
  expect([states.missingCount(slot), valueAt('views_ever', T)]).toEqual([0, [0, 0]])
})

it('is the same from patches and from a base', () => {
  const { states, slot, valueAt } = open()
  states.miss(slot, 'page.viewed', 7, T)
  const patches = states.writes(0).flatMap((write) => (write.kind === 'patch' ? [write.bytes] : []))
  const stored = [
    { base: null, patches },
    { base: states.encode(slot), patches: [] },
  ]
  expect(patches).toHaveLength(1)
  for (const one of stored) {
    const other = createStates(layout, options)
    other.begin(0)
    const at = other.load(0, 'c1', one)
    expect(valueAt('views_ever', T, other, at)).toEqual([0, Number.POSITIVE_INFINITY])
    other.found(at, 'page.viewed', 7)
    expect(valueAt('views_ever', T, other, at)).toEqual([0, 0])
  }
})

it('of many, those beyond the first ones are kept by type, then as anything, and push out no suppression', () => {
  const { states, slot, valueAt } = open()
  const guardrails = Array.from({ length: 256 }, (_, i) => i + 1)
  for (const key of guardrails) states.suppress(slot, key, T, T + hourMs)
  for (let i = 0; i < 1_000; i++) states.miss(slot, 'page.viewed', 1_000 + i, T + i)
  expect(states.missingCount(slot)).toBe(25)
  // The newest is kept; it is not known by its id any more, so it stays missing.
  states.found(slot, 'page.viewed', 1_999)
  expect(valueAt('views_1h', T + 999 + hourMs)).toEqual([0, Number.POSITIVE_INFINITY])
  expect(valueAt('views_1h', T + 1_000 + hourMs)).toEqual([0, 0])
  expect(valueAt('searches_1h', T + 999)).toEqual([0, 0])
  for (let i = 0; i < 50; i++) states.miss(slot, `type-${i}`, 3_000 + i, T + i)
  expect(states.missingCount(slot)).toBe(SUPPRESSIONS_MAX - guardrails.length)
  expect(valueAt('searches_1h', T + 49 + hourMs)).toEqual([0, Number.POSITIVE_INFINITY])
  // A type that has its own mark by now keeps to it.
  states.miss(slot, 'page.viewed', 5_000, T + 2 * hourMs)
  expect(valueAt('searches_1h', T + 2 * hourMs)).toEqual([0, 0])
  for (const key of guardrails) expect(states.suppressedUntil(slot, key)).toBe(T + hourMs)
})
