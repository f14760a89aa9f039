/** What the variables of a pack are: their type, their values, what they measure over which window. */
import { eventTypes } from '../../ingest/event-types.ts'
import type { Language } from '../../rules/explain-texts.ts'
import type { FeatureModel, Model, Window } from '../../rules/model.ts'
import { durationWords, type ValueType } from './value-words.ts'

export type VariableWords = {
  readonly kind: 'attribute' | 'feature'
  readonly type: ValueType
  /** Values of an enum in the order of their codes; empty otherwise. */
  readonly values: readonly string[]
  /** What it measures: `number of card.purchase`; empty for attributes. */
  readonly measure: string
  /** Such as `30 days`; empty for attributes. */
  readonly window: string
}

/** The variable of a model by the name conditions use, such as `profile.assets`; null: the model has none. */
export function variableWords(model: Model, name: string, language: Language): VariableWords | null {
  if (name === 'source.lawful') return { kind: 'attribute', type: 'bool', values: [], measure: '', window: '' }
  const attribute = model.attributes.find((candidate) => `profile.${candidate.id}` === name)
  if (attribute !== undefined)
    return {
      kind: 'attribute',
      type: attribute.type === 'age' ? 'int' : attribute.type,
      values: attribute.values,
      measure: '',
      window: '',
    }
  const feature = model.features.find((candidate) => candidate.id === name)
  if (feature === undefined) return null
  return {
    kind: 'feature',
    type: featureType(feature),
    values: [],
    measure: measureWords(feature, language),
    window: windowWords(feature.window, language),
  }
}

/** A window in words: `30 days`, `this month`, `since the start`. */
export function windowWords(window: Window, language: Language): string {
  const zh = language === 'zh'
  switch (window.kind) {
    case 'rolling':
      return durationWords(window.ms, language)
    case 'calendar':
      return calendar[language][window.period]
    case 'lifetime':
      return zh ? '自开始以来' : 'since the start'
    default:
      return window satisfies never
  }
}

const calendar = {
  en: { day: 'today', week: 'this week', month: 'this month' },
  zh: { day: '今日', week: '本周', month: '本月' },
} as const

function featureType(feature: FeatureModel): ValueType {
  if (feature.kind === 'growth') return 'ratio'
  if (feature.kind === 'time_since') return 'duration'
  if (feature.kind === 'count' || feature.kind === 'distinct') return 'int'
  const field = feature.value === null ? undefined : eventTypes.get(feature.event)?.fields.get(feature.value)
  if (field?.type === 'money' || field?.type === 'instant') return field.type
  return feature.kind === 'average' ? 'double' : field?.type === 'int' ? 'int' : 'double'
}

const measures = {
  en: {
    count: 'number of {event}',
    sum: 'sum of {value} of {event}',
    min: 'smallest {value} of {event}',
    max: 'largest {value} of {event}',
    average: 'average {value} of {event}',
    first: 'first {value} of {event}',
    last: 'latest {value} of {event}',
    time_since: 'time since the last {event}',
    distinct: 'number of different {value} of {event}',
    growth: 'growth of {event} against the customer’s own baseline',
  },
  zh: {
    count: '{event}的次数',
    sum: '{event}的{value}合计',
    min: '{event}的{value}最小值',
    max: '{event}的{value}最大值',
    average: '{event}的{value}平均值',
    first: '{event}的首个{value}',
    last: '{event}的最近{value}',
    time_since: '距上次{event}的时间',
    distinct: '{event}中不同{value}的个数',
    growth: '{event}相对客户自身基线的增长',
  },
} as const

function measureWords(feature: FeatureModel, language: Language): string {
  return measures[language][feature.kind].replace('{event}', feature.event).replace('{value}', feature.value ?? '')
}
