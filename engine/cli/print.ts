/** What commands print: tables and sentences for people, JSON for machines. */

/** A row's cells; numbers are right-aligned. */
export type Cell = string | number

const plain = (cell: Cell): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)

/** Visible width of a text: CJK characters take two columns. */
function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += (character.codePointAt(0) ?? 0) >= 0x2e80 ? 2 : 1
  return width
}

/** A table with a header and columns as wide as their widest cell; no trailing spaces. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const widths = header.map((name, column) =>
    Math.max(widthOf(name), ...rows.map((row) => widthOf(plain(row[column] ?? '')))),
  )
  const numeric = header.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, column) => {
        const text = plain(cell)
        const pad = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(text)))
        return numeric[column] === true ? pad + text : text + pad
      })
      .join('  ')
      .trimEnd()
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

/** An instant as people read it, UTC. */
export function instant(atMs: number): string {
  return Number.isFinite(atMs) && atMs > 0 ? new Date(atMs).toISOString().replace('T', ' ').replace('.000Z', 'Z') : '-'
}
