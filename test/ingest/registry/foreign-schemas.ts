/** Schemas as other writers may have them: ours, changed. */
import avro from 'avsc'
import { schemaCatalogue } from '../../../ingest/event-types.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type Field = { readonly name: string; readonly type: Json; readonly [attribute: string]: Json }
export type RecordJson = { readonly fields: readonly Field[]; readonly [attribute: string]: Json | readonly Field[] }

/** Our current schema of an event type. */
export function ownSchema(type: string): RecordJson {
  const version = schemaCatalogue.versions.find((one) => one.type === type && one.current)
  return JSON.parse(JSON.stringify(version?.avro))
}

/** The schema with other fields in `data`. */
export function withData(schema: RecordJson, change: (fields: readonly Field[]) => readonly Field[]): RecordJson {
  const fields = schema.fields.map((field) => {
    if (field.name !== 'data') return field
    const data: RecordJson = JSON.parse(JSON.stringify(field.type))
    return { ...field, type: JSON.parse(JSON.stringify({ ...data, fields: change(data.fields) })) }
  })
  return { ...schema, fields }
}

/** The schema with one field more at its end. */
export function withExtra(schema: RecordJson, type: Json): RecordJson {
  return { ...schema, fields: [...schema.fields, { name: 'extra', type }] }
}

/** A record as such a writer writes it. Unions hold the value itself where they can. */
export function written(schema: RecordJson, id: number, record: unknown): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(id, 1)
  return Buffer.concat([header, writerOf(schema).toBuffer(record)])
}

function writerOf(schema: RecordJson): avro.Type {
  return avro.Type.forSchema(JSON.parse(JSON.stringify(schema)))
}
