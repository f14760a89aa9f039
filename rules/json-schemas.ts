/** The JSON Schemas that editors complete pack files with, generated from the schemas that check them. */
import { z } from 'zod'
import { packFiles } from './pack-files.ts'

/** Name (`offers.schema.json`) and text of the schema of each pack file, ready to be written to `rules/schema/`. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(packFiles).map(([file, schema]) => {
      const name = file.replace('.yaml', '')
      const json = { title: `proffer rule pack: ${file}`, ...z.toJSONSchema(schema, { io: 'input' }) }
      return [`${name}.schema.json`, `${JSON.stringify(json, null, 2)}\n`]
    }),
  )
}
