/** A folder of Avro schemas with the ids that bytes name them by. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** One released version of a schema. */
export type FolderSchema = {
  readonly id: number
  /** What is written with it: an event type, or `decision`. */
  readonly type: string
  /** The text of its file. */
  readonly text: string
  /** Whether it is the one that is written; the other versions of its type are only read. */
  readonly current: boolean
}

const idList = z.array(z.strictObject({ id: z.int().min(1).max(0x7fffffff), type: z.string(), file: z.string() }))

/**
 * Reads a folder's list of ids (`ids.json`) and the files it names, in the order of the list. The last id listed for a
 * type is the one that is written.
 * @throws Error when a file is missing or an id is listed twice: a broken installation
 */
export function readSchemaFolder(directory: URL): readonly FolderSchema[] {
  const rows = idList.parse(JSON.parse(readFileSync(new URL('ids.json', directory), 'utf8')))
  const currentIds = new Map(rows.map((row) => [row.type, row.id]))
  const seen = new Set<number>()
  return rows.map(({ id, type, file }) => {
    if (seen.has(id)) throw new Error(`schema id ${id} is listed twice`)
    seen.add(id)
    const text = readFileSync(new URL(file, directory), 'utf8')
    return { id, type, text, current: currentIds.get(type) === id }
  })
}
