import type { EventTypeDef } from './event.ts'
import { loadSchemaCatalogue, type SchemaCatalogue } from './schema-catalogue.ts'

/** The event types of this release and all schema versions it reads, from `ingest/schemas`. */
export const schemaCatalogue: SchemaCatalogue = loadSchemaCatalogue(new URL('./schemas/', import.meta.url))

/** Every event type by name, such as `card.purchase`, in the order of schema ids. */
export const eventTypes: ReadonlyMap<string, EventTypeDef> = schemaCatalogue.types
