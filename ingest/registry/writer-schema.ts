/**
 * A schema somebody else wrote, checked before the Avro library sees it. The library writes code from a schema and believes
 * its counts, so what is handed on is a copy of only what reading needs: no defaults (they may unfold without end), no
 * docs, no logical types, each name in full, everything within bounds.
 */

import { unholdableReason } from '../unholdable.ts'
import { SCHEMA_BYTES_MAX } from './schema-registry.ts'

/** Why a schema cannot be used. */
export type RefusalCode =
  /** Beyond a bound: text, depth, parts, symbols. */
  | 'too_large'
  /** Not JSON, or not an Avro schema. */
  | 'not_avro'
  /** Avro that no event needs: recursive, fields of nothing, a name that JavaScript keeps for itself. */
  | 'unsupported'
  /** A field by whose name it holds biometrics or signals of health. */
  | 'unholdable'
  /** A record we have no type for. */
  | 'type_unknown'
  /** Cannot be read as our schema of the record. */
  | 'incompatible'
  /** More schemas than a codec learns. */
  | 'full'

/** A schema that cannot be used. `detail` names what is at fault in the schema, at most 200 characters. */
export type SchemaRefusal = { readonly kind: 'refused'; readonly code: RefusalCode; readonly detail: string }

/** What reading a record needs to know of its writer's schema. */
export type WriterSchema = {
  readonly kind: 'schema'
  /** Full name of the record. */
  readonly name: string
  /** For the Avro library. */
  readonly schema: RecordSchema
}

/** Avro in the one form this module writes. */
export type CleanSchema = string | RecordSchema | NamedSchema | ContainerSchema | readonly CleanSchema[]
type RecordSchema = {
  readonly type: 'record'
  readonly name: string
  readonly fields: readonly { readonly name: string; readonly type: CleanSchema }[]
}
type NamedSchema =
  | { readonly type: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly type: 'fixed'; readonly name: string; readonly size: number }
type ContainerSchema =
  | { readonly type: 'array'; readonly items: CleanSchema }
  | { readonly type: 'map'; readonly values: CleanSchema }

/** Deepest nesting of types. */
const DEPTH_MAX = 16
/** Most types and fields of one schema; an event's has about thirty. */
const PARTS_MAX = 2_000
/** Most symbols of all enumerations together. */
const SYMBOLS_MAX = 4_000
/** Most values one record may hold outside of lists: names used many times unfold to more than the text shows. */
const VALUES_MAX = 2_000

/** Checks a schema's text. Never throws. */
export function readWriterSchema(text: string): WriterSchema | SchemaRefusal {
  if (Buffer.byteLength(text) > SCHEMA_BYTES_MAX) return refusal('too_large', 'the text')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return refusal('not_avro', 'not JSON')
  }
  try {
    const { schema } = new Reading().type(json, '', 0)
    if (typeof schema === 'object' && 'fields' in schema) {
      return { kind: 'schema', name: schema.name.replace(/^\./, ''), schema }
    }
    return refusal('unsupported', 'not a record')
  } catch (error) {
    if (error instanceof Refused) return refusal(error.code, error.message)
    throw error
  }
}

/** A refusal with its detail cut to length. */
export function refusal(code: RefusalCode, detail: string): SchemaRefusal {
  return { kind: 'refused', code, detail: detail.slice(0, 200) }
}

class Refused extends Error {
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string) {
    super(message)
    this.code = code
  }
}

/** A type that was read: how many values it may unfold to, and whether it takes no byte on the wire. */
type Part = { readonly schema: CleanSchema; readonly values: number; readonly isEmpty: boolean }

const PRIMITIVES: ReadonlySet<unknown> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])

/** Instants and times in units that are not ours: their numbers must not be taken for milliseconds. */
const OTHER_UNITS: ReadonlySet<unknown> = new Set([
  'date',
  'time-millis',
  'time-micros',
  'timestamp-micros',
  'timestamp-nanos',
  'local-timestamp-millis',
  'local-timestamp-micros',
  'local-timestamp-nanos',
])

/** One pass over one schema. */
class Reading {
  /** Types by full name; null while its own definition is being read. */
  readonly #named = new Map<string, Part | null>()
  #parts = 0
  #symbols = 0

