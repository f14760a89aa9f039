/** Which rows were taken already: the importer's own memory, so that a file may be imported again. */
import { mkdirSync } from 'node:fs'
import { open } from 'lmdb'
import type { RejectReason } from '../event.ts'

/** What became of a row that reached the intake. */
export type RowOutcome = 'accepted' | 'duplicate' | RejectReason

/** The key of a row: the import's name and the identity of its event. */
export type RowKey = { readonly name: string; readonly source: string; readonly id: string }

export type RowLedger = {
  /** What became of the row; null: it was never taken. */
  find(key: RowKey): RowOutcome | null
  /** Resolved when the entries are stored, all or none. */
  add(entries: readonly { readonly key: RowKey; readonly outcome: RowOutcome }[]): Promise<void>
  /** Rows of an import in the ledger. */
  count(name: string): number
  close(): Promise<void>
}

/**
 * Opens the ledger in a directory, which it makes. One process at a time writes it: the importer, under the lock of the
 * engine's data directory. About 100 bytes a row.
 */
export function openLedger(directory: string): RowLedger {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const store = open<RowOutcome, string[]>({ path: directory, cache: false })
  const keyOf = (key: RowKey): string[] => [key.name, key.source, key.id]
  return {
    find: (key) => store.get(keyOf(key)) ?? null,
    add: async (entries) => {
      await store.transaction(() => {
        for (const { key, outcome } of entries) store.put(keyOf(key), outcome)
      })
    },
    count: (name) => store.getKeysCount({ start: [name], end: [name, '\uffff'] }),
    close: async () => {
      await store.flushed
      await store.close()
    },
  }
}
