import { eventTypes } from '../../ingest/event-types.ts'
import { anyTree } from '../../rules/cel/elaborate.ts'
import { readsOf } from '../../rules/cel/expression.ts'
import type { Language } from '../../rules/explain-texts.ts'
import type { Model } from '../../rules/model.ts'
import { variablesOf } from '../../rules/pack-vocabulary.ts'
import type { PriceModel } from '../../rules/price-model.ts'
import { formatPrice } from '../../rules/price-words.ts'
import type { Decision, PriceGiven } from '../../sinks/decision.ts'
import { oneLine } from './value-words.ts'

/**
 * The prices that were told with the offers of a decision, for staff: how much, by which rule, and on what it depended. The values of
 * that stand with everything else that was known.
 * @param titleOf title of an offer
 */
export function priceLines(
  decision: Decision,
  model: Model | null,
  language: Language,
  titleOf: (offer: string) => string,
): readonly string[] {
  const say = phrases[language]
  return decision.prices.map((given) => {
    const price = priceOf(model, given)
    const amount = formatPrice(given.kind, given.value, model?.currency ?? '')
    const told = say.told(say.kinds[given.kind], given.price, titleOf(given.offer), amount)
    // A pack that is no longer kept says nothing of how it came to that.
    if (model === null || price === undefined) return told
    const reads = priceReads(model, price)
    if (reads.length === 0) return `${told}${say.same}`
    const names = reads.join(say.comma)
    return `${told}${given.known ? say.by(names, oneLine(`${price.value}`)) : say.otherwise(names)}`
  })
}

function priceOf(model: Model | null, { offer, price }: PriceGiven): PriceModel | undefined {
  return model?.offers.find(({ id }) => id === offer)?.prices?.find(({ id }) => id === price)
}

/** Names of what a price reads. */
function priceReads(model: Model, { value }: PriceModel): readonly string[] {
  if (typeof value === 'number') return []
  const variables = variablesOf(model, eventTypes)
  const tree = anyTree(value, { variables, event: null })
  if (tree.kind === 'refused') return []
  return readsOf([tree.value]).variables.flatMap((index) => variables[index]?.name ?? [])
}

const phrases = {
  en: {
    kinds: { rate: 'Rate', multiplier: 'Multiplier', discount: 'Discount', fee: 'Fee' },
    told: (kind: string, price: string, title: string, amount: string) => `${kind} ${price} of ${title}: ${amount}.`,
    same: ' It is the same for everybody.',
    by: (names: string, rule: string) => ` It depended on ${names} alone: ${rule}.`,
    otherwise: (names: string) =>
      ` It depends on ${names} alone, which was not known well enough: so it is what everybody gets of whom that is so.`,
    comma: ', ',
  },
  zh: {
    kinds: { rate: '利率', multiplier: '倍数', discount: '折扣', fee: '费用' },
    told: (kind: string, price: string, title: string, amount: string) => `${title}的${kind}（${price}）：${amount}。`,
    same: '对所有客户相同。',
    by: (names: string, rule: string) => `仅取决于${names}：${rule}。`,
    otherwise: (names: string) => `仅取决于${names}，但信息不足，故适用对所有此类客户相同的价格。`,
    comma: '、',
  },
} as const
