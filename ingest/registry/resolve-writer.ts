/** From the text of a writer's schema to a way of reading its records as ours. */
import avro from 'avsc'
import { writerOptions } from './reader-types.ts'
import { readWriterSchema, refusal, type SchemaRefusal } from './writer-schema.ts'

/** How the library reads one schema's bytes as another's. */
export type Resolver = ReturnType<avro.Type['createResolver']>

/** A writer's schema that can be read. */
export type ResolvedWriter = {
  readonly kind: 'resolved'
  /** Full name of the record. */
  readonly name: string
  /** Undefined: the writer's schema is ours. */
  readonly resolver: Resolver | undefined
}

/**
 * Resolves a writer's schema to our own of the same full name, by the rules of Avro. Differs from the library in one
 * point: a symbol that our enumeration does not have makes the records with it unreadable, not the schema. Never throws.
 */
export function resolveWriter(text: string, readers: ReadonlyMap<string, avro.Type>): ResolvedWriter | SchemaRefusal {
  const read = readWriterSchema(text)
  if (read.kind === 'refused') return read
  const { name, schema } = read
  const reader = readers.get(name)
  if (reader === undefined) return refusal('type_unknown', name)
  let writer: avro.Type
  try {
    writer = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)), writerOptions())
  } catch (error) {
    return refusal('not_avro', sentenceOf(error))
  }
  try {
    const resolver = reader.createResolver(writer, { ignoreNamespaces: true })
    return { kind: 'resolved', name, resolver: reader.equals(writer) ? undefined : resolver }
  } catch (error) {
    return refusal('incompatible', sentenceOf(error))
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : 'the Avro library refuses it'
}
