/** Streams the rows of files through their mappings into the engine, counting every one of them. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Event, RejectReason } from '../event.ts'
import { schemaCatalogue } from '../event-types.ts'
import { isCustomerName, validateEvent } from '../validate.ts'
import type { RowKey, RowLedger, RowOutcome } from './ledger.ts'
import type { LoadedMapping, Problem } from './load-mapping.ts'
import { loadLookups } from './lookup.ts'
import { compileMapping, type RowMapper } from './map-row.ts'
import { type BrokenRow, type Row, RowSourceError, readRows } from './read-rows.ts'
import { maxKeptChars, type RejectFile, type RowReason } from './reject.ts'
import { createRowSorter, type ImportedRow } from './sort-rows.ts'

/** `rows = accepted + rejected + duplicates` unless it was interrupted. */
export type ImportSummary = {
  readonly rows: number
  readonly accepted: number
  readonly rejected: number
  /** Rows that an earlier import took, that come twice in the file, or whose event the engine knew. */
  readonly duplicates: number
  readonly rejectedBy: Readonly<Partial<Record<RowReason | RejectReason, number>>>
  readonly interrupted: boolean
}

export type ImportProgress = Omit<ImportSummary, 'rejectedBy' | 'interrupted'> & {
  readonly bytesRead: number
  readonly bytesTotal: number
}

export type ImportResult =
  | { readonly kind: 'ok'; readonly summary: ImportSummary }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

export type ImportOptions = {
  /** Files with their mappings. With `order: 'file'` one after the other, with `order: 'time'` merged by time. */
  readonly inputs: readonly { readonly path: string; readonly loaded: LoadedMapping }[]
  readonly order: 'file' | 'time'
  /** For sorting by time; made, emptied and removed. */
  readonly spoolDir: string
  readonly ledger: RowLedger
  readonly rejects: RejectFile
  /** Appends events to the log, in order; resolved with what became of each when they are committed. */
  readonly submit: (events: readonly Event[]) => Promise<readonly RowOutcome[]>
  /** Called after each batch. */
  readonly onProgress: (progress: ImportProgress) => void
  /** Ends the import after the batch under way. */
  readonly signal: AbortSignal
}

/** Events submitted at once; one batch is under way at a time, so that order is kept. */
const batchSize = 500

/**
 * Imports files. Each row ends as accepted, rejected (kept with line and reason) or duplicate. The ledger is written
 * after the engine committed: killed anywhere and run again, the rest is imported, and what was committed without a
 * ledger entry is a duplicate to the engine, because events have the same ids each time.
 * Refused before anything is submitted when a file or lookup can not be read or lacks a column.
 * @throws what `submit` and the file system throw on the way
 */
export async function importRows(options: ImportOptions): Promise<ImportResult> {
  const prepared = await prepare(options.inputs)
  if (prepared.kind === 'refused') return prepared
  const run = startRun(options, prepared.bytesTotal)
  if (options.order === 'file') {
    for (const input of prepared.inputs) await readInput(input, run, (row) => run.send(row))
    await run.flush()
  } else {
    await importSorted(prepared.inputs, options, run)
  }
  return { kind: 'ok', summary: run.summary() }
}

type PreparedInput = { readonly path: string; readonly loaded: LoadedMapping; readonly mapper: RowMapper }
type Prepared =
  | { readonly kind: 'ok'; readonly inputs: readonly PreparedInput[]; readonly bytesTotal: number }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

async function prepare(inputs: ImportOptions['inputs']): Promise<Prepared> {
  const problems: Problem[] = []
  const prepared: PreparedInput[] = []
  let bytesTotal = 0
  for (const { path, loaded } of inputs) {
    const lookups = await loadLookups(loaded.mapping, path)
    if (lookups.kind === 'refused') {
      problems.push(...lookups.problems)
      continue
    }
    const mapper = compileMapping(loaded, lookups.lookups)
    const flaw = await headerFlaw(path, loaded, mapper)
    if (flaw !== null) problems.push(flaw)
    else bytesTotal += (await stat(path)).size
    prepared.push({ path, loaded, mapper })
  }
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'ok', inputs: prepared, bytesTotal }
}

/** Reads the first rows only, so that a file that does not fit its mapping is refused before anything is submitted. */
async function headerFlaw(path: string, loaded: LoadedMapping, mapper: RowMapper): Promise<Problem | null> {
  try {
    const source = { path, input: loaded.mapping.input, columns: mapper.columns, onBytes: () => {} }
    for await (const _ of readRows(source)) break
    return null
  } catch (error) {
    if (error instanceof RowSourceError) {
      const kind = error.code === 'unholdable' ? 'unholdable' : 'wrong'
      return { code: kind, file: basename(path), line: error.line, reason: error.message }
    }
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    return { code: 'wrong', file: basename(path), line: 1, reason: `can not be read (${code})` }
  }
}

