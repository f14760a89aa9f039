import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Feed, Log } from '../../ingest/log.ts'
import type { DecisionCodec } from '../../sinks/decision-codec.ts'
import type { Clock, Timing } from '../clock.ts'
import type { Trusts } from './event-frame.ts'
import type { Failpoint } from './failpoint.ts'
import type { MakeFallback } from './fallback.ts'
import type { Asked } from './live-requests.ts'
import type { Settler } from './settler.ts'
import type { BatchStats, ShardPort } from './shard-port.ts'
import type { Standstill } from './standstill.ts'

/** What a batch took, for metrics. */
export type BatchReport = BatchStats & {
  readonly partition: number
  readonly committed: boolean
  /** Next offset of the events log after the batch. */
  readonly next: number
  /** Age of the oldest live request of the batch when it was sent, milliseconds. */
  readonly queueMs: number
}

export type BatchLimits = {
  /** Most events and bytes of one batch. */
  readonly batchEvents: number
  readonly batchBytes: number
  /** Most live requests that wait for one partition; more are answered `overloaded`. */
  readonly liveQueue: number
  /** Requests get the fallback while an event waits longer than this to be counted, milliseconds. */
  readonly staleMs: number
  /** Commits and bytes that may wait to be published before the partition stops stepping. */
  readonly outboxCommits: number
  readonly outboxBytes: number
}

/** What one partition works with on the main thread. */
export type PartitionOptions = {
  readonly partition: number
  readonly port: ShardPort
  /** Where batches are read from, in order. */
  readonly feed: Pick<Feed, 'read' | 'hasCome'>
  /** The same records at any place. */
  readonly log: Pick<Log, 'read' | 'bounds'>
  /** Which records of the events log came through our own door. */
  readonly trusts: Trusts
  readonly decisions: Log
  /** What commits were made from. */
  readonly batches: Pick<Log, 'append' | 'read' | 'bounds'>
  readonly deadLetters: DeadLetters
  /** Settles what commits said of reserved units. */
  readonly settler: Pick<Settler, 'settle'>
  /** Whether the decisions log is read back at each take-over. Only a test takes that away, to see what it is for. */
  readonly readsBack: boolean
  readonly clock: Clock
  readonly timing: Timing
  readonly standstill: Pick<Standstill, 'tenure'>
  readonly makeFallback: MakeFallback
  /** Writes the records of fallbacks. */
  readonly codec: DecisionCodec
  /** A new random token of at least 128 bits. */
  readonly newToken: () => string
  /** Where this process can be asked, `host:port`; empty: nowhere. */
  readonly addr: () => string
  /** Resolves with the next proof that the partition is still assigned to this process. */
  readonly confirmed: () => Promise<void>
  /** Takes over a live request for a partition that is not here; null: there is nobody else, it waits until it is. */
  readonly passOn: ((asked: Asked) => void) | null
  /** Runs a function once the inputs of this turn of the event loop have come in. */
  readonly schedule: (run: () => void) => void
  readonly limits: BatchLimits
  readonly onBatch: (report: BatchReport) => void
  /** Customers whose erasure was committed; what refers to them may still be about to leave. */
  readonly onErased: (customerIds: readonly string[]) => void
  readonly failpoint: Failpoint
}

/** Pauses between attempts: doubled from the least to the most. */
export const backOffMs = { least: 20, most: 2_000 } as const

/** The pause behind one that was too short. */
export function longerPause(ms: number): number {
  return Math.min(ms * 2, backOffMs.most)
}
