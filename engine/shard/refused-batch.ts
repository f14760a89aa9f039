import { StoreError } from '../store/store.ts'
import { codeOf, isRetryable, placeOf } from './error-place.ts'
import type { BatchResult } from './shard-port.ts'

/** A batch of which nothing is kept: it comes again, smaller, or the partition is closed. */
export type Refused = Extract<BatchResult, { kind: 'retry' | 'closed' }>

/** What becomes of a batch that failed before its commit. */
export function refusedFor(error: unknown): Refused {
  const code = codeOf(error)
  // A filter that threw was counted, and its event is poison the next time.
  if (code === 'cache_full' || code === 'filter_failed' || isRetryable(error)) return { kind: 'retry', reason: code }
  if (code === 'state_corrupt') {
    // What the store says of itself names no customer, and tells a lost header from a damaged state.
    const stored = 'The stored state of a customer cannot be decoded. Restore the store from a backup.'
    return { kind: 'closed', reason: error instanceof StoreError ? error.message : stored }
  }
  return { kind: 'closed', reason: `The step failed: ${placeOf(error)}.` }
}
