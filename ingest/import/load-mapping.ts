/** Reads a mapping file and checks all of it: the shape, the names it uses, and the event types it fills. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Document } from 'yaml'
import { isMap, LineCounter, parseDocument, type YAMLError } from 'yaml'
import type { EventTypeDef } from '../event.ts'
import { eventTypes } from '../event-types.ts'
import { checkMapping } from './check-mapping.ts'
import { type Mapping, mappingSchema } from './mapping.ts'
import { unholdableColumns } from './unholdable-columns.ts'

/** What is wrong with a mapping, or with a file it is applied to. */
export type Problem = {
  /** `unholdable`: it has a column that a bank may not hold; `wrong`: anything else. */
  readonly code: 'wrong' | 'unholdable'
  readonly file: string
  /** 1-based; 1 when it concerns the file as a whole. */
  readonly line: number
  readonly reason: string
}

/** A checked mapping with the event types it was checked against. */
export type LoadedMapping = { readonly mapping: Mapping; readonly types: ReadonlyMap<string, EventTypeDef> }

export type MappingResult =
  | ({ readonly kind: 'ok' } & LoadedMapping)
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/** A mapping is a page or two; a larger file is not one. */
const maxBytes = 256 * 1024
const maxProblems = 50

/**
 * Loads a mapping for the given event types (this release's unless told otherwise). Refused as a whole with file, line and reason of everything that is wrong
 * with it (at most 50), or because the file can not be read.
 */
export async function loadMapping(
  path: string,
  types: ReadonlyMap<string, EventTypeDef> = eventTypes,
): Promise<MappingResult> {
  const file = basename(path)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return refused(file, [{ path: [], reason: `can not be read (${errorCode(error)})` }], () => 1)
  }
  return parseMapping(text, file, types)
}

/** Checks the text of a mapping; `file` is the name problems are reported under. */
export function parseMapping(text: string, file: string, types: ReadonlyMap<string, EventTypeDef>): MappingResult {
  if (text.length > maxBytes) return refused(file, [{ path: [], reason: `is longer than ${maxBytes} bytes` }], () => 1)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: false, schema: 'core' })
  if (document.errors.length > 0) {
    const problems = document.errors.map((e): Problem => {
      return { code: 'wrong', file, line: errorLine(e, lines), reason: firstLine(e.message) }
    })
    return { kind: 'refused', problems: problems.slice(0, maxProblems) }
  }
  const lineOf = (path: readonly PropertyKey[]): number => lineOfPath(document, lines, path)
  const parsed = mappingSchema.safeParse(document.toJS({ maxAliasCount: 100 }))
  if (!parsed.success) {
    const found = parsed.error.issues.flatMap((issue) => innermost(issue))
    return refused(file, found, lineOf)
  }
  const found = [...unholdableColumns(parsed.data), ...checkMapping(parsed.data, types)]
  if (found.length > 0) return refused(file, found, lineOf)
  return { kind: 'ok', mapping: parsed.data, types }
}

/** Something wrong at a place inside the mapping. */
export type Finding = {
  readonly path: readonly PropertyKey[]
  readonly reason: string
  /** Absent: `wrong`. */
  readonly code?: Problem['code']
}

function refused(
  file: string,
  found: readonly Finding[],
  lineOf: (path: readonly PropertyKey[]) => number,
): MappingResult {
  const problems = found.slice(0, maxProblems).map((finding) => ({
    code: finding.code ?? 'wrong',
    file,
    line: lineOf(finding.path),
    reason: finding.path.length === 0 ? finding.reason : `${finding.path.map(String).join('.')}: ${finding.reason}`,
  }))
  return { kind: 'refused', problems }
}

type Issue = {
  readonly path: PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
  readonly errors?: readonly (readonly Issue[])[]
}

/** Of a choice between shapes the one that came furthest is the one that was meant: its complaint is the helpful one. */
function innermost(issue: Issue, base: readonly PropertyKey[] = []): readonly Finding[] {
  const path = [...base, ...issue.path]
  const choices = (issue.errors ?? []).filter((errors) => errors.length > 0)
  if (issue.keys !== undefined) return issue.keys.map((key) => ({ path: [...path, key], reason: 'is no key here' }))
  if (choices.length === 0) return [{ path, reason: issue.message }]
  const depth = (errors: readonly Issue[]): number => Math.max(...errors.map((e) => e.path.length))
  const ranked = [...choices].sort((a, b) => depth(b) - depth(a) || a.length - b.length)
  return (ranked[0] ?? []).flatMap((inner) => innermost(inner, path))
}

function lineOfPath(document: Document.Parsed, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === String(key)) : undefined
    const node: unknown = pair?.key ?? document.getIn(path.slice(0, length), true)
    const offset = rangeStart(node)
    if (offset !== null) return lines.linePos(offset).line
  }
  return 1
}

function rangeStart(node: unknown): number | null {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return null
  const start: unknown = node.range[0]
  return typeof start === 'number' ? start : null
}

function errorLine(error: YAMLError, lines: LineCounter): number {
  return lines.linePos(error.pos[0]).line
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}

/** The code of an I/O error, such as ENOENT. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}
