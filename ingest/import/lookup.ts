/** Lookup files, held in memory for the length of an import. */
import { basename, dirname, resolve } from 'node:path'
import { compileConditions } from './conditions.ts'
import { errorCode, type Problem } from './load-mapping.ts'
import type { LookupMapping, Mapping } from './mapping.ts'
import { RowSourceError, readRows } from './read-rows.ts'

/** The values of the lookup's columns by key. */
export type Lookup = ReadonlyMap<string, readonly (string | null)[]>

export type LookupsResult =
  | { readonly kind: 'ok'; readonly lookups: ReadonlyMap<string, Lookup> }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/**
 * Loads every lookup of a mapping for the file at `path`. Reference data with a broken, missing or repeated key is
 * refused as a whole: half of it would give events to the wrong customer, or to none, without a word.
 */
export async function loadLookups(mapping: Mapping, path: string): Promise<LookupsResult> {
  const lookups = new Map<string, Lookup>()
  const problems: Problem[] = []
  for (const [name, lookup] of Object.entries(mapping.lookups)) {
    const file = resolve(dirname(path), lookup.file)
    const loaded = await loadLookup(file, lookup, mapping)
    if (loaded.kind === 'ok') lookups.set(name, loaded.lookup)
    else problems.push({ code: loaded.code, file: basename(file), line: loaded.line, reason: loaded.reason })
  }
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'ok', lookups }
}

type Loaded =
  | { readonly kind: 'ok'; readonly lookup: Lookup }
  | ({ readonly kind: 'refused' } & Pick<Problem, 'code' | 'line' | 'reason'>)

async function loadLookup(file: string, lookup: LookupMapping, mapping: Mapping): Promise<Loaded> {
  const where = lookup.where ?? {}
  const tested = Object.keys(where)
  const columns = [lookup.key, ...lookup.columns, ...tested]
  const keeps = compileConditions(where, (column) => 1 + lookup.columns.length + tested.indexOf(column))
  const rows = new Map<string, readonly (string | null)[]>()
  let lastLine = 1
  try {
    const source = { path: file, input: lookup.input ?? mapping.input, columns, onBytes: () => {} }
    for await (const batch of readRows(source)) {
      for (const row of batch) {
        lastLine = row.line
        if (row.kind === 'broken') return wrong(row.line, row.detail)
        if (!keeps(row.values)) continue
        const flaw = keep(rows, row.values, lookup)
        if (flaw !== null) return wrong(row.line, flaw)
      }
    }
  } catch (error) {
    if (!(error instanceof RowSourceError)) return wrong(lastLine, `can not be read (${errorCode(error)})`)
    const refused = wrong(error.line, error.message)
    return error.code === 'unholdable' ? { ...refused, code: 'unholdable' } : refused
  }
  return { kind: 'ok', lookup: rows }
}

function wrong(line: number, reason: string): Extract<Loaded, { kind: 'refused' }> {
  return { kind: 'refused', code: 'wrong', line, reason }
}

function keep(
  rows: Map<string, readonly (string | null)[]>,
  values: readonly (string | null)[],
  lookup: LookupMapping,
): string | null {
  const key = values[0] ?? null
  if (key === null) return `the key ${lookup.key} is empty`
  if (rows.has(key)) return lookup.onRepeat === 'first' ? null : `the key ${lookup.key} came before`
  if (rows.size >= lookup.maxRows) return `there are more than ${lookup.maxRows} rows to keep`
  rows.set(key, values.slice(1, 1 + lookup.columns.length))
  return null
}
