/**
 * A mapping says, in YAML, how the rows of a file become events. Its shape is this schema and nothing else: the published
 * `mapping.schema.json` is generated from it, and a mapping with an unknown key is refused.
 */
import { z } from 'zod'

/** How a date is written. The first group needs `timeOfDay` when it is the time of an event, the first two also `century`. */
export const dateFormats = [
  'yymmdd',
  'yymmdd_month50',
  'yyyyMMdd',
  'yyyy-MM-dd',
  'dd.MM.yyyy',
  'yymmdd HH:mm:ss',
  'yyyy-MM-dd HH:mm:ss',
  'epoch_ms',
  'epoch_s',
  'rfc3339',
] as const
export type DateFormat = (typeof dateFormats)[number]

/** A decimal as text, or a whole number: never a float. */
const decimal = z
  .union([z.string().regex(/^-?\d{1,18}(\.\d{1,12})?$/, 'is not a decimal such as "0.25"'), z.int()])
  .transform(String)
  .describe('A decimal in quotes such as "0.25", or a whole number.')

const scalar = z.union([z.string(), z.int(), z.boolean()]).transform(String)
const oneOrMany = z.union([scalar, z.array(scalar).min(1).max(1000)]).transform((v) => (Array.isArray(v) ? v : [v]))

const columnName = z.string().min(1).max(128)
const word = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'is not a name of a-z, 0-9, _ and - that starts with a letter')
const template = z.string().min(1).max(512).describe('Text with columns in braces, such as "berka-{trans_id}".')

const test = z
  .union([
    oneOrMany,
    z.strictObject({
      not: oneOrMany.optional().describe('The column is none of these.'),
      empty: z.boolean().optional().describe('The column is empty (true) or is not (false).'),
      above: decimal.optional(),
      atLeast: decimal.optional(),
      below: decimal.optional(),
      atMost: decimal.optional(),
    }),
  ])
  .describe('A value, a list of values, or comparisons; a comparison with an empty or unreadable number is false.')

const conditions = z
  .record(columnName, test)
  .describe('All of these must hold. Keys are columns, also joined ones such as "owner.client_id".')

const encoding = z
  .enum(['utf-8', 'utf-16le', 'windows-1250', 'windows-1251', 'windows-1252', 'iso-8859-2', 'gb18030'])
  .default('utf-8')

const csvInput = z.strictObject({
  format: z.literal('csv'),
  delimiter: z.string().length(1).default(','),
  quote: z.string().length(1).nullable().default('"').describe('null: quotes have no meaning.'),
  header: z.boolean().default(true).describe('The first line names the columns.'),
  columns: z.array(columnName).min(1).max(1000).optional().describe('The columns in order, when there is no header.'),
  encoding,
  trim: z.boolean().default(true).describe('Take white space around a value away.'),
})

const jsonlInput = z.strictObject({ format: z.literal('jsonl'), encoding, trim: z.boolean().default(true) })

const input = z
  .discriminatedUnion('format', [csvInput, jsonlInput])
  .describe('One row a line. In JSON lines a column is a path such as "payment.amount".')

const lookup = z.strictObject({
  file: z.string().min(1).max(512).describe('Relative to the folder of the imported file.'),
  input: input.optional().describe('Left out: read like the imported file.'),
  key: columnName,
  where: conditions.optional().describe('Only rows for which this holds are kept.'),
  columns: z.array(columnName).min(1).max(100),
  onRepeat: z.enum(['refuse', 'first']).default('refuse').describe('What to do when a key comes twice.'),
  maxRows: z.int().min(1).max(5_000_000).default(1_000_000).describe('A longer file is refused: it is held in memory.'),
})

const join = z.strictObject({
  lookup: word,
  by: template,
  as: word.optional().describe('Columns are then called "<as>.<column>"; left out: the name of the lookup.'),
  missing: z.enum(['reject', 'empty']).default('reject'),
})

const century = z.union([z.literal(1800), z.literal(1900), z.literal(2000)])
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/, 'is not a time of day HH:mm:ss')

