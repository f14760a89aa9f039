import { Temporal } from 'temporal-polyfill'
import type { FeatureModel } from '../../../rules/model.ts'

/** One entry of the plain list that the recount goes through. */
export type Entry = { readonly at: number; readonly value: number }

/** The answer by brute force over the plain list; null: unknown, because there is nothing. */
export function recount(model: FeatureModel, entries: readonly Entry[], asOf: number, zone: string): number | null {
  const { window, baseline } = model
  if (model.kind === 'growth' && window.kind === 'rolling' && baseline !== null) {
    const aggregate = model.value === null ? count : sum
    const recent = aggregate(entries.filter(({ at }) => at >= asOf - window.ms && at <= asOf))
    let total = 0
    for (let k = 1; k <= baseline.windows; k++) {
      const from = asOf - (k + 1) * window.ms
      const to = asOf - k * window.ms
      total += aggregate(entries.filter(({ at }) => at >= from && at < to))
    }
    const mean = total / baseline.windows
    return mean < baseline.minimum || mean <= 0 ? null : recent / mean - 1
  }
  const start = startOf(model, asOf, zone)
  return aggregateOf(
    model,
    entries.filter(({ at }) => at >= start && at <= asOf),
    asOf,
  )
}

function startOf({ window }: FeatureModel, asOf: number, zone: string): number {
  if (window.kind === 'lifetime') return Number.NEGATIVE_INFINITY
  if (window.kind === 'rolling') return asOf - window.ms
  const local = Temporal.Instant.fromEpochMilliseconds(asOf).toZonedDateTimeISO(zone).startOfDay()
  if (window.period === 'day') return local.epochMilliseconds
  if (window.period === 'month') return local.with({ day: 1 }).startOfDay().epochMilliseconds
  return local.subtract({ days: local.dayOfWeek - 1 }).startOfDay().epochMilliseconds
}

function aggregateOf(model: FeatureModel, entries: readonly Entry[], asOf: number): number | null {
  const sorted = entries.toSorted((a, b) => a.at - b.at || a.value - b.value)
  const values = sorted.map(({ value }) => value)
  switch (model.kind) {
    case 'count':
      return count(entries)
    case 'sum':
      return sum(entries)
    case 'distinct':
      return new Set(values).size
    case 'min':
      return values.length === 0 ? null : Math.min(...values)
    case 'max':
      return values.length === 0 ? null : Math.max(...values)
    case 'average':
      return values.length === 0 ? null : sum(entries) / values.length
    case 'first':
      return values[0] ?? null
    case 'last':
      return values.at(-1) ?? null
    case 'time_since':
      return sorted.length === 0 ? null : asOf - (sorted.at(-1)?.at ?? 0)
    case 'growth':
      return null
  }
}

function count(entries: readonly Entry[]): number {
  return entries.length
}

function sum(entries: readonly Entry[]): number {
  return entries.reduce((total, { value }) => total + value, 0)
}
