/** The event types and their fields as a page for people, from the schemas that are written. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const folder = join(import.meta.dirname, 'schemas')
const Ids = z.array(z.object({ type: z.string(), file: z.string() }))
const TypeObject = z.object({
  type: z.string(),
  logicalType: z.string().optional(),
  format: z.string().optional(),
  symbols: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  items: z.unknown().optional(),
})
const Field = z.object({ name: z.string(), type: z.unknown(), doc: z.string().optional() })
const Schema = z.object({ doc: z.string(), fields: z.array(Field) })
const Data = z.object({ fields: z.array(Field.extend({ default: z.unknown().optional() })) })

const head = `# Event types

Generated from \`ingest/schemas\` by \`node ingest/write-event-reference.ts\`; do not edit. The rules for every event (ids, sizes, times) are in
[ingest](../ingest/README.md). As CloudEvents JSON: \`type\` is the name below, \`subject\` the customer id or an [alias](../ingest/identity/README.md)
of the customer (\`@kind:value\`), \`data\` holds the fields. A field that is not required may be left out or null: unknown.
`

/** The text of `docs/events.md`: one section a type in the order of `ids.json`, the newest schema of each. */
export function eventReference(): string {
  const newest = new Map<string, string>()
  for (const { type, file } of Ids.parse(readJson('ids.json'))) newest.set(type, file)
  const sections = [...newest].map(([type, file]) => {
    const { doc, fields } = Schema.parse(readJson(file))
    const data = Data.parse(fields.find(({ name }) => name === 'data')?.type)
    const rows = data.fields.map((field) => {
      const { words, nullable } = typeWords(field.type)
      const required = !nullable && field.default === undefined
      return `| \`${field.name}\` | ${words} | ${required ? 'yes' : ''} | ${field.doc ?? ''} |`
    })
    return [
      `## \`${type}\``,
      '',
      doc,
      '',
      '| field | value | required | meaning |',
      '| --- | --- | --- | --- |',
      ...rows,
    ]
  })
  return `${[head, ...sections.map((lines) => `${lines.join('\n')}\n`)].join('\n')}`
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'))
}

/** An Avro type in words, and whether null is one of its values. */
function typeWords(type: unknown): { readonly words: string; readonly nullable: boolean } {
  if (Array.isArray(type)) {
    const [one] = type.filter((member) => member !== 'null')
    return { words: typeWords(one).words, nullable: type.includes('null') }
  }
  if (type === 'boolean') return { words: 'true or false', nullable: false }
  const {
    type: base,
    logicalType,
    format,
    symbols,
    minimum,
    maximum,
    maxLength,
    items,
  } = TypeObject.parse(typeof type === 'string' ? { type } : type)
  const words = () => {
    if (symbols !== undefined) return `one of ${symbols.map((symbol) => `\`${symbol}\``).join(' ')}`
    if (base === 'array') return `list, ${typeWords(items).words}`
    if (logicalType === 'timestamp-millis') return 'RFC 3339 text or Unix milliseconds'
    if (logicalType === 'money-minor') return 'whole number, minor units'
    if (format !== undefined) return `${format} code`
    if (base === 'string') return maxLength === undefined ? 'text' : `text, at most ${maxLength} characters`
    const kind = base === 'double' ? 'number' : 'whole number'
    return minimum === undefined || maximum === undefined ? kind : `${kind}, ${minimum} to ${maximum}`
  }
  return { words: words(), nullable: false }
}
