/** What the customer's state must hold for a pack: its attributes, its series and the features over them. */
import { createHash } from 'node:crypto'
import { largestCountConstant } from './cel/analyse.ts'
import {
  type AttributeDef,
  clockAheadMaxMs,
  type ExpiryDef,
  type FeatureDef,
  type Layout,
  receiptMs,
  type SeriesDef,
} from './compiled.ts'
import type { FeatureModel, Model } from './model.ts'
import type { EventTypes } from './pack-vocabulary.ts'
import { vocabulariesOf } from './pack-vocabulary.ts'
import type { Slices } from './slices.ts'
import { isLearned, termNames, textsOf } from './terms.ts'
import type { Variable, Vocabulary } from './vocabulary.ts'

/** Most exact entries of a series. */
export const boundMax = 256

const dayMs = 86_400_000
/** Longest a calendar period can last, an hour of daylight saving included. */
const periodMs = { day: 2 * dayMs, week: 8 * dayMs, month: 32 * dayMs } as const

/** The identity of a series: features that agree in it share one. */
export type SeriesSource = { readonly event: string; readonly where: string | null; readonly value: string | null }

/** The series of a pack with what feeds them, and which one each feature reads. */
export type SeriesTable = {
  readonly sources: readonly SeriesSource[]
  readonly seriesOf: readonly number[]
}

/** Groups the features by (event type, filter, value field); the n-th entry of `seriesOf` is the n-th feature's. */
export function seriesTable(features: readonly FeatureModel[]): SeriesTable {
  const sources: SeriesSource[] = []
  const known = new Map<string, number>()
  const seriesOf = features.map((feature) => {
    const source = { event: feature.event, where: feature.where?.trim() ?? null, value: feature.value }
    const text = seriesText(source)
    const found = known.get(text)
    if (found !== undefined) return found
    known.set(text, sources.length)
    return sources.push(source) - 1
  })
  return { sources, seriesOf }
}

/** The layout of a checked pack. `nonNegative` says whether a field is never below zero. */
export function* compileLayout(
  model: Model,
  variables: readonly Variable[],
  table: SeriesTable,
  eventTypes: EventTypes,
  nonNegative: (event: string, field: string) => boolean,
): Slices<Layout> {
  const attributes: AttributeDef[] = model.attributes.map((attribute, variable) => ({
    id: attribute.id,
    key: keyOf(JSON.stringify(['attribute', attribute.id, attribute.type, attribute.values])),
    validForMs: attribute.validForMs,
    ...(attribute.type === 'age' ? { isAge: true } : {}),
    setBy: [...new Set(attribute.setBy.map(({ event }) => event))],
    variable,
  }))
  const features: FeatureDef[] = model.features.map((feature, i) => ({
    model: feature,
    series: table.seriesOf[i] ?? 0,
    variable: attributes.length + i,
  }))
  const conditions = conditionsOf(model, variables, eventTypes)
  const series: SeriesDef[] = []
  for (const [index, source] of table.sources.entries()) {
    const readers = features.filter((feature) => feature.series === index)
    const positive = source.value !== null && nonNegative(source.event, source.value)
    series.push({ ...(yield* seriesDef(source, readers, conditions)), nonNegative: positive })
    yield
  }
  return {
    attributes,
    expiries: expiriesOf(model),
    features,
    series,
    variables: variables.length,
    zone: model.zone,
    dedupeMs: model.latenessMs + clockAheadMaxMs,
    contactsMs: contactsMsOf(model),
  }
}

/**
 * How far back any rule of the contact policy looks, and at least for as long as a message may leave or be reported: until then it can be
 * recalled, and asked a permit for. What is kept for a customer of resources is a kind of contact, and open so long.
 */
