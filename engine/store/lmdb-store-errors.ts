/** What LMDB and the disk say when a write fails, as errors of the store port. */
import assert from 'node:assert/strict'
import { statfsSync } from 'node:fs'
import { StoreError } from './store.ts'

/** MDB_MAP_FULL, ENOSPC, EFBIG, EDQUOT. */
const fullCodes: ReadonlySet<number> = new Set([-30792, 28, 27, 122])
/** LMDB reports a write cut short by a full disk as EIO. */
const shortWrite = 5
const roomNeeded = 16 * 2 ** 20

/** The store cannot be asked now; the caller is in doubt. */
export function unavailable(message: string, cause: unknown): StoreError {
  return new StoreError('store_unavailable', message, { retryable: true, cause })
}

/** lmdb-js rejects with a general error whose `commitError` is a promise that rejects with LMDB's own. */
export async function translated(error: unknown, dir: string): Promise<StoreError> {
  if (error instanceof StoreError) return error
  // A bug is not doubt: it would be sent again for ever.
  if (error instanceof assert.AssertionError) throw error
  let cause = error
  if (error instanceof Error && 'commitError' in error && error.commitError instanceof Promise) {
    cause = await error.commitError.catch((reason: unknown) => reason)
  }
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : 0
  if (fullCodes.has(code) || (code === shortWrite && !hasRoom(dir))) {
    return new StoreError('store_full', 'There is no room left for the store.', { retryable: true, cause })
  }
  return unavailable('The store did not take the commit.', cause)
}

function hasRoom(dir: string): boolean {
  const disk = statfsSync(dir)
  return disk.bavail * disk.bsize >= roomNeeded
}
