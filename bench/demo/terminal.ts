/** Where the demo is shown: lines that stay, and on a terminal a panel below them that is drawn again in place. */
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** Colours a text; gives it back unchanged where colours are not wanted. Never changes its visible length. */
export type Paint = (style: Style, text: string) => string

export type Terminal = {
  /** Whether there is a panel. */
  readonly live: boolean
  readonly paint: Paint
  /** Room for a line, at least 40. */
  width(): number
  /** Rows of the window; Infinity where there is none. */
  height(): number
  /** Adds lines that stay, above the panel. */
  print(lines: readonly string[]): void
  /** Shows the panel, or removes it when there are no lines. Nothing where there is no panel. */
  panel(lines: readonly string[]): void
}

const hideCursor = '\x1b[?25l'
const showCursor = '\x1b[?25h'
const clearBelow = '\x1b[0J'
/** Width of lines when nobody says: files and pipes. */
const widthOfFiles = 100

/** The terminal over a stream of the process; without a TTY there are no control codes, and no colours either. */
export function openTerminal(stream: WriteStream): Terminal {
  const live = stream.isTTY === true && process.env['TERM'] !== 'dumb'
  let shown: readonly string[] = []
  const erased = (): string => (shown.length === 0 ? '' : `\x1b[${shown.length}A\r${clearBelow}`)
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
  if (live) process.once('exit', () => stream.write(showCursor))
  return {
    live,
    paint: (style, words) => styleText(style, words, { stream }),
    // One column is left free: some terminals break a line that is exactly full.
    width: () => (live ? Math.max(40, Math.min(stream.columns, 140) - 1) : widthOfFiles),
    height: () => (live ? stream.rows : Number.POSITIVE_INFINITY),
    print(lines) {
      if (lines.length === 0) return
      stream.write(live ? `${erased()}${text(lines)}${text(shown)}` : text(lines))
    },
    panel(lines) {
      if (!live) return
      stream.write(`${hideCursor}${erased()}${text(lines)}${lines.length === 0 ? showCursor : ''}`)
      shown = lines
    },
  }
}
