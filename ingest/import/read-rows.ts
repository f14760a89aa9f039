/** Rows of a CSV or JSON lines file as columns of text: one row a line, so a broken row costs only itself. */
import { parse } from 'csv-parse/sync'
import { unholdableReason } from '../unholdable.ts'
import type { InputMapping } from './mapping.ts'
import { type Line, readLines } from './read-lines.ts'

/** A row with the values of the wanted columns in their order; an empty value is null. */
export type Row = {
  readonly kind: 'row'
  readonly line: number
  readonly raw: string
  readonly values: readonly (string | null)[]
}

/** A line that is no row. */
export type BrokenRow = {
  readonly kind: 'broken'
  readonly line: number
  readonly raw: string
  readonly reason: 'row_unreadable' | 'row_too_large'
  readonly detail: string
}

export type RowSource = {
  readonly path: string
  readonly input: InputMapping
  /** The columns to read, such as `account_id`, or `payment.amount` in JSON lines. */
  readonly columns: readonly string[]
  readonly onBytes: (bytes: number) => void
}

/** The file does not fit its mapping. */
export class RowSourceError extends Error {
  readonly code: 'column_unknown' | 'unholdable'
  readonly line: number
  constructor(message: string, line: number, code: 'column_unknown' | 'unholdable' = 'column_unknown') {
    super(message)
    this.line = line
    this.code = code
  }
}

/**
 * Yields rows in file order, in arrays of at most 256; lines that hold only white space are passed over.
 * @throws RowSourceError when the header lacks a wanted column, or has one that a bank may not hold; the error of the file system when reading fails.
 */
export async function* readRows(source: RowSource): AsyncGenerator<readonly (Row | BrokenRow)[]> {
  const reader = source.input.format === 'csv' ? csvReader(source, source.input) : jsonReader(source, source.input)
  for await (const lines of readLines(source.path, source.input.encoding, source.onBytes)) {
    const rows = reader(lines)
    if (rows.length > 0) yield rows
  }
}

type Reader = (lines: readonly Line[]) => readonly (Row | BrokenRow)[]
type CsvInput = Extract<InputMapping, { format: 'csv' }>

function csvReader(source: RowSource, input: CsvInput): Reader {
  const options = {
    delimiter: input.delimiter,
    record_delimiter: '\n',
    quote: input.quote ?? false,
    relax_column_count: true,
    trim: input.trim && input.delimiter.trim() !== '',
  }
  const records = (text: string): string[][] => parse(text, options)
  let width = 0
  let wanted: readonly number[] | null = null
  const open = (names: readonly string[], line: number): void => {
    width = names.length
    for (const name of names) {
      const reason = unholdableReason(name)
      // Also one that nothing reads: a row that is not taken is kept as it stands.
      if (reason !== null) throw new RowSourceError(`the file has the column ${name}: ${reason}`, line, 'unholdable')
    }
    wanted = source.columns.map((column) => {
      const index = names.indexOf(column)
      if (index < 0) throw new RowSourceError(`the file has no column ${column}`, line)
      return index
    })
  }
  if (input.columns !== undefined) open(input.columns, 1)
  return (lines) => {
    let rest = lines.filter((line) => line.text.trim() !== '' || line.cut)
    if (wanted === null) {
      const first = rest[0]
      if (first === undefined) return []
      open(header(records, first), first.number)
      rest = rest.slice(1)
    }
    const toRow = (line: Line, fields: readonly string[] | null): Row | BrokenRow => {
      const flaw = lineFlaw(line) ?? fieldsFlaw(fields, width)
      if (flaw !== null) return broken(line, flaw)
      const values = (wanted ?? []).map((index) => present(fields?.[index], input.trim))
      return { kind: 'row', line: line.number, raw: line.text, values }
    }
    const parsed = parseTogether(rest, records)
    return rest.map((line, index) => toRow(line, parsed === null ? parseAlone(line, records) : (parsed[index] ?? null)))
  }
}

function header(records: (text: string) => string[][], line: Line): readonly string[] {
  const names = parseAlone(line, records)
  if (names === null || line.cut) throw new RowSourceError('the header can not be read', line.number)
  return names.map((name) => name.trim())
}

/** The fast way; null when any line is broken, then each is parsed alone so that only the broken ones are lost. */
function parseTogether(lines: readonly Line[], records: (text: string) => string[][]): readonly string[][] | null {
  try {
    const parsed = records(lines.map((line) => line.text).join('\n'))
    return parsed.length === lines.length ? parsed : null
  } catch {
    return null
  }
}

function parseAlone(line: Line, records: (text: string) => string[][]): readonly string[] | null {
  try {
    const parsed = records(line.text)
    return parsed.length === 1 ? (parsed[0] ?? null) : null
  } catch {
    return null
  }
}

function fieldsFlaw(fields: readonly string[] | null, width: number): string | null {
  if (fields === null) return 'quotes are not closed or out of place'
  return fields.length === width ? null : `has ${fields.length} columns, not ${width}`
}

function lineFlaw(line: Line): string | null {
  return line.text.includes('\ufffd') ? 'has bytes that are not of the encoding' : null
}

function broken(line: Line, detail: string): BrokenRow {
  const at = { kind: 'broken' as const, line: line.number, raw: line.text }
  if (line.cut) return { ...at, reason: 'row_too_large', detail: 'is longer than a row may be' }
  return { ...at, reason: 'row_unreadable', detail }
}

function present(text: string | undefined, trim: boolean): string | null {
  const value = trim ? (text ?? '').trim() : (text ?? '')
  return value === '' ? null : value
}

type JsonInput = Extract<InputMapping, { format: 'jsonl' }>

function jsonReader(source: RowSource, input: JsonInput): Reader {
  const paths = source.columns.map((column) => column.split('.'))
  return (lines) =>
    lines
      .filter((line) => line.text.trim() !== '')
      .map((line) => {
        const flaw = line.cut ? 'cut' : lineFlaw(line)
        if (flaw !== null) return broken(line, flaw)
        const record = parseJson(line.text)
        if (record === null) return broken(line, 'is not a JSON object')
        const values = paths.map((path) => present(atPath(record, path), input.trim))
        return { kind: 'row', line: line.number, raw: line.text, values }
      })
}

/** Numbers stay the text they were written as, so that no amount passes through a float. */
function parseJson(text: string): object | null {
  try {
    const record: unknown = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? (context?.source ?? String(value)) : value,
    )
    return typeof record === 'object' && record !== null && !Array.isArray(record) ? record : null
  } catch {
    return null
  }
}

/** Scalars as text; a missing path, null, objects and lists as empty. A key may itself contain dots. */
function atPath(record: object, path: readonly string[]): string | undefined {
  let at: unknown = record
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = Reflect.get(at, key)
  }
  return typeof at === 'string' || typeof at === 'boolean' ? String(at) : undefined
}
