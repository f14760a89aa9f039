/**
 * Fairness of prices: what a price reads, the pack has published; what is published tells nothing of a vulnerable situation; and who is
 * not known well enough gets the price that is stated for all of them.
 */
import { conditionTree } from '../cel/elaborate.ts'
import { readsOf } from '../cel/expression.ts'
import { compilePriceValue, priceNumber } from '../compile-prices.ts'
import type { OfferModel } from '../model.ts'
import { type PriceModel, priceLimits } from '../price-model.ts'
import { formatPrice } from '../price-words.ts'
import { sensitiveWordIn } from '../sensitive-words.ts'
import { type Checking, type CompiledConditions, oneOf, type Spot } from './checking.ts'
import { refuseCel } from './conditions.ts'

/** Checks all prices; returns the frame indexes that they read. */
export function checkPrices(checking: Checking, conditions: CompiledConditions): ReadonlySet<number> {
  const { model, variables, warn } = checking
  const reads = new Set<number>()
  for (const [i, offer] of model.offers.entries()) checkOffer(checking, offer, i, reads)
  const read = new Set([...reads].map((index) => variables[index]?.name))
  for (const [i, name] of (model.pricing?.mayDependOn ?? []).entries()) {
    const spot: Spot = { file: 'pack.yaml', path: ['pricing', 'mayDependOn', i], rule: 'pricing' }
    if (!checkAllowed(checking, conditions, spot, name) || read.has(name)) continue
    warn('reference_dead', spot, `No price depends on "${name}". Take it away, or let a price depend on it.`)
  }
  return reads
}

function checkOffer(checking: Checking, offer: OfferModel, i: number, reads: Set<number>): void {
  const { model, plain, variables, refuse } = checking
  const allowed = model.pricing?.mayDependOn ?? []
  const ids = new Set<string>()
  for (const [j, price] of (offer.prices ?? []).entries()) {
    const spot = (key: string): Spot => ({ file: 'offers.yaml', path: ['offers', i, 'prices', j, key], rule: offer.id })
    if (ids.has(price.id)) refuse('id_duplicate', spot('id'), `Two prices are called "${price.id}". Rename one.`)
    ids.add(price.id)
    const compiled = compilePriceValue(price, plain)
    if (compiled.kind === 'refused') {
      refuseCel(checking, spot('value'), `${price.value}`, compiled.problem)
      continue
    }
    for (const index of compiled.value.reads) {
      reads.add(index)
      const { name = '' } = variables[index] ?? {}
      if (allowed.includes(name)) continue
      const path = `${price.id} -> ${pathsOf(checking, name).join(', ')}`
      const message = `The price "${price.id}" depends on "${name}", which the pack does not let prices depend on: ${path}.`
      const counterexample = path
      refuse('price_dependence', spot('value'), `${message} Take it out, or publish it under pricing of pack.yaml.`, {
        counterexample,
      })
    }
    checkNumbers(checking, price, spot, compiled.value.reads.length > 0 ? null : compiled.value.low(none, none, null))
  }
}

const none = new Float64Array(0)

/** @param constant what the price is for everybody; null: it depends on something */
function checkNumbers(
  { model, refuse }: Checking,
  price: PriceModel,
  spot: (key: string) => Spot,
  constant: number | null,
): void {
  const { kind, otherwise } = price
  if (constant !== null && otherwise !== null) {
    const message = `The price "${price.id}" is the same for everybody, so nothing is ever otherwise. Take "otherwise" away.`
    refuse('value_unexpected', spot('otherwise'), message)
  }
  if (constant === null && otherwise === null) {
    const message = `The price "${price.id}" depends on what may not be known. Say under "otherwise" what holds then, for all alike.`
    refuse('value_missing', spot('value'), message)
  }
  for (const [key, value] of [
    ['value', constant],
    ['otherwise', otherwise],
  ] as const) {
    if (value === null || !Number.isNaN(priceNumber(price, value))) continue
    const [lowest, highest] = priceLimits[kind].map((limit) => formatPrice(kind, limit, model.currency))
    const message = `The price "${price.id}" is no ${kind}: it must be from ${lowest} to ${highest}. Correct it.`
    refuse('price_out_of_bounds', spot(key), message)
  }
}

/** Whether what prices may depend on is there; it is refused when it tells of a vulnerable situation. */
function checkAllowed(checking: Checking, conditions: CompiledConditions, spot: Spot, name: string): boolean {
  const { model, refuse } = checking
  const attributes = model.attributes.map(({ id }) => `profile.${id}`)
  const features = model.features.map(({ id }) => id)
  const isAttribute = name.startsWith('profile.')
  if (!(isAttribute ? attributes : features).includes(name)) {
    const kind = isAttribute ? 'attribute' : 'feature'
    const known = oneOf(isAttribute ? attributes : features)
    refuse(
      isAttribute ? 'attribute_unknown' : 'feature_unknown',
      spot,
      `There is no ${kind} "${name}". Use one of: ${known}.`,
    )
    return false
  }
  const found = vulnerableBy(checking, conditions, name)
  if (found !== null) {
    const message = `Prices may not depend on "${name}", as it tells of a situation in which people need care (${found}).`
    refuse('price_vulnerable', spot, `${message} Take it away.`, { counterexample: found })
  }
  return true
}

/** What shows that a variable tells of vulnerability: the word in the path to the data, or the guardrail that reads it; null: nothing does. */
function vulnerableBy(checking: Checking, conditions: CompiledConditions, name: string): string | null {
  const { model, variables } = checking
  for (const path of pathsOf(checking, name)) {
    const found = sensitiveWordIn(wordsOf(path), 'en') ?? sensitiveWordIn(path, 'zh')
    if (found !== null) return `${path}: ${found.word}`
  }
  const index = variables.findIndex((variable) => variable.name === name)
  for (const [i, { id, reason }] of model.guardrails.entries()) {
    if (sensitiveWordIn(wordsOf(reason), 'en') === null) continue
    if (conditions.guardrails[i]?.reads.includes(index) === true) return `guardrail ${id}: ${reason}`
  }
  return null
}

/** `studentStatus` and `overdue_debt` as words of a sentence. */
function wordsOf(path: string): string {
  return path.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[_.]/g, ' ')
}

/** From a variable to what it is worked out from: each event with the fields that count, and the filter that chooses events. */
function pathsOf({ model, eventTypes }: Pick<Checking, 'model' | 'eventTypes'>, name: string): readonly string[] {
  const attribute = model.attributes.find(({ id }) => `profile.${id}` === name)
  const feature = model.features.find(({ id }) => id === name)
  const sources = [
    ...(attribute?.setBy ?? []),
    ...(feature === undefined ? [] : [{ ...feature, field: feature.value }]),
  ]
  if (sources.length === 0) return [name]
  return sources.map(({ event, where, field }) => {
    const def = eventTypes.get(event)
    const tree = where === null || def === undefined ? null : conditionTree(where, { variables: [], event: def })
    const filtered = tree?.kind === 'ok' ? readsOf([tree.value]).fields : []
    const fields = [...new Set([...(field === null ? [] : [field]), ...filtered])]
    const read = fields.length === 0 ? event : fields.map((one) => `${event}.${one}`).join(' and ')
    return `${name} -> ${read}${where === null ? '' : ` where ${where.trim().replace(/\s+/g, ' ')}`}`
  })
}
