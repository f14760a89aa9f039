/** Changes of values in words: what a value is and what it would have to be. */
import { eventTypes } from '../../ingest/event-types.ts'
import type { Range } from '../../rules/cel/domain.ts'
import { type Change, nearestChange, variablesRead } from '../../rules/cel/nearest-change.ts'
import type { Language } from '../../rules/explain-texts.ts'
import type { Model } from '../../rules/model.ts'
import { variablesOf, vocabulariesOf } from '../../rules/pack-vocabulary.ts'
import type { FeatureUsed } from '../../sinks/decision.ts'
import { valueWords, type Wording } from './value-words.ts'
import { variableWords } from './variable-words.ts'

/**
 * The fewest changes after which a condition surely holds (`true`) or surely does not (`false`), by the values that a record
 * kept. Empty: it does so already. null: none is known, or the record does not have every value that the condition reads.
 */
export function recordedChange(
  model: Model,
  features: readonly FeatureUsed[],
  condition: string,
  goal: 'true' | 'false',
): readonly Change[] | null {
  const variables = variablesOf(model, eventTypes)
  const { plain } = vocabulariesOf(variables, eventTypes)
  const used = new Map(features.map((feature) => [feature.name, feature]))
  if (variablesRead(condition, plain).some((name) => !used.has(name))) return null
  const lo = new Float64Array(variables.length).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(variables.length).fill(Number.POSITIVE_INFINITY)
  for (const { name, index } of variables) {
    const feature = used.get(name)
    if (feature === undefined) continue
    lo[index] = feature.lo
    hi[index] = feature.hi
  }
  return nearestChange(condition, plain, goal, lo, hi)
}

/** Changes as one text: `card_hits_30d is 3, needs at least 5; and profile.student is unknown, must be known to be false`. */
export function changesWords(changes: readonly Change[], model: Model, language: Language): string {
  return changes.map((change) => changeWords(change, model, language)).join(phrases[language].and)
}

function changeWords({ variable, from, needs, to }: Change, model: Model, language: Language): string {
  const say = phrases[language]
  const words = variableWords(model, variable.name, language)
  const wording: Wording = { language, currency: model.currency, zone: model.zone }
  const type = words?.type ?? 'double'
  const values = words?.values ?? []
  const one = (value: number): string =>
    type === 'bool' ? say.truth(value >= 1) : valueWords({ lo: value, hi: value }, type, values, wording)
  const needed = needsWords(needs, to, one, language, type === 'enum')
  if (from.lo === from.hi) return say.known(variable.name, one(from.lo), needed)
  return say.uncertain(variable.name, valueWords(from, type, values, wording), needed)
}

/** The stretch that holds the nearest value; of named values all that would do. */
function needsWords(
  needs: readonly Range[],
  to: number,
  one: (value: number) => string,
  language: Language,
  isNamed: boolean,
): string {
  const say = phrases[language]
  if (isNamed)
    return needs
      .flatMap(({ low, high }) => wholes(low, high))
      .map(one)
      .join(say.or)
  const range = needs.find(({ low, high }) => to >= low && to <= high)
  if (range === undefined) return one(to)
  const { low, high, lowOpen, highOpen } = range
  if (low === high) return one(low)
  const least = low === -Infinity ? '' : lowOpen ? say.moreThan(one(low)) : say.atLeast(one(low))
  const most = high === Infinity ? '' : highOpen ? say.lessThan(one(high)) : say.atMost(one(high))
  return [least, most].filter((part) => part !== '').join(say.but) || one(to)
}

function wholes(low: number, high: number): readonly number[] {
  return Array.from({ length: high - low + 1 }, (_, i) => low + i)
}

const phrases = {
  en: {
    known: (name: string, value: string, needed: string) => `${name} is ${value}, needs ${needed}`,
    uncertain: (name: string, value: string, needed: string) => `${name} is ${value}, must be known to be ${needed}`,
    truth: (is: boolean) => (is ? 'true' : 'false'),
    atLeast: (value: string) => `at least ${value}`,
    moreThan: (value: string) => `more than ${value}`,
    atMost: (value: string) => `at most ${value}`,
    lessThan: (value: string) => `less than ${value}`,
    but: ' and ',
    or: ' or ',
    and: '; and ',
  },
  zh: {
    known: (name: string, value: string, needed: string) => `${name}为${value}，需要${needed}`,
    uncertain: (name: string, value: string, needed: string) => `${name}为${value}，需确知为${needed}`,
    truth: (is: boolean) => (is ? '真' : '假'),
    atLeast: (value: string) => `至少${value}`,
    moreThan: (value: string) => `大于${value}`,
    atMost: (value: string) => `至多${value}`,
    lessThan: (value: string) => `小于${value}`,
    but: '且',
    or: '或',
    and: '；并且',
  },
} as const
