/** The cases of one premise: which dimensions they have, and what stands for everything else. */
import type { BoolTree } from '../../rules/cel/expression.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { EffectiveModel } from '../../rules/effective.ts'
import { combinations, eachCombination } from './cases.ts'
import { type Domain, domainOf } from './domains.ts'
import type { Premise } from './premises.ts'
import { type AllowText, type GuardrailText, isTrue, type RuleTexts } from './rule-texts.ts'
import type { Target } from './targets.ts'

/** Which overrides are in force: none, those of the guardrails the premise is about, all others, or every one. */
export type Overrides = 'none' | 'own' | 'others' | 'all'

export type Enumeration = {
  /** The guardrails the premise is about; none for suitability and unlawful sources. */
  readonly givers: readonly GuardrailText[]
  readonly domains: readonly Domain[]
  /** Whether the suppression of the giver runs, in turn. Right after an event all of them do. */
  readonly suppressions: readonly boolean[]
  readonly overrides: readonly Overrides[]
  /** Rules with one window each, that matter here: each window is open or closed, whatever the instant. */
  readonly windows: readonly (readonly EffectiveModel[])[]
  /** Known values of variables that are no dimension, for which every guardrail beside the premise is open. */
  readonly others: ReadonlyMap<number, number>
  readonly size: number
  /** Guardrails for which no such values were found: they close every case, and hide what the premise does. */
  readonly neverOpen: readonly GuardrailText[]
}

/** Most combinations tried to find values for which a guardrail is open. */
const searchMax = 100_000

/**
 * Only what the premise reads is enumerated, with every guardrail that reads some of it too; all other guardrails are
 * taken to be open. That leaves no case out: a guardrail that closes can only stop more. Were there a customer for whom the
 * premise holds and the offer leaves, then all guardrails are open for them; change what only the others read to values for
 * which those are open, and it is one of the cases here.
 */
export function enumerationOf(pack: CompiledPack, texts: RuleTexts, target: Target, premise: Premise): Enumeration {
  const givers = giversOf(premise)
  const gradeIndex = gradeVariable(pack)
  const read = new Set([...givers, ...target.allows].flatMap(({ reads }) => reads))
  if (premise.kind === 'suitability') read.add(gradeIndex)
  if (premise.kind === 'unlawful' || premise.kind === 'free') read.clear()
  for (let size = -1; size !== read.size; ) {
    size = read.size
    for (const { reads } of target.guardrails) {
      if (reads.some((index) => read.has(index))) for (const index of reads) read.add(index)
    }
  }
  // A live request is always lawful and so is what a lawful source says; only what is read of it is looked at.
  const domains = domainsOf(pack, texts, [...givers, ...target.guardrails, ...target.allows], read)
  const rest = target.guardrails.filter(({ tree, reads }) => tree !== null && !reads.some((index) => read.has(index)))
  const { others, neverOpen } = openValues(pack, texts, rest)
  if (target.offers[0].model.riskGrade !== null && !read.has(gradeIndex)) others.set(gradeIndex, bestGrade(pack))
  const suppressions = premise.kind === 'guardrail' && givers[0]?.model.suppression !== null ? [false, true] : [false]
  const overrides = overridesOf(pack, givers)
  const matter = target.guardrails.filter(({ reads }) => reads.some((index) => read.has(index)))
  const windows = premise.kind === 'free' ? [] : windowsOf([...givers, ...matter, ...target.allows])
  const ways = 2 ** windows.length
  const sizes = [...domains.map(({ values }) => values.length), suppressions.length, overrides.length, ways]
  return { givers, domains, suppressions, overrides, windows, others, size: combinations(sizes), neverOpen }
}

/** The windows of rules, each once with everything that has it. */
function windowsOf(rules: readonly (GuardrailText | AllowText)[]): readonly (readonly EffectiveModel[])[] {
  const groups = new Map<string, EffectiveModel[]>()
  for (const { model } of rules) {
    if (model.effective === undefined) continue
    const key = JSON.stringify(model.effective)
    groups.set(key, [...(groups.get(key) ?? []), model.effective])
  }
  return [...groups.values()]
}

