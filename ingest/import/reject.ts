/** Why a row of a file became no event, and where such rows are kept. */
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RejectReason } from '../event.ts'

/** Reasons found before the event is formed. */
export const rowReasons = [
  'row_unreadable',
  'row_too_large',
  'column_empty',
  'value_unmapped',
  'number_invalid',
  'time_invalid',
  'join_missing',
  'no_case',
  'skipped_by_mapping',
] as const
export type RowReason = (typeof rowReasons)[number]

/** A row that was not taken; `reason` is one of the intake's when the event was formed but refused. */
export type RejectedRow = {
  /** Name of the file, without its folder. */
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly reason: RowReason | RejectReason
  /** Names columns and fields, never a value of the row. */
  readonly detail: string
  /** The row as it stood in the file, at most `maxKeptChars`. */
  readonly row: string
}

/** Characters of a row that are kept with it. */
export const maxKeptChars = 2000
/** Rejected rows kept an import; more are counted, but not kept. */
const maxKeptRows = 100_000
const rowsAtOnce = 500

export type RejectFile = {
  add(row: RejectedRow): Promise<void>
  /** Makes the file of this import the current one; without it the file of the import before stays. */
  finish(): Promise<void>
  close(): Promise<void>
}

/**
 * Keeps rejected rows as JSON lines at `path`, readable by the owner only: it holds customer data. The file is that of
 * the last import that ended; at most 100,000 rows of 2,000 characters.
 */
export async function openRejectFile(path: string): Promise<RejectFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const unfinished = `${path}.part`
  const file: FileHandle = await open(unfinished, 'w', 0o600)
  let waiting: string[] = []
  let kept = 0
  const write = async (): Promise<void> => {
    const lines = waiting
    waiting = []
    if (lines.length > 0) await file.appendFile(`${lines.join('\n')}\n`)
  }
  let stillOpen = true
  const close = async (): Promise<void> => {
    if (!stillOpen) return
    stillOpen = false
    await file.close()
  }
  return {
    add: async (row) => {
      if (kept >= maxKeptRows) return
      kept++
      waiting.push(JSON.stringify({ ...row, row: row.row.slice(0, maxKeptChars) }))
      if (waiting.length >= rowsAtOnce) await write()
    },
    finish: async () => {
      await write()
      await file.sync()
      await close()
      await rename(unfinished, path)
    },
    close,
  }
}
