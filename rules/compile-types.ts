/** What an event of each type does to the state, and which triggers it may fire. */
import { strict as assert } from 'node:assert'
import type { EventTypeDef, FieldDef } from '../ingest/event.ts'
import { hash53 } from '../ingest/hash.ts'
import { compileEventPredicate } from './cel/compile.ts'
import type { Guard, Guards } from './cel/guard.ts'
import { ruleSetInSlices } from './cel/rule-set.ts'
import { expiriesOf, type SeriesTable } from './compile-layout.ts'
import type { EventData, TypePlan } from './compiled.ts'
import type { AttributeModel, Model } from './model.ts'
import type { EventTypes } from './pack-vocabulary.ts'
import { ruleName } from './rule-names.ts'
import type { Slices } from './slices.ts'
import { typeKey } from './source-table.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The value by which a source says that it does not know: never a value of an attribute. */
export const unknownValue = 'unknown'

/** A plan for every event type there is. */
export function* compileTypes(
  model: Model,
  table: SeriesTable,
  eventTypes: EventTypes,
  vocabularyOn: (event: string) => Vocabulary,
  guards: Guards,
): Slices<ReadonlyMap<string, TypePlan>> {
  const plans = new Map<string, TypePlan>()
  const expiries = new Map(expiriesOf(model).map(({ attribute }, i) => [attribute, model.attributes.length + i]))
  for (const def of eventTypes.values())
    plans.set(def.name, yield* typePlan(model, table, expiries, def, vocabularyOn(def.name), guards))
  return plans
}

function* typePlan(
  model: Model,
  table: SeriesTable,
  expiries: ReadonlyMap<number, number>,
  def: EventTypeDef,
  vocabulary: Vocabulary,
  guards: Guards,
): Slices<TypePlan> {
  const triggers = model.triggers.map((trigger, index) => ({ trigger, index })).filter((t) => t.trigger.on === def.name)
  const rules = yield* ruleSetInSlices(
    triggers.map(({ trigger }) => trigger.when),
    vocabulary,
    triggers.map(({ trigger }) => guards(ruleName('trigger', trigger.id))),
  )
  assert(rules.kind === 'ok', 'the conditions of a checked pack compile')
  yield
  return {
    def,
    key: typeKey(def.name),
    hasMoney: [...def.fields.values()].some((field) => field.type === 'money'),
    refused: false,
    series: table.sources.flatMap((source, series) => {
      if (source.event !== def.name) return []
      const guard = guards(ruleName('feature', model.features[table.seriesOf.indexOf(series)]?.id ?? ''))
      return [{ series, where: predicate(source.where, def, guard, null), value: valueReader(source.value, def) }]
    }),
    attributes: model.attributes.flatMap((attribute, index) =>
      attribute.setBy
        .filter((setter) => setter.event === def.name)
        .map((setter) => {
          const read = attributeReader(attribute, fieldOf(def, setter.field))
          const until = untilReader(setter.until, expiries.get(index), def)
          const where = predicate(setter.where, def, guards(ruleName('attribute', attribute.id)), null)
          return { attribute: index, where, ...read, field: setter.field, until }
        }),
    ),
    suppressions: suppressionsOf(model, def, guards),
    triggers: rules.value,
    triggerIndex: triggers.map(({ index }) => index),
  }
}

/** A filter that throws sets what it would set, and lifts nothing. */
function suppressionsOf(model: Model, def: EventTypeDef, guards: Guards): TypePlan['suppressions'] {
  return model.guardrails.flatMap(({ id, suppression }, guardrail) => {
    if (suppression === null) return []
    const { event, where, forMs, liftedBy } = suppression
    const guard = guards(ruleName('guardrail', id))
    const sets = event === def.name ? [{ guardrail, where: predicate(where, def, guard, 'true'), forMs }] : []
    if (liftedBy?.event !== def.name) return sets
    return [...sets, { guardrail, where: predicate(liftedBy.where, def, guard, 'false'), forMs: 0 }]
  })
}

function predicate(
  where: string | null,
  def: EventTypeDef,
  guard: Guard | null,
  otherwise: 'true' | 'false' | null,
): ((event: EventData) => boolean) | null {
  if (where === null) return null
  const compiled = compileEventPredicate(where, def, guard, otherwise)
  assert(compiled.kind === 'ok', 'the filters of a checked pack compile')
  return compiled.value
}

/** The number stored with an instant: the field, or a 53-bit hash of a text. NaN for a field the event leaves out. */
function valueReader(value: string | null, def: EventTypeDef): ((event: EventData) => number) | null {
  if (value === null) return null
  const { name } = fieldOf(def, value)
  return (event) => {
    const field = event[name]
    if (typeof field === 'number') return field
    if (typeof field === 'boolean') return field ? 1 : 0
    return typeof field === 'string' ? hash53(field) : Number.NaN
  }
}

function attributeReader(
  attribute: AttributeModel,
  { name }: FieldDef,
): Pick<TypePlan['attributes'][number], 'read' | 'clears'> {
  const codes = new Map(attribute.values.map((value, code) => [value, code]))
  const read =
    attribute.type === 'enum'
      ? (event: EventData): number => {
          const field = event[name]
          return (typeof field === 'string' ? codes.get(field) : undefined) ?? Number.NaN
        }
      : (event: EventData): number => {
          const field = event[name]
          if (typeof field === 'boolean') return field ? 1 : 0
          return typeof field === 'number' ? field : Number.NaN
        }
  const isEnum = attribute.type === 'enum'
  return {
    read,
    clears: (event) => {
      const cleared = event['cleared']
      if (Array.isArray(cleared) && cleared.includes(name)) return true
      const field = event[name]
      return isEnum && typeof field === 'string' && !codes.has(field)
    },
  }
}

/** How an event ends an attribute: an attribute with an expiry is given one, or none, by everything that sets it. */
function untilReader(
  field: string | null,
  stored: number | undefined,
  def: EventTypeDef,
): TypePlan['attributes'][number]['until'] {
  if (stored === undefined) return null
  if (field === null) return { stored, read: () => Number.NaN }
  const { name } = fieldOf(def, field)
  return {
    stored,
    read: (event) => {
      const instant = event[name]
      return typeof instant === 'number' ? instant : Number.NaN
    },
  }
}

function fieldOf(def: EventTypeDef, name: string): FieldDef {
  const field = def.fields.get(name)
  assert(field !== undefined, 'a checked pack names only fields that exist')
  return field
}
