import type { BatchSeries, BatchStep } from '../../sinks/batch.ts'
import type { Commit, Meta } from '../store/store.ts'
import type { BatchDone } from './batch-done.ts'
import type { Edition } from './edition.ts'
import type { EventSchemas } from './event-schemas.ts'
import type { OutboxDecision } from './outbox.ts'
import type { Claim } from './step-batch.ts'

/** A commit, and what its batch answers once it is applied. */
export type OpenCommit = {
  readonly commit: Commit
  readonly done: BatchDone
  /** What its live requests claimed: given back when it is certain that it was never applied. */
  readonly claims?: readonly Pick<Claim, 'resource' | 'id'>[]
  /** Whether it was sent before without a definite reply. */
  readonly doubted?: boolean
}

/** What a shard knows of a partition it owns. */
export type Owned = {
  meta: Meta
  /** The pack it works under. */
  edition: Edition
  /** Records of answers that changed nothing; they leave with the next commit. */
  waiting: OutboxDecision[]
  waitingBytes: number
  /** Which of them were made without the shard, by place. */
  waitingFallbacks: number[]
  /** Steps that changed nothing; they are told with the next commit. */
  steps: BatchStep[]
  stepBytes: number
  /** What was said of the series last, by this owner; null: nothing. */
  toldSeries: BatchSeries | null
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

/** A partition that was just taken. */
export function ownedFrom(taken: Pick<Owned, 'meta' | 'edition' | 'nextDue' | 'takenAt' | 'schemas'>): Owned {
  const waiting = { waiting: [], waitingBytes: 0, waitingFallbacks: [], steps: [], stepBytes: 0 }
  return { ...taken, ...waiting, stepped: 0, toldSeries: null, open: null }
}
