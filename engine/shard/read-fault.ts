import type { Log } from '../../ingest/log.ts'
import { logFault } from './take-partition.ts'

/** Why a log that failed to be read at `next` cannot be read on, in a sentence; null: it can, later. */
export async function readFault(
  error: unknown,
  log: Pick<Log, 'read' | 'bounds'>,
  partition: number,
  next: number,
): Promise<string | null> {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (code === 'log_closed') return 'The log is closed.'
  if (code !== 'log_gap') return null
  const fault = await logFault(log, partition, { next, appendTime: Number.NaN }).catch(() => null)
  return fault ?? 'log_gap: the log skipped records.'
}
