/** How our own schemas read what others wrote: options of the Avro library for the schemas of this release. */
import avro from 'avsc'
import { BoundedArray, BoundedMap, type Tap } from './bounded-types.ts'

/** What the library fills in to read one enumeration as another. */
type EnumResolver = { symbols: readonly (string | undefined)[]; _read: unknown }

/** An enumeration that reads a symbol it does not have as it stands: `validateEvent` names the field it is in. */
class OpenEnum extends avro.types.EnumType {
  declare readonly _read: unknown

  _update(resolver: EnumResolver, writer: avro.Type): void {
    readAs(this, resolver, writer, (symbol) => symbol)
  }
}

/** An enumeration that refuses a symbol it does not have when a record holds it. */
class ClosedEnum extends avro.types.EnumType {
  declare readonly _read: unknown

  _update(resolver: EnumResolver, writer: avro.Type): void {
    readAs(this, resolver, writer, (symbol) => (this.symbols.includes(symbol) ? symbol : undefined))
  }
}

/** As the library does it, except that one symbol too many does not make the whole schema unreadable. */
function readAs(
  reader: avro.types.EnumType & { readonly _read: unknown },
  resolver: EnumResolver,
  writer: avro.Type,
  symbolOf: (symbol: string) => string | undefined,
): void {
  if (!(writer instanceof avro.types.EnumType) || shortName(writer) !== shortName(reader)) return
  resolver.symbols = writer.symbols.map(symbolOf)
  resolver._read = reader._read
}

function shortName(type: avro.Type): string | undefined {
  return type.name?.slice(type.name.lastIndexOf('.') + 1)
}

/**
 * An array of enum symbols that reads no more entries than there are symbols: the library believes the count on the
 * wire, so that ten bytes could make it fill memory.
 */
class NameList extends avro.types.LogicalType {
  readonly #symbols: readonly string[]

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options)
    this.#symbols = symbolsOf(this.underlyingType)
  }

  _read(tap: Tap): readonly string[] {
    const names: string[] = []
    for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
      if (count < 0) tap.skipLong()
      const entries = Math.abs(count)
      if (names.length + entries > this.#symbols.length) throw new RangeError('more names than there are')
      for (let i = 0; i < entries; i++) {
        const name = this.#symbols[tap.readLong()]
        if (name === undefined) throw new RangeError('no such name')
        names.push(name)
      }
    }
    return names
  }

  override _fromValue(value: unknown): unknown {
    return value
  }

  override _toValue(value: unknown): unknown {
    return value
  }

  /** Any list of an enumeration or of strings is read; `validateEvent` knows the names. */
  override _resolve(writer: avro.Type): ((value: unknown) => unknown) | undefined {
    if (!(writer instanceof BoundedArray)) return undefined
    const { itemsType } = writer
    return itemsType instanceof avro.types.EnumType || itemsType instanceof avro.types.StringType
      ? (value) => value
      : undefined
  }
}

function symbolsOf(type: avro.Type): readonly string[] {
  if (type instanceof avro.types.ArrayType && type.itemsType instanceof avro.types.EnumType)
    return type.itemsType.symbols
  throw new TypeError('a name list is an array of an enum')
}

/** What the library tells a hook about the schema it is at. */
type Options = Parameters<avro.ForSchemaOptions['typeHook']>[1]

/** Options for an event's schema. Made anew for each schema: the library keeps the names it has seen in them. */
export function eventReaderOptions() {
  return {
    wrapUnions: 'never',
    omitRecordMethods: true,
    logicalTypes: { 'name-list': NameList },
    typeHook: (schema: avro.Schema, options: Options) =>
      typeName(schema) === 'enum' ? new OpenEnum(schema, options) : undefined,
  } as const
}

/** Options for the schema of decisions. */
export function decisionReaderOptions() {
  return {
    omitRecordMethods: true,
    typeHook: (schema: avro.Schema, options: Options) => {
      const name = typeName(schema)
      if (name === 'enum') return new ClosedEnum(schema, options)
      return name === 'array' ? new BoundedArray(schema, options) : undefined
    },
  } as const
}

/** Options for a checked schema that somebody else wrote. */
export function writerOptions() {
  return {
    // What is not read is skipped, so that its unions need not be told apart in JavaScript.
    wrapUnions: 'always',
    omitRecordMethods: true,
    typeHook: (schema: avro.Schema, options: Options) => {
      const name = typeName(schema)
      if (name === 'array') return new BoundedArray(schema, options)
      return name === 'map' ? new BoundedMap(schema, options) : undefined
    },
  } as const
}

function typeName(schema: avro.Schema): unknown {
  return typeof schema === 'object' && 'type' in schema ? schema.type : undefined
}