function contactsMsOf({ caps, gaps, pauses, offers, channels, resources }: Model): number {
  const most = [...caps.map(({ perMs }) => perMs), ...gaps.map(({ leastMs }) => leastMs)]
  for (const { withinMs, answerMs, forMs } of pauses) most.push(withinMs + answerMs + forMs)
  const sending = new Set(channels.filter(({ contact }) => contact).map(({ id }) => id))
  const graceMs = resources.reduce((longest, resource) => Math.max(longest, resource.graceMs), 0)
  for (const offer of offers) {
    if (offer.takes.length > 0) most.push(offer.validForMs + graceMs)
    if (offer.channels.some((channel) => sending.has(channel))) most.push(offer.validForMs + receiptMs)
  }
  return most.reduce((longest, ms) => Math.max(longest, ms), 0)
}

/** An entry for each attribute that some event says an end of. */
export function expiriesOf(model: Model): readonly ExpiryDef[] {
  return model.attributes.flatMap(({ id, setBy }, attribute) =>
    setBy.some((setter) => setter.until !== null)
      ? [{ attribute, key: keyOf(JSON.stringify(['attribute until', id])) }]
      : [],
  )
}

/** How far back a feature looks from the instant of evaluation, in milliseconds; 0 for lifetime (running totals). */
export function lookBackMs(feature: FeatureModel): number {
  const { window, baseline } = feature
  if (window.kind === 'lifetime') return 0
  if (window.kind === 'calendar') return periodMs[window.period]
  return window.ms * (feature.kind === 'growth' && baseline !== null ? baseline.windows + 1 : 1)
}

type ConditionText = { readonly source: string; readonly vocabulary: Vocabulary }

function* seriesDef(
  source: SeriesSource,
  readers: readonly FeatureDef[],
  conditions: readonly ConditionText[],
): Slices<SeriesDef> {
  const windows = readers.flatMap(({ model: { window } }) => (window.kind === 'rolling' ? [window.ms] : []))
  return {
    key: keyOf(seriesText(source)),
    event: source.event,
    valued: source.value !== null,
    bound: yield* boundOf(readers, conditions),
    retentionMs: readers.reduce((most, { model }) => Math.max(most, lookBackMs(model)), 0),
    windowsMs: [...new Set(windows)].sort((a, b) => a - b),
  }
}

/**
 * A count that is only compared with constants needs one entry more than the largest of them; anything else that reads
 * single entries gets the most there is.
 */
function* boundOf(readers: readonly FeatureDef[], conditions: readonly ConditionText[]): Slices<number> {
  let most = 0
  for (const { model, variable } of readers) {
    if (model.kind === 'time_since') continue
    if (model.kind !== 'count') return boundMax
    for (const { source, vocabulary } of conditions) {
      // Looking is far cheaper than parsing, and most conditions read few features.
      if (!source.includes(model.id)) continue
      const largest = largestCountConstant(source, vocabulary, variable)
      yield
      if (largest === null) return boundMax
      most = Math.max(most, largest)
    }
  }
  return Math.min(boundMax, most + 1)
}

/** Every text of the pack that may read a feature, each once. */
function conditionsOf(model: Model, variables: readonly Variable[], eventTypes: EventTypes): readonly ConditionText[] {
  const { plain, on } = vocabulariesOf(variables, eventTypes)
  const found = new Map<string, ConditionText>()
  const add = (source: string | number | null, vocabulary: Vocabulary): void => {
    if (typeof source !== 'string') return
    found.set(`${vocabulary.event?.name ?? ''}\0${source}`, { source, vocabulary })
  }
  for (const guardrail of model.guardrails) add(guardrail.when, plain)
  for (const allow of model.allows) add(allow.when, plain)
  for (const offer of model.offers) {
    add(offer.eligible, plain)
    for (const name of termNames) for (const source of textsOf(offer[name])) add(source, plain)
    if (isLearned(offer.propensity)) add(offer.propensity.learned.segment, plain)
  }
  for (const trigger of model.triggers) add(trigger.when, on(trigger.on))
  return [...found.values()]
}

function seriesText(source: SeriesSource): string {
  return JSON.stringify(['series', source.event, source.where, source.value])
}

/** First 13 hex digits of the sha-256 of a definition: 52 bits, exact as a number too. */
function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 13)
}
