import type { Commit, Meta } from '../store/store.ts'
import type { BatchDone } from './batch-done.ts'
import type { EventSchemas } from './event-schemas.ts'
import type { OutboxDecision } from './outbox.ts'

/** A commit, and what its batch answers once it is applied. */
export type OpenCommit = { readonly commit: Commit; readonly done: BatchDone }

/** What a shard knows of a partition it owns. */
export type Owned = {
  meta: Meta
  /** Records of answers that changed nothing; they leave with the next commit. */
  waiting: OutboxDecision[]
  waitingBytes: number
  /** Live requests that were stepped since it is owned: batches without a commit have the same `seq`. */
  stepped: number
  /** When something of its customers is due next, Unix milliseconds; 0: nothing is. */
  nextDue: number
  /** When it was taken, by the monotonic clock. */
  readonly takenAt: number
  readonly schemas: EventSchemas
  /** The commit that was sent and not yet answered. */
  open: OpenCommit | null
}
