/** Makes the schema of decisions known to a registry at start. */
import type { SchemaRegistry } from '../ingest/registry/schema-registry.ts'
import { decisionSchema } from './decision-codec.ts'

/**
 * Registers the schema that decisions are written with, under the subject `<topic>-value`: a topic of decisions holds nothing
 * else.
 * @returns its id, for `createDecisionCodec`
 * @throws SchemaRegistryError
 */
export function registerDecisionSchema(registry: SchemaRegistry, topic: string, deadlineMs: number): Promise<number> {
  return registry.register(`${topic}-value`, decisionSchema, deadlineMs)
}
