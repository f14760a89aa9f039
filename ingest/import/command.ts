/** What `proffer import` does, apart from reading its arguments and reaching the engine. */
import { join } from 'node:path'
import type { Event } from '../event.ts'
import { type ImportProgress, type ImportResult, importRows } from './import-rows.ts'
import { openLedger, type RowOutcome } from './ledger.ts'
import { type LoadedMapping, loadMapping, type Problem } from './load-mapping.ts'
import { openRejectFile } from './reject.ts'

export type ImportCommand = {
  /** Files with the paths of their mappings; several are one import. */
  readonly inputs: readonly { readonly file: string; readonly mapping: string }[]
  /** Where the ledger and rejected rows live, `import` below the engine's data directory. */
  readonly directory: string
  /**
   * `event`: rows of all files go in the order of their time, and before each batch `advanceClock` is told the time of
   * its last event. `wall`: rows go in file order.
   */
  readonly clock: 'wall' | 'event'
  readonly advanceClock: (toMs: number) => void
  /**
   * Appends events to the log, in order; resolved with what became of each when they are committed. On an event clock each
   * event's own time is its append time.
   */
  readonly submit: (events: readonly Event[]) => Promise<readonly RowOutcome[]>
  /** Where to draw progress; null: nowhere, as when the output is piped. */
  readonly progress: { readonly write: (text: string) => void; readonly now: () => number } | null
  readonly signal: AbortSignal
}

/**
 * Loads the mappings, imports the files, keeps ledger and rejected rows. Refused, with nothing imported, when a mapping,
 * lookup or header is wrong. Rejected rows are afterwards in `rejectsPath(directory, name of the first mapping)`.
 * @throws what `submit` and the file system throw on the way
 */
export async function runImport(command: ImportCommand): Promise<ImportResult> {
  const mappings = await loadAll(command.inputs)
  if (mappings.kind === 'refused') return mappings
  const name = mappings.inputs[0]?.loaded.mapping.name
  if (name === undefined)
    return { kind: 'refused', problems: [{ code: 'wrong', file: '', line: 1, reason: 'there is no file' }] }
  const ledger = openLedger(join(command.directory, 'ledger'))
  const rejects = await openRejectFile(rejectsPath(command.directory, name))
  const progress = command.progress === null ? null : progressLine(command.progress)
  try {
    const result = await importRows({
      inputs: mappings.inputs,
      order: command.clock === 'event' ? 'time' : 'file',
      spoolDir: join(command.directory, 'spool'),
      ledger,
      rejects,
      submit: (events) => submitOnClock(events, command),
      onProgress: (state) => progress?.show(state),
      signal: command.signal,
    })
    if (result.kind === 'ok') await rejects.finish()
    return result
  } finally {
    progress?.end()
    await rejects.close()
    await ledger.close()
  }
}

/** The file of rejected rows of an import, JSON lines of `RejectedRow`. */
export function rejectsPath(directory: string, name: string): string {
  return join(directory, `${name}.rejected.jsonl`)
}

type Loaded =
  | { readonly kind: 'ok'; readonly inputs: readonly { readonly path: string; readonly loaded: LoadedMapping }[] }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

async function loadAll(inputs: ImportCommand['inputs']): Promise<Loaded> {
  const loaded: { path: string; loaded: LoadedMapping }[] = []
  const problems: Problem[] = []
  for (const input of inputs) {
    const result = await loadMapping(input.mapping)
    if (result.kind === 'ok') loaded.push({ path: input.file, loaded: result })
    else problems.push(...result.problems)
  }
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'ok', inputs: loaded }
}

async function submitOnClock(events: readonly Event[], command: ImportCommand): Promise<readonly RowOutcome[]> {
  const last = events.at(-1)
  if (command.clock === 'event' && last !== undefined) command.advanceClock(last.time)
  return await command.submit(events)
}

/** One line, drawn over itself at most once a second. */
function progressLine(to: { readonly write: (text: string) => void; readonly now: () => number }): {
  show(state: ImportProgress): void
  end(): void
} {
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    show: (state) => {
      const now = to.now()
      if (now - shownAt < 1000) return
      shownAt = now
      to.write(`\r\u001b[K${progressText(state)}`)
    },
    end: () => {
      if (shownAt !== Number.NEGATIVE_INFINITY) to.write('\r\u001b[K')
    },
  }
}

/** Progress in one line of at most 100 characters. */
export function progressText(state: ImportProgress): string {
  const share = state.bytesTotal === 0 ? 1 : Math.min(1, state.bytesRead / state.bytesTotal)
  const bar = '#'.repeat(Math.round(share * 20)).padEnd(20, '.')
  const settled = state.accepted + state.rejected + state.duplicates
  return `[${bar}] ${state.rows} rows read, ${settled} done: ${state.accepted} accepted, ${state.duplicates} duplicate, ${state.rejected} rejected`
}
