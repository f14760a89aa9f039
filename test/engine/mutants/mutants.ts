/** The sample pack with one thing broken, as a tired author breaks it: every way there is to do so, by kind. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import {
  featuresFile,
  guardrailsFile,
  offersFile,
  packFiles,
  placementsFile,
  triggersFile,
} from '../../../rules/pack-files.ts'
import type { PackFiles } from '../../../rules/pack-texts.ts'
import { retailBank } from '../../rules/patched-pack.ts'

/** A broken pack. `names` are the rules it is about. */
export type Mutant = {
  readonly kind: string
  readonly name: string
  readonly names: readonly string[]
  readonly files: PackFiles
}

const texts: PackFiles = Object.fromEntries(
  Object.keys(packFiles).map((file) => [file, readFileSync(join(retailBank, file), 'utf8')]),
)
const data = (file: string): unknown => parse(texts[file] ?? '')
const guards = guardrailsFile.parse(data('guardrails.yaml'))
const offers = offersFile.parse(data('offers.yaml'))
const { triggers } = triggersFile.parse(data('triggers.yaml'))
const { features } = featuresFile.parse(data('features.yaml'))
const { channels } = placementsFile.parse(data('placements.yaml'))

type Change = { readonly kind: string; readonly name: string; readonly names: readonly string[] }

function mutant(change: Change, file: string, content: unknown): Mutant {
  return { ...change, files: { ...texts, [file]: JSON.stringify(content, null, 1) } }
}

/** A list with one entry replaced; with null: taken out. */
function replaced<T>(list: readonly T[], i: number, by: T | null): readonly T[] {
  return list.flatMap((one, n) => (n === i ? (by === null ? [] : [by]) : [one]))
}

const withGuardrail = (change: Change, i: number, by: (typeof guards.guardrails)[number] | null): Mutant =>
  mutant(change, 'guardrails.yaml', { ...guards, guardrails: replaced(guards.guardrails, i, by) })
const withOffer = (change: Change, i: number, by: (typeof offers.offers)[number]): Mutant =>
  mutant(change, 'offers.yaml', { ...offers, offers: replaced(offers.offers, i, by) })
const withTrigger = (change: Change, i: number, by: (typeof triggers)[number] | null): Mutant =>
  mutant(change, 'triggers.yaml', { triggers: replaced(triggers, i, by) })

const turned: Readonly<Record<string, string>> = {
  '>=': '<',
  '<=': '>',
  '<': '>=',
  '>': '<=',
  '==': '!=',
  '&&': '||',
  '||': '&&',
}

/** Every text with one comparison or connective turned round, or one constant ten times as large. */
function brokenConditions(source: string | null): readonly { readonly how: string; readonly text: string }[] {
  if (source === null) return []
  const found = [...source.matchAll(/>=|<=|==|&&|\|\||<|>|\b[1-9][0-9]*\b/g)]
  return found.map((match) => {
    const by = turned[match[0]] ?? `${match[0]}0`
    const text = source.slice(0, match.index) + by + source.slice(match.index + match[0].length)
    return { how: `${match[0]} to ${by} at ${match.index}`, text }
  })
}

/** All mutants of the sample pack. */
export function allMutants(): readonly Mutant[] {
  return [...guardrailMutants(), ...conditionMutants(), ...offerMutants(), ...triggerMutants(), ...nameMutants()]
}

