/** The JSON Schemas that editors complete pack files with, generated from the schemas that check them. */
import { z } from 'zod'
import { packFiles } from './pack-files.ts'
import { scenarioFile } from './scenarios/scenario-file.ts'

/**
 * Name (`offers.schema.json`) and text of the schema of each pack file and of scenario files, ready to be written to
 * `rules/schema/`.
 */
export function jsonSchemas(): ReadonlyMap<string, string> {
  const schemas = Object.entries(packFiles).map(([file, schema]): readonly [string, unknown] => [
    `${file.replace('.yaml', '')}.schema.json`,
    { title: `proffer rule pack: ${file}`, ...z.toJSONSchema(schema, { io: 'input' }) },
  ])
  return new Map(
    [...schemas, ['scenario.schema.json', scenarioSchema()] as const].map(([name, json]) => [
      name,
      `${JSON.stringify(json, null, 2)}\n`,
    ]),
  )
}

/** Of scenario files, where a placeholder such as `<case.offers>` may stand in place of any value but in its own table. */
function scenarioSchema(): unknown {
  const json = z.toJSONSchema(scenarioFile, { io: 'input' })
  const { 'for each': table, ...properties } = json.properties ?? {}
  return {
    title: 'proffer rule pack: a scenario',
    ...json,
    properties: { ...mapValues(properties, orPlaceholder), 'for each': table },
    $defs: {
      placeholder: {
        type: 'string',
        pattern: '<[a-z][A-Za-z0-9_.]*>',
        description: 'A value of the table "for each"',
      },
    },
  }
}

function orPlaceholder(schema: unknown): unknown {
  const inside = withPlaceholders(schema)
  if (!isRecord(inside)) return inside
  const isText = inside['type'] === 'string' && inside['pattern'] === undefined && inside['enum'] === undefined
  if (isText) return inside
  const { description, ...rest } = inside
  return { ...(description === undefined ? {} : { description }), anyOf: [rest, { $ref: '#/$defs/placeholder' }] }
}

/** The schema with placeholders allowed wherever one of its parts holds a value. */
function withPlaceholders(schema: unknown): unknown {
  if (!isRecord(schema)) return schema
  const { properties, items, additionalProperties, anyOf } = schema
  return {
    ...schema,
    ...(isRecord(properties) ? { properties: mapValues(properties, orPlaceholder) } : {}),
    ...(isRecord(items) ? { items: orPlaceholder(items) } : {}),
    ...(isRecord(additionalProperties) ? { additionalProperties: orPlaceholder(additionalProperties) } : {}),
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.map(withPlaceholders) } : {}),
  }
}

function mapValues(
  record: Readonly<Record<string, unknown>>,
  map: (value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
