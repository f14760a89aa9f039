import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Log } from '../../ingest/log.ts'
import type { Clock } from '../clock.ts'
import type { Failpoint } from './failpoint.ts'
import type { MakeFallback } from './fallback.ts'
import type { BatchStats, ShardPort } from './shard-port.ts'

/** What a batch took, for metrics. */
export type BatchReport = BatchStats & {
  readonly partition: number
  readonly committed: boolean
  /** Age of the oldest live request of the batch when it was sent, milliseconds. */
  readonly queueMs: number
}

export type RunnerLimits = {
  /** Most events and bytes of one batch. */
  readonly batchEvents: number
  readonly batchBytes: number
  /** Most live requests that wait for one partition; more are answered `overloaded`. */
  readonly liveQueue: number
  /** Commits and bytes that may wait to be published before the partition stops stepping. */
  readonly outboxCommits: number
  readonly outboxBytes: number
}

/** What one partition's runner works with. */
export type RunnerOptions = {
  readonly partition: number
  readonly port: ShardPort
  readonly log: Log
  readonly decisions: Log
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  readonly makeFallback: MakeFallback
  /** A new random token of at least 128 bits. */
  readonly newToken: () => string
  /** Runs a function once the inputs of this turn of the event loop have come in. */
  readonly schedule: (run: () => void) => void
  readonly limits: RunnerLimits
  readonly onBatch: (report: BatchReport) => void
  readonly failpoint: Failpoint
}