  type(json: unknown, namespace: string, depth: number): Part {
    this.#count(depth)
    if (typeof json === 'string') return this.#reference(json, namespace)
    if (Array.isArray(json)) return this.#union(json, namespace, depth)
    if (!isObject(json)) throw new Refused('not_avro', 'a type that is neither a name nor an object')
    const { type } = json
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth)
      case 'enum':
        return this.#enumeration(json, namespace)
      case 'fixed':
        return this.#fixed(json, namespace)
      case 'array': {
        const items = this.type(json['items'], namespace, depth + 1)
        if (items.isEmpty) throw new Refused('unsupported', 'a list of nothing')
        return { schema: { type: 'array', items: items.schema }, values: items.values + 1, isEmpty: false }
      }
      case 'map': {
        const values = this.type(json['values'], namespace, depth + 1)
        return { schema: { type: 'map', values: values.schema }, values: values.values + 1, isEmpty: false }
      }
      default:
        if ((type === 'int' || type === 'long') && OTHER_UNITS.has(json['logicalType'])) return this.#otherUnit(type)
        return this.type(type, namespace, depth + 1)
    }
  }

  #count(depth: number): void {
    if (depth > DEPTH_MAX) throw new Refused('too_large', `nested more than ${DEPTH_MAX} deep`)
    if (++this.#parts > PARTS_MAX) throw new Refused('too_large', `more than ${PARTS_MAX} types and fields`)
  }

  #reference(name: string, namespace: string): Part {
    if (PRIMITIVES.has(name)) return { schema: name, values: 1, isEmpty: name === 'null' }
    const full = fullName(name, namespace)
    const known = this.#named.get(full)
    if (known === undefined) throw new Refused('not_avro', `${full} is not defined`)
    if (known === null) throw new Refused('unsupported', `${full} holds itself`)
    return { ...known, schema: `.${full}` }
  }

  #union(branches: readonly unknown[], namespace: string, depth: number): Part {
    if (branches.length === 0) throw new Refused('not_avro', 'a union of nothing')
    const parts = branches.map((branch) => this.type(branch, namespace, depth + 1))
    const values = 1 + Math.max(...parts.map((part) => part.values))
    return { schema: parts.map((part) => part.schema), values, isEmpty: false }
  }

  #record(json: JsonObject, namespace: string, depth: number): Part {
    const name = this.#define(json, namespace)
    const inner = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    if (!Array.isArray(json['fields'])) throw new Refused('not_avro', `${name} has no fields`)
    let values = 1
    const names = new Set<string>()
    const fields = json['fields'].map((field: unknown) => {
      this.#count(depth)
      const fieldName = isObject(field) ? field['name'] : undefined
      if (!isObject(field) || !isName(fieldName)) throw new Refused('not_avro', `${name} has a field without a name`)
      if (names.has(fieldName)) throw new Refused('not_avro', `${name} has two fields ${fieldName}`)
      refuseKept(fieldName)
      const reason = unholdableReason(fieldName)
      if (reason !== null) throw new Refused('unholdable', `field ${fieldName}: ${reason}`)
      names.add(fieldName)
      const part = this.type(field['type'], inner, depth + 1)
      if (part.isEmpty) throw new Refused('unsupported', `field ${fieldName} holds nothing`)
      values += part.values
      if (values > VALUES_MAX) throw new Refused('too_large', `${name} may hold more than ${VALUES_MAX} values`)
      return { name: fieldName, type: part.schema }
    })
    return this.#defined(name, { type: 'record', name: `.${name}`, fields }, values, fields.length === 0)
  }

  #enumeration(json: JsonObject, namespace: string): Part {
    const name = this.#define(json, namespace)
    const { symbols } = json
    if (!Array.isArray(symbols) || symbols.length === 0) throw new Refused('not_avro', `${name} has no symbols`)
    this.#symbols += symbols.length
    if (this.#symbols > SYMBOLS_MAX) throw new Refused('too_large', `more than ${SYMBOLS_MAX} symbols`)
    const seen = new Set<string>()
    for (const symbol of symbols) {
      if (!isName(symbol) || seen.has(symbol)) throw new Refused('not_avro', `a symbol of ${name}`)
      refuseKept(symbol)
      seen.add(symbol)
    }
    return this.#defined(name, { type: 'enum', name: `.${name}`, symbols: [...seen] }, 1, false)
  }

  #fixed(json: JsonObject, namespace: string): Part {
    const name = this.#define(json, namespace)
    const { size } = json
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > SCHEMA_BYTES_MAX) {
      throw new Refused('not_avro', `the size of ${name}`)
    }
    return this.#defined(name, { type: 'fixed', name: `.${name}`, size }, 1, size === 0)
  }

  /** A record of one number: the same bytes, which can be skipped but not read as one of our numbers. */
  #otherUnit(type: 'int' | 'long'): Part {
    const name = `proffer_other_unit.${type}_value`
    const known = this.#named.get(name)
    if (known) return { ...known, schema: `.${name}` }
    return this.#defined(name, { type: 'record', name: `.${name}`, fields: [{ name: 'value', type }] }, 2, false)
  }

  /** The full name of a definition, open until it is `defined`. */
  #define(json: JsonObject, namespace: string): string {
    const { name, namespace: own } = json
    if (own !== undefined && own !== null && typeof own !== 'string') throw new Refused('not_avro', 'a namespace')
    if (typeof name !== 'string') throw new Refused('not_avro', 'a type without a name')
    const full = fullName(name, own ?? namespace)
    if (this.#named.has(full)) throw new Refused('not_avro', `${full} is defined twice`)
    this.#named.set(full, null)
    return full
  }

  #defined(name: string, schema: RecordSchema | NamedSchema, values: number, isEmpty: boolean): Part {
    const part: Part = { schema, values, isEmpty }
    this.#named.set(name, part)
    return part
  }
}

type JsonObject = Readonly<Record<string, unknown>>

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** A name as Avro has it: letters, digits, underscores; at most 200 characters. */
function isName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(name)
}

/** A name with its namespace, without a leading dot. */
function fullName(name: string, namespace: string): string {
  const full = (name.includes('.') || namespace === '' ? name : `${namespace}.${name}`).replace(/^\./, '')
  const parts = full.split('.')
  if (full.length > 400 || !parts.every(isName)) throw new Refused('not_avro', 'a name that is none')
  if (PRIMITIVES.has(parts.at(-1))) throw new Refused('not_avro', `a type named ${parts.at(-1)}`)
  if (parts.length === 1) refuseKept(full)
  return full
}

/** The library looks names up in plain objects, where these are found before anybody put them there. */
function refuseKept(name: string): void {
  if (name in Object.prototype) throw new Refused('unsupported', `the name ${name}`)
}
