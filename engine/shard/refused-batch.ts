import { codeOf, isRetryable, placeOf } from './error-place.ts'
import type { BatchResult } from './shard-port.ts'

/** A batch of which nothing is kept: it comes again, smaller, or the partition is closed. */
export type Refused = Extract<BatchResult, { kind: 'retry' | 'closed' }>

/** What becomes of a batch that failed before its commit. */
export function refusedFor(error: unknown): Refused {
  const code = codeOf(error)
  if (code === 'cache_full' || isRetryable(error)) return { kind: 'retry', reason: code }
  if (code === 'state_corrupt') {
    return {
      kind: 'closed',
      reason: 'The stored state of a customer cannot be decoded. Restore the store from a backup.',
    }
  }
  return { kind: 'closed', reason: `The step failed: ${placeOf(error)}.` }
}
