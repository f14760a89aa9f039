import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Event } from '../../../ingest/event.ts'
import { type ImportCommand, rejectsPath, runImport } from '../../../ingest/import/command.ts'
import type { ImportResult } from '../../../ingest/import/import-rows.ts'
import type { RowOutcome } from '../../../ingest/import/ledger.ts'

/** A directory that is gone after the test. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'proffer-import-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Writes files into a fresh directory and returns the way to one of them. */
export function writeFiles(files: Readonly<Record<string, string | Uint8Array>>): (name: string) => string {
  const directory = freshDirectory()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return (name) => join(directory, name)
}

/** An engine that knows events by source and id, and remembers what it took in order. */
export function sampleEngine(): { submit: ImportCommand['submit']; events: Event[]; batches: number[] } {
  const known = new Set<string>()
  const events: Event[] = []
  const batches: number[] = []
  const submit = async (batch: readonly Event[]): Promise<readonly RowOutcome[]> => {
    batches.push(batch.length)
    return batch.map((event) => {
      const key = `${event.source} ${event.id}`
      if (known.has(key)) return 'duplicate'
      known.add(key)
      events.push(event)
      return 'accepted'
    })
  }
  return { submit, events, batches }
}

/** Runs an import on the wall clock without progress unless told otherwise. */
export function runSample(
  inputs: ImportCommand['inputs'],
  directory: string,
  submit: ImportCommand['submit'],
  more: Partial<ImportCommand> = {},
): Promise<ImportResult> {
  const signal = new AbortController().signal
  return runImport({
    inputs,
    directory,
    clock: 'wall',
    advanceClock: () => {},
    submit,
    progress: null,
    signal,
    ...more,
  })
}

/** The kept rejected rows as `line reason`. */
export function keptRejects(directory: string, name: string): readonly string[] {
  const text = readFileSync(rejectsPath(directory, name), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const row: { line: number; reason: string; detail: string } = JSON.parse(line)
      return `${row.line} ${row.reason}: ${row.detail}`
    })
}

/** Everything a generator yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}