const time = z.union([
  z.strictObject({
    column: columnName,
    format: z.enum(dateFormats),
    century: century.optional().describe('Of two-digit years.'),
    timeOfDay: z
      .union([
        timeOfDay,
        z.strictObject({
          from: timeOfDay,
          stepMs: z.int().min(1).max(3_600_000),
        }),
      ])
      .optional()
      .describe(
        'Of a date without time: a constant, or the n-th row of a date n steps after `from`, at most 23:59:59.999.',
      ),
  }),
  z.strictObject({ constant: z.iso.datetime({ offset: true }) }),
])

const value = z.union([
  z.strictObject({
    column: columnName,
    map: word.optional().describe('Name of a value map below `maps`.'),
    otherwise: scalar
      .nullable()
      .optional()
      .describe('For values the map does not have; left out: the row is rejected.'),
    sign: z.enum(['keep', 'absolute', 'negate']).optional().describe('Of a number or an amount.'),
    date: z.enum(dateFormats).optional().describe('For instants, and for texts that shall become yyyy-MM-dd.'),
    century: century.optional(),
    separator: z.string().length(1).optional().describe('Between the values of a list.'),
  }),
  z.strictObject({ constant: scalar.nullable() }),
  z.strictObject({ template }),
])

const eventCase = z.strictObject({
  when: conditions.optional(),
  type: z.string().min(1).max(64),
  data: z.record(z.string(), value),
})
const skipCase = z.strictObject({
  when: conditions.optional(),
  skip: z
    .string()
    .min(1)
    .max(200)
    .describe('Why such rows are no events. They count as rejected, reason `skipped_by_mapping`.'),
})

/** The schema of a mapping file. */
export const mappingSchema = z.strictObject({
  name: word.describe('Names the import in the ledger of rows: a row is taken once under one name.'),
  description: z.string().max(2000).optional(),
  input,
  zone: z.string().min(1).max(64).describe('IANA zone of dates and times without one.'),
  money: z
    .strictObject({
      from: z.string().regex(/^[A-Z]{3}$/, 'is not an ISO 4217 code'),
      to: z.string().regex(/^[A-Z]{3}$/, 'is not an ISO 4217 code'),
      rate: decimal.describe('One unit of `from` in units of `to`. Amounts are rounded half to even to minor units.'),
      minorDigits: z.int().min(0).max(4).default(2).describe('Decimals of `to`.'),
      decimalMark: z.enum(['.', ',']).default('.'),
      groupMark: z.enum(['', ',', '.', ' ', "'"]).default(''),
    })
    .optional(),
  lookups: z.record(word, lookup).default({}),
  joins: z.array(join).max(16).default([]).describe('In order; a later one may use columns of an earlier one.'),
  maps: z.record(word, z.record(z.string(), scalar)).default({}),
  event: z.strictObject({
    id: template.describe('Must be the same each time the row is read: it is the key of the row in the ledger.'),
    source: template,
    customerId: template,
  }),
  time,
  cases: z
    .array(z.union([eventCase, skipCase]))
    .min(1)
    .max(200)
    .describe('The first one that holds decides.'),
})

/** A mapping with its defaults filled in. */
export type Mapping = z.output<typeof mappingSchema>
export type InputMapping = Mapping['input']
export type LookupMapping = z.output<typeof lookup>
export type TimeMapping = Mapping['time']
export type MoneyMapping = NonNullable<Mapping['money']>
export type ValueMapping = z.output<typeof value>
export type ConditionsMapping = z.output<typeof conditions>
export type CaseMapping = Mapping['cases'][number]

/** The published JSON Schema of mapping files, as text; editors complete mappings with it. `npm run format` lays it out. */
export function mappingJsonSchema(): string {
  const schema = z.toJSONSchema(mappingSchema, { io: 'input', target: 'draft-7', reused: 'inline' })
  return `${JSON.stringify({ title: 'proffer import mapping', ...schema }, null, 2)}\n`
}
