import type { AttributeDef, FeatureDef, Layout, SeriesDef } from '../../../rules/compiled.ts'
import type { FeatureKind, FeatureModel, Window } from '../../../rules/model.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** A feature in short. */
export type Ask = {
  readonly kind: FeatureKind
  readonly series: number
  readonly window: Window
  readonly valued?: boolean
  readonly baseline?: { readonly windows: number; readonly minimum: number }
}

export const rolling = (ms: number): Window => ({ kind: 'rolling', ms })
export const lifetimeWindow: Window = { kind: 'lifetime' }

/** A layout of some attributes, series and features; frame: attributes, features, one more. */
export function layoutOf(
  asks: readonly Ask[],
  series: readonly Partial<SeriesDef>[],
  more: Partial<Layout> & { attributes?: readonly AttributeDef[] } = {},
): Layout {
  const attributes = more.attributes ?? [attributeOf(0, null), attributeOf(1, DAY)]
  const features = asks.map((ask, index) => featureOf(ask, attributes.length + index))
  const { attributes: _, ...rest } = more
  return {
    attributes,
    series: series.map((part, index) => seriesOf(part, index, features)),
    features,
    variables: attributes.length + features.length + 1,
    zone: 'Europe/Berlin',
    dedupeMs: DAY,
    contactsMs: 30 * DAY,
    ...rest,
  }
}

export function attributeOf(index: number, validForMs: number | null): AttributeDef {
  return { id: `attribute${index}`, key: (0xa000 + index).toString(16).padStart(13, '0'), validForMs, variable: index }
}

function seriesOf(part: Partial<SeriesDef>, index: number, features: readonly FeatureDef[]): SeriesDef {
  const windows = features
    .filter((feature) => feature.series === index)
    .flatMap(({ model }) => (model.window.kind === 'rolling' ? [model.window.ms] : []))
  return {
    key: (0xb000 + index).toString(16).padStart(13, '0'),
    event: 'card.purchase',
    valued: true,
    bound: 256,
    retentionMs: Math.max(0, ...windows),
    windowsMs: [...new Set(windows)].sort((a, b) => a - b),
    ...part,
  }
}

function featureOf(ask: Ask, variable: number): FeatureDef {
  const model: FeatureModel = {
    id: `feature${variable}`,
    kind: ask.kind,
    event: 'card.purchase',
    where: null,
    value: ask.kind === 'count' || ask.kind === 'time_since' || ask.valued === false ? null : 'amount',
    window: ask.window,
    baseline: ask.baseline ?? null,
    place: { file: 'features.yaml', line: 1 },
  }
  return { model, series: ask.series, variable }
}
