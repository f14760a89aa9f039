import type { FeatureDef, Layout, SeriesDef } from '../../rules/compiled.ts'
import type { FeatureKind, Window } from '../../rules/model.ts'

export const DAY_MS = 86_400_000
/** Start of the simulated time. */
export const START = Date.UTC(2026, 4, 1)

/** A seeded generator of numbers in [0, 1): mulberry32 (Ettinger, 2017), only for benchmarks. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

type Row = readonly [kind: FeatureKind, series: number, window: Window]
const days = (n: number): Window => ({ kind: 'rolling', ms: n * DAY_MS })
const hours = (n: number): Window => ({ kind: 'rolling', ms: n * 3_600_000 })
const LIFETIME: Window = { kind: 'lifetime' }

/** Twenty features over seven series: purchases and transfers with amounts, views and searches that are only counted. */
const ROWS: readonly Row[] = [
  ['count', 0, days(30)],
  ['sum', 0, days(30)],
  ['sum', 0, days(7)],
  ['average', 0, days(30)],
  ['max', 0, days(1)],
  ['sum', 0, LIFETIME],
  ['count', 1, days(30)],
  ['growth', 1, days(7)],
  ['sum', 2, days(30)],
  ['min', 2, days(30)],
  ['last', 2, LIFETIME],
  ['distinct', 3, days(30)],
  ['count', 3, days(1)],
  ['count', 4, hours(1)],
  ['count', 4, days(7)],
  ['time_since', 4, LIFETIME],
  ['count', 5, days(30)],
  ['count', 5, { kind: 'calendar', period: 'month' }],
  ['sum', 6, { kind: 'calendar', period: 'day' }],
  ['count', 6, days(7)],
]

/** Whether each series keeps values, and its bound. */
const SERIES: readonly (readonly [valued: boolean, bound: number])[] = [
  [true, 256],
  [false, 256],
  [true, 256],
  [true, 256],
  [false, 21],
  [false, 11],
  [true, 256],
]

/** Which of the series an event of each of eight kinds goes to. */
export const KINDS: readonly (readonly number[])[] = [[0, 3], [0], [0, 6], [1], [2], [4], [4], [5]]

/** The layout of the benchmark: 20 features, 7 series, 8 attributes, one day of lateness. */
export function bankLayout(): Layout {
  const attributes = Array.from({ length: 8 }, (_, i) => ({
    id: `attribute${i}`,
    key: (0xa000 + i).toString(16).padStart(13, '0'),
    validForMs: null,
    variable: i,
  }))
  const features = ROWS.map((row, i): FeatureDef => featureOf(row, attributes.length + i))
  return {
    attributes,
    series: SERIES.map(([valued, bound], i) => seriesOf(valued, bound, i, features)),
    features,
    variables: attributes.length + features.length,
    zone: 'Europe/Berlin',
    dedupeMs: DAY_MS,
    contactsMs: 30 * DAY_MS,
  }
}

function featureOf([kind, series, window]: Row, variable: number): FeatureDef {
  const valued = SERIES[series]?.[0] === true && kind !== 'count' && kind !== 'time_since'
  const model = {
    id: `feature${variable}`,
    kind,
    event: 'card.purchase',
    where: null,
    value: valued ? 'amount' : null,
    window,
    baseline: kind === 'growth' ? { windows: 3, minimum: 1 } : null,
    place: { file: 'features.yaml', line: 1 },
  }
  return { model, series, variable }
}

function seriesOf(valued: boolean, bound: number, index: number, features: readonly FeatureDef[]): SeriesDef {
  const lengths = features.flatMap(({ series, model: { window, baseline } }) =>
    series === index && window.kind === 'rolling' ? [{ ms: window.ms, times: (baseline?.windows ?? 0) + 1 }] : [],
  )
  return {
    key: (0xb000 + index).toString(16).padStart(13, '0'),
    event: 'card.purchase',
    valued,
    bound,
    retentionMs: Math.max(0, ...lengths.map(({ ms, times }) => ms * times)),
    windowsMs: [...new Set(lengths.map(({ ms }) => ms))].sort((a, b) => a - b),
  }
}
