/**
 * The sample pack grown to a size that is said: product lines with features, triggers, offers and guardrails of their own, in the proportions
 * of the sample, under its red lines. JSON is YAML, so it is written as that.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { featuresFile, guardrailsFile, offersFile, packFile, triggersFile } from '../../rules/pack-files.ts'
import type { PackFiles } from '../../rules/pack-texts.ts'

/** The folder of the sample pack. */
export const samplePack = join(import.meta.dirname, '../../rules/packs/retail-bank')

const untouched = ['sources', 'profile', 'placements', 'contact', 'arbitration'] as const
/** Offers that are one for all product lines: fallbacks, and the steps of the ladder. */
const common = (id: string, contentType: string): boolean => contentType === 'banner' || id === 'newcomer_start'

const read = (name: string): string => readFileSync(join(samplePack, `${name}.yaml`), 'utf8')

/** So many product lines as make about `size` features, triggers, offers and guardrails together; the sample is the first one. */
export function grownPack(size: number): { readonly files: PackFiles; readonly rules: number } {
  const { features } = featuresFile.parse(parse(read('features')))
  const { triggers } = triggersFile.parse(parse(read('triggers')))
  const { guardrails, allows } = guardrailsFile.parse(parse(read('guardrails')))
  const { offers, ...more } = offersFile.parse(parse(read('offers')))
  const pack = packFile.parse(parse(read('pack')))
  const own = offers.filter(({ id, contentType }) => !common(id, contentType) && !id.startsWith('talk_annual'))
  const perLine = features.length + triggers.length + own.length + guardrails.length
  const sample = features.length + triggers.length + offers.length + guardrails.length
  const lines = Array.from({ length: Math.max(0, Math.round((size - sample) / perLine)) }, (_, i) => i + 1)
  const names = new RegExp(`\\b(${features.map(({ id }) => id).join('|')})\\b`, 'g')
  const of = (line: number) => ({
    name: (id: string) => `${id}_${line}`,
    text: (condition: string) => condition.replace(names, `$1_${line}`),
    all: (list: 'all' | readonly string[]) => (list === 'all' ? list : list.map((id) => `${id}_${line}`)),
  })
  const everyLine = (list: 'all' | readonly string[]) =>
    list === 'all' ? list : [...list, ...lines.flatMap((line) => of(line).all(list))]
  const allFeatures = [
    ...features,
    ...lines.flatMap((line) =>
      features.map((feature) => ({ ...feature, id: of(line).name(feature.id), window: longer(feature.window, line) })),
    ),
  ]
  const allOffers = [
    ...offers,
    ...lines.flatMap((line) =>
      own.map(({ parts, eligible, propensity, context, value, takes: _, oncePer: __, ...offer }) => ({
        ...offer,
        id: of(line).name(offer.id),
        category: of(line).name(offer.category),
        eligible: eligible === null ? null : of(line).text(eligible),
        propensity: typeof propensity === 'string' ? of(line).text(propensity) : propensity,
        context: typeof context === 'string' ? of(line).text(context) : context,
        value: typeof value === 'string' ? of(line).text(value) : value,
        parts: parts.map((part) => ({
          ...part,
          category: part.category === null ? null : of(line).name(part.category),
        })),
      })),
    ),
  ]
  const allTriggers = [
    ...triggers,
    ...lines.flatMap((line) =>
      triggers.map((trigger) => ({
        ...trigger,
        id: of(line).name(trigger.id),
        when: trigger.when === null ? null : of(line).text(trigger.when),
        offers: trigger.offers.map((id) => of(line).name(id)),
      })),
    ),
  ]
  const red = guardrails.map(({ closes, ...guardrail }) => ({
    ...guardrail,
    closes: { ...closes, categories: everyLine(closes.categories), exceptCategories: closes.exceptCategories },
  }))
  const policies = lines.flatMap((line) =>
    guardrails.map(({ text }, i) => {
      const feature = features[i % features.length]
      const category = pack.categories[i % pack.categories.length]?.id ?? ''
      const counts = feature?.kind === 'count' || feature?.kind === 'distinct'
      return {
        id: `policy-${line}-${i}`,
        reason: 'bank_policy',
        text,
        closes: { categories: [of(line).name(category)], classes: ['marketing'] },
        when: counts ? `${of(line).name(feature.id)} > ${100 + i}` : `profile.age < ${18 + (i % 5)}`,
      }
    }),
  )
  const contents: Readonly<Record<string, unknown>> = {
    pack: {
      ...pack,
      categories: everyLineOf(pack.categories, lines, (category, line) => ({
        ...category,
        id: of(line).name(category.id),
      })),
    },
    features: { features: allFeatures },
    guardrails: { guardrails: [...red, ...policies], allows },
    offers: { offers: allOffers, ...more },
    triggers: { triggers: allTriggers },
  }
  const texts = untouched.map((name) => [`${name}.yaml`, read(name)] as const)
  const grown = Object.entries(contents).map(
    ([name, value]) => [`${name}.yaml`, JSON.stringify(value, null, 1)] as const,
  )
  const rules = allFeatures.length + allTriggers.length + allOffers.length + red.length + policies.length
  return { files: Object.fromEntries([...texts, ...grown]), rules }
}

function everyLineOf<T>(
  list: readonly T[],
  lines: readonly number[],
  copy: (item: T, line: number) => T,
): readonly T[] {
  return [...list, ...lines.flatMap((line) => list.map((item) => copy(item, line)))]
}

/** A series of its own: a second more a line. */
function longer(window: string, line: number): string {
  const days = /^(\d+)d$/.exec(window)?.[1]
  const hours = /^(\d+)h$/.exec(window)?.[1]
  if (days !== undefined) return `${Number(days) * 86_400 + line}s`
  return hours === undefined ? window : `${Number(hours) * 3_600 + line}s`
}
