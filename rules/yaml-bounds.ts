/** What a YAML file may be made of before it is read: reading takes a time that grows with the square of a map, and a stack. */
import { type CST, LineCounter, Parser } from 'yaml'

/** Every bound of a YAML file but its size. */
export const yamlLimits = {
  /** Maps and lists inside each other. */
  depth: 32,
  /** Keys of one map. */
  keys: 2_000,
  /** Problems that are told of one file; with the first so many it can be set right. */
  problems: 50,
} as const

/** Where a file crosses a bound, with the line and what to do; null: it does not. Takes time and memory in proportion to the text. */
export function boundCrossed(text: string): { readonly line: number; readonly message: string } | null {
  const lines = new LineCounter()
  const crossed = (offset: number, message: string) => ({ line: lines.linePos(offset).line, message })
  for (const root of new Parser(lines.addNewLine).parse(text)) {
    const open: { readonly token: CST.Token; readonly depth: number }[] = [{ token: root, depth: 0 }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { token, depth } = next
      if (token.type === 'document') {
        if (token.value !== undefined) open.push({ token: token.value, depth })
        continue
      }
      if (token.type !== 'block-map' && token.type !== 'block-seq' && token.type !== 'flow-collection') continue
      if (depth >= yamlLimits.depth)
        return crossed(
          token.offset,
          `Maps and lists are nested too deeply: at most ${yamlLimits.depth} inside each other.`,
        )
      if (token.type !== 'block-seq' && token.items.length > yamlLimits.keys && hasKeys(token))
        return crossed(token.offset, `The map has ${token.items.length} keys, at most ${yamlLimits.keys} are read.`)
      for (const { key, value } of token.items) {
        if (key != null) open.push({ token: key, depth: depth + 1 })
        if (value !== undefined) open.push({ token: value, depth: depth + 1 })
      }
    }
  }
  return null
}

/** A flow list may be long, as a list of lines may be. */
function hasKeys(token: CST.BlockMap | CST.FlowCollection): boolean {
  return token.type === 'block-map' || token.start.type === 'flow-map-start'
}
