/** Where schemas have their ids from, as the settings say: this release, or a registry that is told of our schemas first. */
import { schemaCatalogue } from '../ingest/event-types.ts'
import { authorizationOf, registryAddress } from '../ingest/registry/authorization.ts'
import { createHttpRegistry } from '../ingest/registry/http-registry.ts'
import { registerEventSchemas } from '../ingest/registry/register-schemas.ts'
import type { SchemaPlace } from '../sinks/codecs.ts'
import { registerDecisionSchema } from '../sinks/register-decision-schema.ts'
import { secretIn } from './compose-store.ts'
import type { Config } from './config.ts'

/** The place, and one line that names it. */
export type SchemaSide = { readonly place: SchemaPlace; readonly name: string }

/** How long the registry may take at the start, all schemas together. */
const registerWithinMs = 10_000

/**
 * Makes our schemas known to the registry and takes its ids.
 * @throws SchemaRegistryError when it cannot be asked or refuses one: the sentence names the subject
 */
export async function schemaSide(config: Config): Promise<SchemaSide> {
  const { SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_AUTH_FILE: file, KAFKA_TOPIC_PREFIX: prefix } = config
  if (url === undefined) return { place: { kind: 'own' }, name: 'own ids' }
  const authorization = file === undefined ? null : authorizationOf(secretIn(file))
  const registry = createHttpRegistry({ url, ...(authorization === null ? {} : { authorization }) })
  const eventIds = await registerEventSchemas(registry, schemaCatalogue, `${prefix}events`, registerWithinMs)
  const decisionId = await registerDecisionSchema(registry, `${prefix}decisions`, registerWithinMs)
  return {
    place: { kind: 'registry', url, authorization, eventIds: Object.fromEntries(eventIds), decisionId },
    name: `registry (${registryAddress(url).host})`,
  }
}
