/** `node ingest/import/publish-schema.ts` writes the published JSON Schema anew; a test holds it equal to the mapping's. */
import { writeFileSync } from 'node:fs'
import { mappingJsonSchema } from './mapping.ts'

writeFileSync(new URL('./mapping.schema.json', import.meta.url), mappingJsonSchema())
