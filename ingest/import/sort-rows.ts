/** Puts any number of events in the order of their time with bounded memory: sorted runs on disk, merged. */
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Event } from '../event.ts'

/** An event with the row it came from. */
export type ImportedRow = {
  readonly event: Event
  /** Name of the mapping. */
  readonly name: string
  /** Name of the file, without its folder. */
  readonly file: string
  readonly line: number
  /** At most `maxKeptChars` of `reject.ts`. */
  readonly raw: string
}

export type RowSorter = {
  /** @throws ImportTooLargeError beyond `runLimit` x `maxRuns` rows */
  add(row: ImportedRow): Promise<void>
  /** All rows by time, those of one instant in the order they were added. Once only, and `add` not after it. */
  drain(): AsyncGenerator<ImportedRow>
  /** Takes the files away. */
  close(): Promise<void>
}

/** More rows than a sort may take. */
export class ImportTooLargeError extends Error {
  readonly code = 'import_too_large'
}

/** Rows in memory before a run is written: about 60 MB of typical events. */
const defaultRunLimit = 50_000
/** Files merged at once; with the default run limit that is 10 million rows. */
const maxRuns = 200

/** A sorter that spills into `directory`, which it makes, empties and removes. */
export async function createRowSorter(directory: string, runLimit = defaultRunLimit): Promise<RowSorter> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const runs: string[] = []
  let rows: ImportedRow[] = []

  const spill = async (): Promise<void> => {
    if (runs.length >= maxRuns) throw new ImportTooLargeError(`more than ${maxRuns * runLimit} rows to sort`)
    const path = join(directory, `run-${runs.length}.jsonl`)
    await writeRun(path, inOrder(rows))
    runs.push(path)
    rows = []
  }

  return {
    add: async (row) => {
      rows.push(row)
      if (rows.length >= runLimit) await spill()
    },
    drain: () => mergeRuns([...runs.map(readRun), inMemory(inOrder(rows))]),
    close: () => rm(directory, { recursive: true, force: true }),
  }
}

/** Array sort is stable, so rows of one instant keep their order. */
function inOrder(rows: readonly ImportedRow[]): readonly ImportedRow[] {
  return rows.toSorted((a, b) => a.event.time - b.event.time)
}

async function writeRun(path: string, rows: readonly ImportedRow[]): Promise<void> {
  const stream = createWriteStream(path, { mode: 0o600 })
  const failed = once(stream, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => {})
  for (const row of rows) {
    if (!stream.write(`${JSON.stringify(row)}\n`)) await Promise.race([once(stream, 'drain'), failed])
  }
  stream.end()
  await Promise.race([once(stream, 'finish'), failed])
}

async function* readRun(path: string): AsyncGenerator<ImportedRow> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) {
    const row: ImportedRow = JSON.parse(line)
    yield row
  }
}

async function* inMemory(rows: readonly ImportedRow[]): AsyncGenerator<ImportedRow> {
  yield* rows
}

/** Runs are in the order they were added, so on a tie the earliest run goes first. */
async function* mergeRuns(runs: readonly AsyncGenerator<ImportedRow>[]): AsyncGenerator<ImportedRow> {
  const heads: { run: AsyncGenerator<ImportedRow>; row: ImportedRow }[] = []
  for (const run of runs) {
    const first = await run.next()
    if (first.done !== true) heads.push({ run, row: first.value })
  }
  while (heads.length > 0) {
    let least = 0
    for (let i = 1; i < heads.length; i++) {
      if ((heads[i]?.row.event.time ?? 0) < (heads[least]?.row.event.time ?? 0)) least = i
    }
    const head = heads[least]
    if (head === undefined) return
    yield head.row
    const next = await head.run.next()
    if (next.done === true) heads.splice(least, 1)
    else head.row = next.value
  }
}
