/** Writes `docs/events.md`: `node ingest/write-event-reference.ts`, after each change of a schema. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventReference } from './event-reference.ts'

await writeFile(join(import.meta.dirname, '..', 'docs', 'events.md'), eventReference())
