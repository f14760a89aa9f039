/** Makes the schemas of this release known to a registry at start, and learns under which ids they are written. */
import type { SchemaCatalogue } from '../schema-catalogue.ts'
import type { SchemaRegistry } from './schema-registry.ts'

/**
 * Registers the current schema of each event type under the subject `<topic>-<full name of the record>`, one after the
 * other: a topic holds records of many types, each with versions of its own.
 * @returns the ids by event type, for `createEventCodec`
 * @throws SchemaRegistryError of the first that fails; those before it are registered, which a repeat finds
 */
export async function registerEventSchemas(
  registry: SchemaRegistry,
  catalogue: SchemaCatalogue,
  topic: string,
  deadlineMs: number,
): Promise<ReadonlyMap<string, number>> {
  const until = performance.now() + deadlineMs
  const ids = new Map<string, number>()
  for (const { type, record, avro: schema, current } of catalogue.versions) {
    if (!current) continue
    const leftMs = Math.max(0, until - performance.now())
    ids.set(type, await registry.register(`${topic}-${record}`, JSON.stringify(schema), leftMs))
  }
  return ids
}
