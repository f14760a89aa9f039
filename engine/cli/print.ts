/** What commands print: tables and sentences for people, JSON for machines. */

/** A row's cells; numbers are right-aligned. */
export type Cell = string | number

const plain = (cell: Cell): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : oneLine(cell))

/**
 * A text that somebody wrote, such as a reason, on one line: line breaks and the characters that steer a terminal or turn the
 * direction of writing are shown as \u{...}. Else a reason could print lines that look like records of their own.
 */
export function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

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

/** Examples for the end of a command's help, one a line, as they are typed. */
export function examples(...calls: readonly string[]): string {
  return `\n${calls.length === 1 ? 'Example' : 'Examples'}:\n${calls.map((call) => `  proffer ${call}`).join('\n')}`
}

/** About how long something takes, as people say it: seconds below two minutes, minutes below two hours, else hours. */
export function aboutHowLong(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} hours`
}

/** An instant as people read it, UTC. */
export function instant(atMs: number): string {
  return Number.isFinite(atMs) && atMs > 0 ? new Date(atMs).toISOString().replace('T', ' ').replace('.000Z', 'Z') : '-'
}
