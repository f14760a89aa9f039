/** One statement of a person or a program, read-only and bounded. */
import type { HistoryClient } from './client.ts'
import { codeOf, sentenceOf } from './client.ts'
import type { QueryAnswer, SqlFormat } from './history.ts'

/** Most rows of an answer; more is refused, so that nobody takes a part for the whole. */
export const sqlRowsMax = 10_000

/** How a statement that only reads begins. */
const reading = /^[\s(]*(?:select|with|from|show|describe|desc|explain|exists)\b/i

/**
 * Why a statement is refused before ClickHouse sees it, or null. `readonly` alone is not enough: it lets BACKUP write to
 * a place the statement names, and KILL end our own inserts. The text is not parsed, so that nothing can hide in a nesting
 * that we would read differently; the price is a few harmless statements refused.
 */
export function statementRefusal(sql: string): string | null {
  if (!reading.test(sql)) return 'a statement begins with SELECT, WITH, FROM, SHOW, DESCRIBE, EXPLAIN or EXISTS'
  if (sql.includes(';')) return 'one statement at a time: a semicolon is refused, in texts too'
  if (/\bparallel\s+with\b/i.test(sql)) return 'PARALLEL WITH is refused'
  return null
}

const bytesMax = 32 * 1024 * 1024
const formats = { table: 'PrettyCompactNoEscapesMonoBlock', json: 'JSONEachRow', csv: 'CSVWithNames' } as const

/** Runs it with ClickHouse's `readonly = 1`: it can change neither data nor the limits set here. */
export async function runReadOnly(
  client: HistoryClient,
  sql: string,
  format: SqlFormat,
  params: Readonly<Record<string, unknown>>,
): Promise<QueryAnswer> {
  const statement = sql.trim().replace(/;$/, '')
  const refusal = statementRefusal(statement)
  if (refusal !== null) return { kind: 'refused', code: 0, message: refusal }
  try {
    // `exec` and not `query`: that would add a FORMAT clause to a statement that may have its own.
    const { stream } = await client.exec({
      query: statement,
      query_params: { ...params },
      clickhouse_settings: {
        readonly: '1',
        max_result_rows: String(sqlRowsMax),
        max_result_bytes: String(bytesMax),
        result_overflow_mode: 'throw',
        max_execution_time: 30,
        output_format_json_quote_64bit_integers: 0,
        output_format_json_quote_denormals: 1,
        output_format_pretty_row_numbers: 0,
        output_format_pretty_max_rows: String(sqlRowsMax),
      },
      http_headers: { 'X-ClickHouse-Format': formats[format] },
    })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of stream) {
      size += chunk.length
      if (size > 2 * bytesMax) return { kind: 'refused', code: 396, message: 'the answer is larger than 64 MB' }
      chunks.push(chunk)
    }
    return { kind: 'ok', text: Buffer.concat(chunks).toString('utf8') }
  } catch (error) {
    const code = codeOf(error)
    if (code === null || !/^\d+$/.test(code)) return { kind: 'unavailable', message: sentenceOf(error) }
    const message = error instanceof Error ? error.message : 'refused'
    if (code === '396') return { kind: 'refused', code: 396, message: `more than ${sqlRowsMax} rows: add a LIMIT` }
    return { kind: 'refused', code: Number(code), message }
  }
}
