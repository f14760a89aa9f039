/**
 * What every contender is given, as data: eight counters of a customer's card purchases and twenty rules over them. The pack
 * in `pack/` says the same in YAML; a test compares the two.
 */
import type { BenchRule, Comparison } from '../rules/rule-workload.ts'

/** The only event type of the comparison: every event adds to all counters and is tried against all rules. */
export const cardEvent = 'card.purchase'

/** A lifetime counter: number of purchases, or their amounts in minor units, with one value of a field. */
export type CardCounter = {
  readonly name: string
  readonly adds: 'one' | 'amount'
  /** Which purchases count; null: all. */
  readonly only: { readonly field: 'country' | 'channel' | 'currency'; readonly equals: string } | null
}

const groups = [
  ['', null],
  ['domestic_', { field: 'country', equals: 'CN' }],
  ['pos_', { field: 'channel', equals: 'pos' }],
  ['yuan_', { field: 'currency', equals: 'CNY' }],
] as const

/** Eight, in the order of their names in every contender. */
export const cardCounters: readonly CardCounter[] = groups.flatMap(([beginning, only]): CardCounter[] => [
  { name: `${beginning}purchases`, adds: 'one', only },
  { name: `${beginning}spend`, adds: 'amount', only },
])

/** The field of the event that each rule asks for beside three counters. */
export const categoryFact = 'merchantCategory'

/** One purchase in six is of the rare four. */
const rare = ['travel', 'beauty', 'gaming', 'maternity'] as const
const frequent = ['grocery', 'restaurant', 'transport', 'fashion'] as const
/** Purchases from, below, and the least they have cost together (minor units). */
const bands = [
  [1, 4, 10_000],
  [4, 10, 40_000],
  [10, 30, 100_000],
  [30, 1_000_000, 300_000],
] as const

/**
 * Twenty rules of four conditions: three comparisons on three counters, a floor, a ceiling and an amount, and one equality. The
 * bands leave no gap, so that about one event in seven hits, early in the run as well as late.
 */
export const cardRules: readonly BenchRule[] = [
  ...rare.flatMap((category, c) => bands.map((band, b) => bandRule(c * bands.length + b, category, band))),
  ...frequent.map((category, c) => bandRule(16 + c, category, [400, 1_000_000, 4_000_000])),
]

function bandRule(r: number, category: string, [from, below, amount]: readonly [number, number, number]): BenchRule {
  const named = (adds: CardCounter['adds'], turn: number) =>
    cardCounters.filter((counter) => counter.adds === adds)[turn % groups.length]?.name ?? ''
  const comparisons: readonly Comparison[] = [
    { fact: named('one', r), operator: '>=', value: from },
    { fact: named('one', r + 1), operator: '<', value: below },
    { fact: named('amount', r + 2), operator: r % 2 === 0 ? '>=' : '>', value: amount },
    { fact: categoryFact, operator: '==', value: category },
  ]
  return { id: `rule-${String(r + 1).padStart(2, '0')}`, comparisons }
}

/** A rule as the pack writes it. */
export function cardCel({ comparisons }: BenchRule): string {
  const texts = comparisons.map(({ fact, operator, value }) => {
    if (fact === categoryFact) return `event.${fact} ${operator} ${JSON.stringify(value)}`
    const isAmount = cardCounters.some(({ name, adds }) => name === fact && adds === 'amount')
    return `${fact} ${operator} ${isAmount ? `money("${(Number(value) / 100).toFixed(2)}")` : value}`
  })
  return texts.join(' && ')
}
