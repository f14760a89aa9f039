/**
 * The rules and events every engine gets: a linear congruential generator with a fixed seed, so that each run and each
 * engine sees the same.
 */
import type { Variable, Vocabulary } from '../../rules/vocabulary.ts'

/** What an engine is given for one event. */
export type Facts = Readonly<Record<string, number | string>>

/** One comparison of a rule with a constant. */
export type Comparison = {
  readonly fact: string
  readonly operator: '>' | '<' | '>=' | '<=' | '=='
  readonly value: number | string
}

/** A rule: all of its comparisons hold. */
export type BenchRule = { readonly id: string; readonly comparisons: readonly Comparison[] }

/** Rules and events to try them on. */
export type Workload = { readonly rules: readonly BenchRule[]; readonly events: readonly Facts[] }

const operators = ['>', '<', '>=', '<='] as const
const channels = ['mobile', 'web', 'branch'] as const

/**
 * Rules of four conditions: three numeric comparisons on three of eight facts, operators in turn, constants 0 to 1000,
 * and one of three channels. 4,096 events with numbers 0 to 999.
 */
export function channelWorkload(ruleCount: number): Workload {
  const random = generator(12_345)
  const rules = Array.from({ length: ruleCount }, (_, r) => {
    const numeric = [0, 3, 6].map((step, i) => ({
      fact: `n${(r + step) % 8}`,
      operator: operators[(r + i) % 4] ?? '>',
      value: Math.floor(random() * 1_001),
    }))
    const channel = { fact: 'channel', operator: '==', value: channels[r % 3] ?? '' } as const
    return { id: `rule-${r}`, comparisons: [...numeric, channel] }
  })
  const events = Array.from({ length: 4_096 }, () => {
    const numbers = Array.from({ length: 8 }, (_, i) => [`n${i}`, Math.floor(random() * 1_000)] as const)
    return { ...Object.fromEntries(numbers), channel: channels[Math.floor(random() * 3)] ?? '' }
  })
  return { rules, events }
}

/** Rules of one equality on a fact of 200 values and three comparisons; 4,096 events. */
export function codeWorkload(ruleCount: number): Workload {
  const random = generator(54_321)
  const rules = Array.from({ length: ruleCount }, (_, r) => {
    const numeric = [0, 3, 6].map((step, i) => ({
      fact: `n${(r + step) % 8}`,
      operator: (r + i) % 2 === 0 ? ('>' as const) : ('<' as const),
      value: Math.floor(random() * 1_001),
    }))
    return { id: `rule-${r}`, comparisons: [{ fact: 'code', operator: '==', value: r % 200 } as const, ...numeric] }
  })
  const events = Array.from({ length: 4_096 }, () => {
    const numbers = Array.from({ length: 8 }, (_, i) => [`n${i}`, Math.floor(random() * 1_000)] as const)
    return { ...Object.fromEntries(numbers), code: Math.floor(random() * 200) }
  })
  return { rules, events }
}

/** The rules that hold, by the plainest code there is: what every engine is checked against. */
export function referenceIds(rules: readonly BenchRule[], facts: Facts): readonly string[] {
  return rules.flatMap(({ id, comparisons }) => (comparisons.every((one) => holds(one, facts)) ? [id] : []))
}

/** Frame variables of the numeric facts. */
export const frameNames: readonly string[] = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'code']

/** Where our conditions find the facts: numbers in the frame, the channel in the event. */
export const benchVocabulary: Vocabulary = {
  variables: frameNames.map((name, index): Variable => ({ name, type: 'int', values: [], index })),
  event: {
    name: 'bench',
    schemaId: 1,
    fields: new Map([['channel', { name: 'channel', type: 'string', required: true, values: undefined }]]),
  },
}

/** A rule as CEL. */
export function celOf(rule: BenchRule): string {
  const texts = rule.comparisons.map(({ fact, operator, value }) => {
    const name = fact === 'channel' ? 'event.channel' : fact
    return `${name} ${operator} ${JSON.stringify(value)}`
  })
  return texts.join(' && ')
}

function holds({ fact, operator, value }: Comparison, facts: Facts): boolean {
  const given = facts[fact]
  if (operator === '==') return given === value
  if (typeof given !== 'number' || typeof value !== 'number') return false
  if (operator === '>') return given > value
  if (operator === '<') return given < value
  return operator === '>=' ? given >= value : given <= value
}

/** Numerical Recipes' quick generator (Press et al. 1992, section 7.1); numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