async function importSorted(inputs: readonly PreparedInput[], options: ImportOptions, run: Run): Promise<void> {
  const sorter = await createRowSorter(options.spoolDir)
  try {
    for (const input of inputs) await readInput(input, run, (row) => sorter.add(row))
    for await (const row of sorter.drain()) {
      if (options.signal.aborted) break
      await run.send(row)
    }
    await run.flush()
  } finally {
    await sorter.close()
  }
}

async function readInput(input: PreparedInput, run: Run, take: (row: ImportedRow) => Promise<void>): Promise<void> {
  const { path, loaded, mapper } = input
  const file = basename(path)
  const source = { path, input: loaded.mapping.input, columns: mapper.columns, onBytes: run.readBytes }
  for await (const rows of readRows(source)) {
    for (const row of rows) {
      if (run.aborted()) return
      run.count()
      const formed = formEvent(row, mapper)
      const raw = row.raw.slice(0, maxKeptChars)
      if (formed.kind === 'event') {
        await take({ event: formed.event, name: loaded.mapping.name, file, line: row.line, raw })
      } else await run.reject({ file, line: row.line, reason: formed.reason, detail: formed.detail, row: raw })
    }
    run.report()
  }
}

type Formed =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'rejected'; readonly reason: RowReason | RejectReason; readonly detail: string }

function formEvent(row: Row | BrokenRow, mapper: RowMapper): Formed {
  if (row.kind === 'broken') return { kind: 'rejected', reason: row.reason, detail: row.detail }
  const mapped = mapper.map(row.values)
  if (mapped.kind === 'rejected') return mapped
  const rejection = validateEvent(mapped.event, schemaCatalogue.types, isCustomerName)
  if (rejection === null) return mapped
  return { kind: 'rejected', reason: rejection.reason, detail: rejection.field ?? 'the event' }
}

type Run = {
  readonly aborted: () => boolean
  readonly readBytes: (bytes: number) => void
  readonly count: () => void
  readonly reject: (row: Parameters<RejectFile['add']>[0]) => Promise<void>
  readonly send: (row: ImportedRow) => Promise<void>
  readonly flush: () => Promise<void>
  readonly report: () => void
  readonly summary: () => ImportSummary
}

function startRun(options: ImportOptions, bytesTotal: number): Run {
  const { ledger, rejects, signal } = options
  const counts = { rows: 0, accepted: 0, rejected: 0, duplicates: 0 }
  const rejectedBy: Partial<Record<RowReason | RejectReason, number>> = {}
  let bytesRead = 0
  let batch: ImportedRow[] = []

  const reject: Run['reject'] = async (row) => {
    counts.rejected++
    rejectedBy[row.reason] = (rejectedBy[row.reason] ?? 0) + 1
    await rejects.add(row)
  }
  const settle = async (row: ImportedRow, outcome: RowOutcome): Promise<void> => {
    if (outcome === 'accepted') counts.accepted++
    else if (outcome === 'duplicate') counts.duplicates++
    else await reject({ file: row.file, line: row.line, reason: outcome, detail: 'refused on arrival', row: row.raw })
  }
  const report = (): void => options.onProgress({ ...counts, bytesRead, bytesTotal })
  const flush = async (): Promise<void> => {
    const rows = batch
    batch = []
    await submitBatch(rows, options.submit, ledger, settle)
    report()
  }
  return {
    aborted: () => signal.aborted,
    readBytes: (bytes) => {
      bytesRead += bytes
    },
    count: () => {
      counts.rows++
    },
    reject,
    send: async (row) => {
      batch.push(row)
      if (batch.length >= batchSize) await flush()
    },
    flush,
    report,
    summary: () => ({ ...counts, rejectedBy, interrupted: signal.aborted }),
  }
}

async function submitBatch(
  rows: readonly ImportedRow[],
  submit: ImportOptions['submit'],
  ledger: RowLedger,
  settle: (row: ImportedRow, outcome: RowOutcome) => Promise<void>,
): Promise<void> {
  const fresh: { row: ImportedRow; key: RowKey }[] = []
  const seen = new Set<string>()
  for (const row of rows) {
    const key = { name: row.name, source: row.event.source, id: row.event.id }
    const known = ledger.find(key)
    const identity = `${key.name}\n${key.source}\n${key.id}`
    if (seen.has(identity)) await settle(row, 'duplicate')
    // What the engine refused stays refused: it is in the dead letters, and comes back from there.
    else if (known !== null) await settle(row, known === 'accepted' ? 'duplicate' : known)
    else fresh.push({ row, key })
    seen.add(identity)
  }
  if (fresh.length === 0) return
  const outcomes = await submit(fresh.map(({ row }) => row.event))
  const settled = fresh.map(({ row, key }, i) => {
    const outcome = outcomes[i]
    if (outcome === undefined) throw new RangeError('the intake answered fewer events than it was given')
    return { row, key, outcome }
  })
  await ledger.add(settled)
  for (const { row, outcome } of settled) await settle(row, outcome)
}
