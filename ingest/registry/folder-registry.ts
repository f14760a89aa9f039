/** The registry of an engine that has no other: folders of checked-in schemas with fixed ids. */
import { isDeepStrictEqual } from 'node:util'
import { readSchemaFolder } from '../schema-folder.ts'
import { SCHEMA_BYTES_MAX, type SchemaRegistry, SchemaRegistryError } from './schema-registry.ts'

/**
 * Serves the schemas of folders (`ids.json` and the files it names), read once. Ids are those of the lists, whatever the
 * subject. Nothing is added: a schema that is not there is refused.
 * @throws Error when a folder is broken, or two of them use one id
 */
export function createFolderRegistry(directories: readonly URL[]): SchemaRegistry {
  const texts = new Map<number, string>()
  for (const { id, text } of directories.flatMap(readSchemaFolder)) {
    if (texts.has(id)) throw new Error(`schema id ${id} is listed in two folders`)
    texts.set(id, text)
  }
  return {
    async schemaOf(id) {
      const text = texts.get(id)
      if (text === undefined) return { kind: 'unknown' }
      return Buffer.byteLength(text) > SCHEMA_BYTES_MAX ? { kind: 'too_large' } : { kind: 'schema', text }
    },
    async register(subject, schema) {
      const asked = parsed(schema)
      for (const [id, text] of texts) if (isDeepStrictEqual(parsed(text), asked)) return id
      throw new SchemaRegistryError(
        'schema_refused',
        `the schema for ${subject} is in no folder of schemas: add its file and list it in ids.json under a new id`,
        { retryable: false },
      )
    },
  }
}

/** JSON, whatever the order of its members; undefined when it is none, which equals no schema. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
