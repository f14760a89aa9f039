/** Writes the JSON Schemas of the pack files: `node rules/write-json-schemas.ts`, after each change of `pack-files.ts`. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonSchemas } from './json-schemas.ts'

const folder = join(import.meta.dirname, 'schema')
await mkdir(folder, { recursive: true })
for (const [name, text] of jsonSchemas()) await writeFile(join(folder, name), text)
