/** What changed between two versions of a pack, by definition, and what of it is for compliance to approve. */
import type { Model } from './model.ts'
import { canonicalJson } from './pack-hash.ts'

/** One field of a definition that is another now. Values are canonical JSON, cut off behind `valueMax` characters; null: not there. */
export type FieldChange = { readonly field: string; readonly before: string | null; readonly after: string | null }

/** One definition that came, went or changed. `kind` is what it is (`guardrail`, `offer`), `id` its name within that. */
export type PackChange = {
  readonly kind: ChangeKind
  readonly id: string
  readonly change: 'added' | 'removed' | 'changed'
  /** Of a changed definition: its fields that differ. */
  readonly fields: readonly FieldChange[]
  /** Why compliance has to approve it, in a sentence; null: it need not. */
  readonly compliance: string | null
}

/** Most characters of a value that are told. */
export const valueMax = 400

const sections = {
  sources: 'source',
  attributes: 'attribute',
  features: 'feature',
  guardrails: 'guardrail',
  allows: 'allow',
  offers: 'offer',
  resources: 'resource',
  bands: 'bands',
  triggers: 'trigger',
  placements: 'placement',
  channels: 'channel',
  caps: 'cap',
  gaps: 'gap',
  pauses: 'pause',
  quietHours: 'quiet_hours',
  holdouts: 'holdout',
  models: 'model',
  fatigue: 'fatigue',
} as const
type Section = keyof typeof sections
export type ChangeKind = (typeof sections)[Section] | 'category' | 'pack' | 'suitability' | 'arbitration' | 'order'

type Definitions = ReadonlyMap<string, object>

/** Every difference, in the order of the sections of a model. Empty exactly when both say the same, that is, have the same hash. */
export function diffPacks(before: Model, after: Model): readonly PackChange[] {
  const changes: Change[] = [
    ...diffDefinitions('pack', one('pack', packFacts(before)), one('pack', packFacts(after))),
    ...diffDefinitions('category', categoriesOf(before), categoriesOf(after)),
    ...orderOf('categories', before.categories, after.categories),
  ]
  for (const section of Object.keys(sections)) {
    if (!isSection(section)) continue
    changes.push(...diffDefinitions(sections[section], byId(before[section]), byId(after[section])))
    changes.push(...orderOf(section, idsOf(before[section]), idsOf(after[section])))
  }
  changes.push(
    ...diffDefinitions('suitability', one('suitability', before.suitability), one('suitability', after.suitability)),
    ...diffDefinitions('arbitration', one('arbitration', before.arbitration), one('arbitration', after.arbitration)),
  )
  const closing = wordsOfClosing(before, after)
  return changes.map((change) => ({ ...change, compliance: complianceOf(change, after, closing) }))
}

type Change = Omit<PackChange, 'compliance'>

function diffDefinitions(kind: ChangeKind, before: Definitions, after: Definitions): readonly Change[] {
  const changes: Change[] = []
  for (const [id, old] of before) {
    const now = after.get(id)
    if (now === undefined) changes.push({ kind, id, change: 'removed', fields: [] })
    else if (canonicalJson(old) !== canonicalJson(now))
      changes.push({ kind, id, change: 'changed', fields: fieldsOf(old, now) })
  }
  for (const id of after.keys()) if (!before.has(id)) changes.push({ kind, id, change: 'added', fields: [] })
  return changes
}

function fieldsOf(before: object, after: object): readonly FieldChange[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => name !== 'place')
  return names.flatMap((field) => {
    const [was, is] = [textOf(old.get(field)), textOf(now.get(field))]
    return was === is ? [] : [{ field, before: cut(was), after: cut(is) }]
  })
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : canonicalJson(value)
}

function cut(text: string | null): string | null {
  return text === null || text.length <= valueMax ? text : `${text.slice(0, valueMax)}…`
}

/** Where an order counts (which holdout names itself, which rule is asked first), a new order is a change. */
function orderOf(section: string, before: readonly string[], after: readonly string[]): readonly Change[] {
  const [old, now] = [new Set(before), new Set(after)]
  const [was, is] = [before.filter((id) => now.has(id)).join(' '), after.filter((id) => old.has(id)).join(' ')]
  if (was === is) return []
  return [
    { kind: 'order', id: section, change: 'changed', fields: [{ field: 'order', before: cut(was), after: cut(is) }] },
  ]
}

/** Fields of an offer that say which guardrails hold it. */
const heldBy: ReadonlySet<string> = new Set(['category', 'categories', 'class', 'riskGrade', 'parts', 'channels'])
const settled: ReadonlySet<string> = new Set(['zone', 'currency', 'latenessMs'])

function complianceOf({ kind, id, change, fields }: Change, after: Model, closing: ReadonlySet<string>): string | null {
  switch (kind) {
    case 'guardrail':
      return 'A guardrail says what must not leave, and who may open it.'
    case 'allow':
      return 'An allow opens guardrails for everybody in its scope.'
    case 'source':
      return 'A source says which data may be used, and for what.'
    case 'category':
      return 'A category names its red lines.'
    case 'attribute':
      return 'Guardrails and suitability read attributes of the profile.'
    case 'suitability':
      return 'Suitability says which risk a customer may be offered.'
    case 'feature':
      return closing.has(id) ? 'A guardrail or an allow reads this feature.' : null
    case 'offer': {
      const now = after.offers.find((offer) => offer.id === id)
      if (change === 'changed' && fields.some(({ field }) => heldBy.has(field)))
        return 'It changed which guardrails hold this offer.'
      return change === 'added' && now?.class !== 'marketing'
        ? 'A new offer that is no marketing skips caps and consent.'
        : null
    }
    case 'channel':
      return change === 'added' ? 'No guardrail that names channels, such as consent to one, holds on a new one.' : null
    case 'placement':
      return fields.some(({ field }) => field === 'channel')
        ? 'Guardrails hold by channel: it changed which of them hold what leaves here.'
        : null
    case 'pack':
      if (fields.some(({ field }) => field === 'fairness'))
        return 'What is declared under fairness shows whether offers are spread fairly.'
      if (fields.some(({ field }) => field === 'pricing'))
        return 'What prices may depend on is what the bank publishes as fair.'
      return fields.some(({ field }) => settled.has(field)) ? 'It changes what all conditions are reckoned with.' : null
    default:
      return null
  }
}

/** Every word in the conditions of guardrails and allows, of both versions. */
function wordsOfClosing(...models: readonly Model[]): ReadonlySet<string> {
  const words = new Set<string>()
  for (const { guardrails, allows } of models)
    for (const { when } of [...guardrails, ...allows])
      for (const word of when?.match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? []) words.add(word)
  return words
}

function packFacts(model: Model): object {
  const { name, description, zone, currency, latenessMs, releaseSpreadMs, zones, fairness, pricing } = model
  return { name, description, zone, currency, latenessMs, releaseSpreadMs, zones, fairness, pricing }
}

function categoriesOf({ categories, guardedBy }: Model): Definitions {
  return new Map(categories.map((id) => [id, { guardedBy: guardedBy[id] ?? [] }]))
}

function one(id: string, definition: object): Definitions {
  return new Map([[id, definition]])
}

function byId(definitions: readonly { readonly id: string }[]): Definitions {
  return new Map(definitions.map((definition) => [definition.id, definition]))
}

function idsOf(definitions: readonly { readonly id: string }[]): readonly string[] {
  return definitions.map(({ id }) => id)
}

function isSection(name: string): name is Section {
  return Object.hasOwn(sections, name)
}
