import type { FallbackAnswers } from './fallback-answers.ts'
import type { LiveQueue } from './live-requests.ts'
import type { Outflow } from './outflow.ts'
import type { ViewQueue } from './view-queue.ts'

/** Why an owned partition is not run any more. */
export type LoopEnd =
  /** `lost`: the shard does not hold it. `expired`: this process stood still, or the store. See `BatchResult` for the others. */
  | { readonly kind: 'lost' | 'fenced' | 'rewound' | 'expired' }
  /** The thread died, or a bug stopped it: whether the batch was committed shows when the partition is taken again. */
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'closed'; readonly reason: string }

/** What the loop shares with the partition it belongs to, which outlives it. */
export type LoopParts = {
  readonly live: LiveQueue
  readonly fallbacks: FallbackAnswers
  readonly views: ViewQueue
  readonly outflow: Outflow
  /** A commit has no definite answer (a sentence), or has one again (null). */
  readonly onDoubt: (reason: string | null) => void
  /** A batch went through. */
  readonly onProgress: () => void
  /** Called once, with nothing under way any more. */
  readonly onEnd: (end: LoopEnd) => void
}