/** The guardrails a premise is about. */
export function giversOf(premise: Premise): readonly GuardrailText[] {
  switch (premise.kind) {
    case 'guardrail':
    case 'red_line':
      return [premise.guardrail]
    case 'red_line_event':
      return premise.guardrails
    default:
      return []
  }
}

/** Frame index of the customer's risk grade; -1: the pack keeps none. */
export function gradeVariable(pack: CompiledPack): number {
  const { model } = pack.loaded
  return model.attributes.findIndex(({ id }) => id === model.suitability.attribute)
}

function bestGrade(pack: CompiledPack): number {
  const { allows } = pack.loaded.model.suitability
  const values = pack.loaded.model.attributes[gradeVariable(pack)]?.values ?? []
  const highest = values.reduce((most, value) => Math.max(most, allows[value] ?? 0), 0)
  return values.findIndex((value) => (allows[value] ?? 0) === highest)
}

function overridesOf(pack: CompiledPack, givers: readonly GuardrailText[]): readonly Overrides[] {
  // As compiled: a key that a guardrail should not have is put in force too.
  const opens = pack.guardrails.filter(({ override }) => override !== null)
  const own = givers.filter(({ index }) => opens.some((one) => one.index === index)).length
  const others = opens.length - own
  return [
    'none' as const,
    ...(own > 0 ? (['own'] as const) : []),
    ...(others > 0 ? (['others'] as const) : []),
    ...(own > 0 && others > 0 ? (['all'] as const) : []),
  ]
}

function domainsOf(
  pack: CompiledPack,
  texts: RuleTexts,
  rules: readonly { readonly tree: BoolTree | null; readonly reads: readonly number[] }[],
  read: ReadonlySet<number>,
): readonly Domain[] {
  // The frame: attributes, then features, then what is lawful. Asked for every guardrail of every premise, so no set is made.
  const isFeature = (index: number): boolean => index >= pack.layout.attributes.length && index !== pack.lawfulVariable
  return [...read]
    .sort((a, b) => a - b)
    .flatMap((index) => {
      const variable = texts.variables[index]
      if (variable === undefined) return []
      const trees = rules.flatMap(({ tree, reads }) => (tree !== null && reads.includes(index) ? [tree] : []))
      const domain = domainOf(variable, trees, isFeature(index))
      if (index !== pack.lawfulVariable) return [domain]
      return [{ ...domain, values: domain.values.filter(({ lo, hi }) => lo === hi) }]
    })
}

/** Known values for which the guardrails are open: looked for in groups that read something in common. */
function openValues(
  pack: CompiledPack,
  texts: RuleTexts,
  rest: readonly GuardrailText[],
): { readonly others: Map<number, number>; readonly neverOpen: readonly GuardrailText[] } {
  const others = new Map([[pack.lawfulVariable, 1]])
  const neverOpen: GuardrailText[] = []
  for (const group of groupsOf(rest)) {
    const read = new Set(group.flatMap(({ reads }) => reads))
    const domains = domainsOf(pack, texts, group, read).map((domain) => ({
      variable: domain.variable.index,
      points: domain.variable.index === pack.lawfulVariable ? [1] : domain.points,
    }))
    const values = new Float64Array(texts.variables.length)
    let found = false
    let tried = 0
    eachCombination(
      domains.map(({ points }) => points.length),
      (at) => {
        for (const [i, { variable, points }] of domains.entries()) values[variable] = points[at[i]!]!
        found = group.every(({ tree }) => tree === null || !isTrue(tree, values))
        tried++
        return !found && tried < searchMax
      },
    )
    if (!found) neverOpen.push(...group)
    else for (const { variable } of domains) others.set(variable, values[variable]!)
  }
  return { others, neverOpen }
}

function groupsOf(rules: readonly GuardrailText[]): readonly (readonly GuardrailText[])[] {
  const left = new Set(rules)
  const groups: GuardrailText[][] = []
  for (const first of rules) {
    if (!left.delete(first)) continue
    const group = [first]
    const read = new Set(first.reads)
    for (let grown = true; grown; ) {
      grown = false
      for (const rule of left) {
        if (!rule.reads.some((index) => read.has(index))) continue
        left.delete(rule)
        group.push(rule)
        for (const index of rule.reads) read.add(index)
        grown = true
      }
    }
    groups.push(group)
  }
  return groups
}
