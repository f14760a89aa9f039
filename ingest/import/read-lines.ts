/** Lines of a file, decoded, in chunks, each line bounded. */
import { createReadStream } from 'node:fs'

/** A physical line. A line over the bound is cut and marked. */
export type Line = {
  /** 1-based. */
  readonly number: number
  readonly text: string
  readonly cut: boolean
}

/** Longest line that is read, in characters; a longer one is a broken row, and its rest is passed over. */
export const maxLineChars = 64 * 1024
const linesAtOnce = 256

/**
 * Yields the lines of a file in arrays of at most 256, without their ends (LF or CR LF) and without a byte order mark.
 * An empty last line is none. Bytes that are not of the encoding become U+FFFD. Throws the error of the file system.
 */
export async function* readLines(
  path: string,
  encoding: string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<readonly Line[]> {
  const decoder = new TextDecoder(encoding)
  const splitter = lineSplitter()
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a file stream without encoding yields bytes')
    onBytes(chunk.length)
    splitter.push(decoder.decode(chunk, { stream: true }))
    for (let lines = splitter.take(linesAtOnce); lines.length > 0; lines = splitter.take(linesAtOnce)) yield lines
  }
  splitter.push(decoder.decode())
  splitter.end()
  for (let lines = splitter.take(linesAtOnce); lines.length > 0; lines = splitter.take(linesAtOnce)) yield lines
}

function lineSplitter(): { push(text: string): void; end(): void; take(count: number): readonly Line[] } {
  let ready: Line[] = []
  let taken = 0
  let open = ''
  let cut = false
  let number = 0
  const grow = (text: string): void => {
    if (open.length + text.length > maxLineChars) cut = true
    if (open.length < maxLineChars) open += text.slice(0, maxLineChars - open.length)
  }
  const close = (): void => {
    number++
    ready.push({ number, text: open.endsWith('\r') ? open.slice(0, -1) : open, cut })
    open = ''
    cut = false
  }
  return {
    push: (text) => {
      let from = 0
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        grow(text.slice(from, end))
        close()
        from = end + 1
      }
      grow(text.slice(from))
    },
    end: () => {
      if (open !== '') close()
    },
    take: (count) => {
      const lines = ready.slice(taken, taken + count)
      taken += lines.length
      if (taken === ready.length) {
        ready = []
        taken = 0
      }
      return lines
    },
  }
}
