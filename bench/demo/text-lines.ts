/** Text that fits a width. Lengths count UTF-16 units: texts of the demo hold no wide characters. */

/** Cuts a text to a width; a cut text ends in an ellipsis. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}

/** A text of exactly this width: cut, or filled with spaces behind it. */
export function column(text: string, width: number): string {
  return clip(text, width).padEnd(width)
}

/**
 * Breaks a text between words into lines of at most `width`; spaces before the first word stay, lines after the first begin
 * with `indent` spaces. Both count. A word longer than a line is cut.
 */
export function wrap(text: string, width: number, indent = 0): string[] {
  const lines: string[] = []
  let line = ' '.repeat(text.length - text.trimStart().length)
  for (const word of text.trimStart().split(' ')) {
    const empty = line.trim() === ''
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(clip(line, width))
      line = ' '.repeat(indent) + word
    } else line += empty ? word : ` ${word}`
  }
  return [...lines, clip(line, width)]
}

/** A whole number with thousands separators. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Milliseconds with two digits that matter: `0.42`, `6.1`, `118`. */
export function milliseconds(ms: number): string {
  if (ms >= 100) return whole(ms)
  return ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)
}
