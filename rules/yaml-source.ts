/** A YAML file that remembers where each of its values stands. */
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml'
import { boundCrossed, yamlLimits } from './yaml-bounds.ts'

/** Keys and list positions from the top of a file to a value. */
export type Path = readonly (string | number)[]

export type YamlSource = {
  /** The contents as plain data. */
  readonly data: unknown
  /** 1-based line of the value at a path (of its key, in a map), or of the nearest thing above it that exists. */
  readonly lineOf: (path: Path) => number
  /** 1-based line of a character of a text value, when the text is one line or a `|` block; else the line of the text. */
  readonly lineInText: (path: Path, offset: number) => number
}

export type YamlResult =
  | { readonly kind: 'ok'; readonly source: YamlSource }
  | { readonly kind: 'invalid'; readonly problems: readonly { readonly line: number; readonly message: string }[] }

/** Parses one YAML 1.2 document within `yamlLimits`: no repeated keys, no custom tags, no aliases (they could grow without bound). */
export function readYaml(text: string): YamlResult {
  const crossed = boundCrossed(text)
  if (crossed !== null) return invalid(crossed.line, crossed.message)
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, merge: false, prettyErrors: true })
  const document = documents[0]
  if (document === undefined) return invalid(1, 'The file is empty.')
  if (documents.length > 1) {
    return invalid(lines.linePos(documents[1]?.range?.[0] ?? 0).line, 'The file holds more than one YAML document.')
  }
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    return {
      kind: 'invalid',
      problems: faults.slice(0, yamlLimits.problems).map((fault) => ({
        line: fault.linePos?.[0].line ?? 1,
        message: `Not valid YAML: ${fault.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '')}.`,
      })),
    }
  }
  const aliasAt = firstAlias(document)
  if (aliasAt !== null) {
    return invalid(lines.linePos(aliasAt).line, 'YAML aliases (*name) are not allowed: write the value out.')
  }
  const root: Node | null = document.contents
  const lineAt = (offset: number): number => lines.linePos(offset).line
  return {
    kind: 'ok',
    source: {
      data: document.toJS({ maxAliasCount: 0 }),
      lineOf: (path) => lineAt(find(root, path).offset),
      lineInText: (path, offset) => {
        const { node, offset: start } = find(root, path)
        if (!isScalar(node) || typeof node.value !== 'string') return lineAt(start)
        const first = lineAt(node.range?.[0] ?? start)
        if (node.type !== 'BLOCK_LITERAL') return first
        return first + 1 + newlines(node.value.slice(0, offset))
      },
    },
  }
}

function invalid(line: number, message: string): YamlResult {
  return { kind: 'invalid', problems: [{ line, message }] }
}

function newlines(text: string): number {
  let count = 0
  for (const character of text) if (character === '\n') count++
  return count
}

function firstAlias(document: Document.Parsed): number | null {
  let offset: number | null = null
  visit(document, {
    Alias: (_key, node) => {
      offset = node.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return offset
}

/** The node at a path, or the deepest one on the way, and the offset where its key or value begins. */
function find(root: Node | null, path: Path): { node: unknown; offset: number } {
  let node: unknown = root
  let offset = root?.range?.[0] ?? 0
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step)
      if (pair === undefined) break
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof step === 'number') {
      const item: unknown = node.items[step]
      if (item === undefined) break
      node = item
      if (isMap(item) || isSeq(item) || isScalar(item)) offset = item.range?.[0] ?? offset
    } else break
  }
  return { node, offset }
}
