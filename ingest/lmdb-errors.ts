import { statfs } from 'node:fs/promises'
import { LogError } from './log.ts'

/** ENOSPC, EDQUOT, EFBIG and `MDB_MAP_FULL`, as LMDB numbers them. */
const FULL_CODES: ReadonlySet<unknown> = new Set([28, 122, 27, -30792])

/** Less free space than this counts as none: one transaction may need that much. */
const DISK_RESERVE_BYTES = 8 * 1024 * 1024

/**
 * A failed LMDB write as the port's error: `log_full` when there is no room, else `log_unavailable`. LMDB calls a write
 * of which the disk took only a part an input/output error, so for any other code the disk is asked.
 */
export async function translateWriteError(cause: unknown, dir: string): Promise<LogError> {
  if (cause instanceof LogError) return cause
  const error = await commitErrorOf(cause)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (FULL_CODES.has(code) || (await diskIsFull(dir))) {
    return new LogError('log_full', 'the disk of the log has no room', { retryable: true, cause: error })
  }
  return new LogError('log_unavailable', 'the log cannot be written', { retryable: true, cause: error })
}

async function diskIsFull(dir: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize < DISK_RESERVE_BYTES
}

/** A failed commit carries its reason in a promise of its own, which rejects at once. */
async function commitErrorOf(cause: unknown): Promise<unknown> {
  if (!(cause instanceof Error) || !('commitError' in cause)) return cause
  try {
    await Promise.race([cause.commitError, new Promise((resolve) => setTimeout(resolve, 1_000).unref())])
    return cause
  } catch (error) {
    return error
  }
}