function guardrailMutants(): readonly Mutant[] {
  return guards.guardrails.flatMap((one, i) => {
    const names = [one.id]
    const { closes, suppression } = one
    const categories = closes.categories === 'all' ? [] : closes.categories
    return [
      withGuardrail({ kind: 'guardrail taken away', name: one.id, names }, i, null),
      ...categories.map((category) =>
        withGuardrail({ kind: 'category left out of a guardrail', name: `${one.id} ${category}`, names }, i, {
          ...one,
          closes: { ...closes, categories: categories.filter((kept) => kept !== category) },
        }),
      ),
      ...(closes.channels === 'all'
        ? [
            withGuardrail({ kind: 'guardrail narrowed to a channel', name: one.id, names }, i, {
              ...one,
              closes: { ...closes, channels: ['in_app'] },
            }),
          ]
        : []),
      // Lengths that do not end so are left as they are, which would be no change.
      ...(suppression === null || !suppression.for.endsWith('0d')
        ? []
        : [
            withGuardrail({ kind: 'suppression ten times shorter', name: one.id, names }, i, {
              ...one,
              suppression: { ...suppression, for: suppression.for.replace(/0d$/, 'd') },
            }),
          ]),
      ...(one.override === 'never'
        ? [
            withGuardrail({ kind: 'override for what nobody may open', name: one.id, names }, i, {
              ...one,
              override: { role: 'compliance', atMost: '30d' },
            }),
          ]
        : []),
    ]
  })
}

function conditionMutants(): readonly Mutant[] {
  const kind = 'condition broken'
  return [
    ...guards.guardrails.flatMap((one, i) =>
      brokenConditions(one.when).map(({ how, text }) =>
        withGuardrail({ kind, name: `${one.id} ${how}`, names: [one.id] }, i, { ...one, when: text }),
      ),
    ),
    ...offers.offers.flatMap((one, i) =>
      brokenConditions(one.eligible).map(({ how, text }) =>
        withOffer({ kind, name: `${one.id} ${how}`, names: [one.id] }, i, { ...one, eligible: text }),
      ),
    ),
    ...triggers.flatMap((one, i) =>
      brokenConditions(one.when).map(({ how, text }) =>
        withTrigger({ kind, name: `${one.id} ${how}`, names: [...one.offers] }, i, { ...one, when: text }),
      ),
    ),
  ]
}

function offerMutants(): readonly Mutant[] {
  return offers.offers.flatMap((one, i) => {
    const names = [one.id]
    const other = channels.find(({ id }) => !one.channels.includes(id))
    const grade = one.riskGrade
    return [
      ...(one.class === 'marketing'
        ? [
            withOffer({ kind: 'marketing dressed up as service', name: one.id, names }, i, {
              ...one,
              class: 'service' as const,
            }),
          ]
        : []),
      ...(one.category === 'account_service'
        ? []
        : [
            withOffer({ kind: 'offer in a category without red lines', name: one.id, names }, i, {
              ...one,
              category: 'account_service',
            }),
          ]),
      ...(other === undefined
        ? []
        : [
            withOffer({ kind: 'offer on one more channel', name: `${one.id} ${other.id}`, names }, i, {
              ...one,
              channels: [...one.channels, other.id],
            }),
          ]),
      ...(one.eligible === null
        ? []
        : [withOffer({ kind: 'offer for everybody', name: one.id, names }, i, { ...one, eligible: null })]),
      ...(grade === null || grade === 1
        ? []
        : [withOffer({ kind: 'risk grade one lower', name: one.id, names }, i, { ...one, riskGrade: grade - 1 })]),
    ]
  })
}

function triggerMutants(): readonly Mutant[] {
  return triggers.flatMap((one, i) => [
    withTrigger({ kind: 'trigger taken away', name: one.id, names: [...one.offers] }, i, null),
    withTrigger({ kind: 'trigger for old events', name: one.id, names: [...one.offers] }, i, {
      ...one,
      freshness: '71h',
    }),
  ])
}

/** A feature that has another name than its readers know, and one that counts something else. */
function nameMutants(): readonly Mutant[] {
  return features.flatMap((one, i) => [
    mutant({ kind: 'feature renamed', name: one.id, names: [one.id] }, 'features.yaml', {
      features: replaced(features, i, { ...one, id: `${one.id}_new` }),
    }),
    mutant({ kind: 'filter of a feature lost', name: one.id, names: [one.id] }, 'features.yaml', {
      features: replaced(features, i, { ...one, where: null }),
    }),
  ])
}
