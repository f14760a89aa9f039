import { z } from 'zod'
import type { EventTypeDef, FieldDef, FieldType } from './event.ts'
import { readSchemaFolder } from './schema-folder.ts'
import { unholdableReason } from './unholdable.ts'

/** What a field of an event type has to hold beyond its type; written as attributes in its Avro schema. */
export type FieldRule = FieldDef & {
  /** Inclusive limits of a number, undefined: any safe integer. A double always has both. */
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  /** Longest string, UTF-16 code units; for `strings` the most entries. */
  readonly maxLength: number
  /** `currency`: ISO 4217 letters. `country`: ISO 3166-1 alpha-2 letters. */
  readonly format: 'currency' | 'country' | undefined
}

/** One schema id of the wire: a version of an event type. */
export type SchemaVersion = {
  readonly id: number
  readonly type: string
  /** Full name of its record, such as `proffer.CardPurchase`. */
  readonly record: string
  /** The Avro schema as its file has it, for the codec. */
  readonly avro: object
  /** Whether events of the type are written with it; the other versions are only read. */
  readonly current: boolean
}

/** An event type with the rules of its fields; `rules` are the values of `fields`, which are quicker to walk. */
export type CatalogueType = EventTypeDef & {
  readonly fields: ReadonlyMap<string, FieldRule>
  readonly rules: readonly FieldRule[]
}

/** All event types and every schema version that bytes may name. */
export type SchemaCatalogue = {
  readonly types: ReadonlyMap<string, CatalogueType>
  /** In the order of the list of ids. */
  readonly versions: readonly SchemaVersion[]
}

/** A schema of the folder has a field that a bank may not hold. It is not registered either, nor is anything read by it. */
export class UnholdableFieldError extends Error {
  readonly code = 'unholdable'
}

/** Longest string of a field that states no limit of its own. */
const MAX_STRING = 256

const fieldTypeSchema = z.union([
  z.literal('boolean'),
  z.strictObject({ type: z.literal('enum'), name: z.string(), symbols: z.array(z.string()).min(1) }),
  z.strictObject({
    type: z.literal('string'),
    maxLength: z.int().positive().optional(),
    format: z.enum(['currency', 'country']).optional(),
  }),
  z.strictObject({
    type: z.enum(['int', 'long']),
    logicalType: z.enum(['money-minor', 'timestamp-millis']).optional(),
    minimum: z.int().optional(),
    maximum: z.int().optional(),
  }),
  z.strictObject({ type: z.literal('double'), minimum: z.number(), maximum: z.number() }),
  z.strictObject({
    type: z.literal('array'),
    logicalType: z.literal('name-list'),
    items: z.strictObject({ type: z.literal('enum'), name: z.string(), symbols: z.array(z.string()).min(1) }),
  }),
])

const dataSchema = z.object({
  type: z.object({
    type: z.literal('record'),
    fields: z.array(
      z.object({ name: z.string(), type: z.union([fieldTypeSchema, z.tuple([z.literal('null'), fieldTypeSchema])]) }),
    ),
  }),
})

const fileSchema = z.looseObject({
  type: z.literal('record'),
  name: z.string(),
  namespace: z.string(),
  fields: z.array(z.looseObject({ name: z.string() })),
})

/**
 * Reads the checked-in list of schema ids (`ids.json`) and the Avro files it names. The last id listed for a type is
 * the one that is written; earlier ones stay so that old bytes stay readable.
 * @throws Error when a file is missing or outside the subset of Avro that event types use: a broken installation
 * @throws UnholdableFieldError when a field of any version holds by its name what no event may
 */
export function loadSchemaCatalogue(directory: URL): SchemaCatalogue {
  const types = new Map<string, CatalogueType>()
  const versions: SchemaVersion[] = []
  for (const { id, type, text, current } of readSchemaFolder(directory)) {
    const avro = fileSchema.parse(JSON.parse(text))
    refuseUnholdable(type, avro)
    versions.push({ id, type, record: `${avro.namespace}.${avro.name}`, avro, current })
    if (!current) continue
    const rules = rulesOf(avro)
    const fields = new Map(rules.map((rule) => [rule.name, rule]))
    types.set(type, { name: type, schemaId: id, fields, rules })
  }
  return { types, versions }
}

/** Looks at the names of all fields, at any depth. */
function refuseUnholdable(type: string, part: unknown): void {
  if (Array.isArray(part)) for (const one of part) refuseUnholdable(type, one)
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return
  if ('fields' in part && Array.isArray(part.fields)) {
    for (const { name } of z.array(z.looseObject({ name: z.string() })).parse(part.fields)) {
      const reason = unholdableReason(name)
      if (reason !== null) throw new UnholdableFieldError(`${type} has the field ${name}: ${reason}`)
    }
  }
  for (const one of Object.values(part)) refuseUnholdable(type, one)
}

function rulesOf(avro: z.infer<typeof fileSchema>): readonly FieldRule[] {
  const data = dataSchema.parse(avro.fields.find((field) => field.name === 'data'))
  return data.type.fields.map(({ name, type }) =>
    Array.isArray(type) ? fieldRule(name, type[1], false) : fieldRule(name, type, true),
  )
}

function fieldRule(name: string, avro: z.infer<typeof fieldTypeSchema>, required: boolean): FieldRule {
  const plain = { name, required, values: undefined, minimum: undefined, maximum: undefined, format: undefined }
  if (avro === 'boolean') return { ...plain, type: 'bool', maxLength: 0 }
  if (avro.type === 'enum') return { ...plain, type: 'string', values: avro.symbols, maxLength: MAX_STRING }
  if (avro.type === 'array') {
    return { ...plain, type: 'strings', values: avro.items.symbols, maxLength: avro.items.symbols.length }
  }
  if (avro.type === 'string') {
    return { ...plain, type: 'string', maxLength: avro.maxLength ?? MAX_STRING, format: avro.format }
  }
  if (avro.type === 'double') {
    return { ...plain, type: 'double', maxLength: 0, minimum: avro.minimum, maximum: avro.maximum }
  }
  const type: FieldType =
    avro.logicalType === 'money-minor' ? 'money' : avro.logicalType === 'timestamp-millis' ? 'instant' : 'int'
  return { ...plain, type, minimum: avro.minimum, maximum: avro.maximum, maxLength: 0 }
}
