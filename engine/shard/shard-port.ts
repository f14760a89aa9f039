/**
 * What the main thread asks of a shard, and what it answers. One type for the worker thread and for inline mode.
 */
import type { Decision } from '../../sinks/decision.ts'
import type { Permit } from '../step/permit.ts'
import type { CommitMeta, Fill, Meta } from '../store/store.ts'
import type { Tally } from './batch-tally.ts'
import type { Past } from './series-past.ts'
import type { CustomerCopy, CustomerView, PermitRequest } from './shards.ts'

/** A live request as the shard steps it. `index` names it in the answer. */
export type LiveInput = {
  readonly index: number
  readonly customerId: string
  readonly requestId: string
  readonly placement: string
  readonly count: number
  /** False: nothing of the customer is to be read. Absent: it may be. */
  readonly personalised?: boolean
}

/** A decision record that was made on the main thread (a fallback) and waits for a commit. */
export type ReadyRecord = { readonly customerId: string; readonly bytes: Uint8Array }

/** What every commit is given. */
type OwnersTask = {
  readonly partition: number
  /** See `Commit.notAfter`. */
  readonly notAfter: number | null
}

/** One batch of one partition. */
export type BatchTask = OwnersTask & {
  /** A frame of `event-frame.ts`, moved to the shard; null: no events. */
  readonly events: ArrayBuffer | null
  readonly requests: readonly LiveInput[]
  readonly records: readonly ReadyRecord[]
  /** The clock's instant; the partition's `now` never runs backwards whatever it says. */
  readonly now: number
  /** Highest seq whose outbox value is published; stored with the next commit, values up to it are dropped. */
  readonly published: number
  /** Where the decisions log may be read from to find all above `published`; stored with the next commit. */
  readonly dpos: number
  /** Commit even when no state changed: records wait, or `published` moved. */
  readonly flush: boolean
  /** Whether what is due may be taken up with it. */
  readonly takesDue: boolean
}

/** Decisions that left although the store lost their commits; see `adopt-lost.ts`. */
export type AdoptTask = OwnersTask & {
  /** A frame of their records, moved to the shard; of at most as many customers as a batch. */
  readonly records: ArrayBuffer
  /** Number of the commit; numbers that ever left are jumped over. */
  readonly to: number
  readonly adopting: CommitMeta['adopting']
}

/** A commit that changes nothing but what the header says. */
export type AmendTask = OwnersTask & {
  readonly to: number
  readonly change: Partial<Pick<CommitMeta, 'next' | 'appendTime' | 'dpos' | 'adopting'>>
}

/** A part of a backfill, between two batches. */
export type FillTask = OwnersTask & {
  readonly step: FillStep
  /** As in a batch. */
  readonly published: number
  readonly dpos: number
}

export type FillStep =
  /** Puts down where the backfill of the partition stands: at its beginning, or behind records that the log has dropped. */
  { readonly kind: 'set'; readonly fill: Fill } | FillRecords

/**
 * Records of the log from offset `at` on; `through` is behind the last one that was read. `warm`: below the place where the backfill
 * goes on, to know the ids that were accepted by then. `read`: from that place on.
 */
export type FillRecords = {
  readonly kind: 'warm' | 'read'
  readonly records: ArrayBuffer
  readonly at: number
  readonly through: number
}

/**
 * Why a step of a backfill is not taken; nothing was changed. `cold`: which ids were accepted below `at` is not known here, warm
 * up first. `full`: more ids were accepted within the horizon than there is memory for. `unknown`: the shard knows of no such
 * backfill of the partition (yet), or it is finished. `quarantined`: a series to be filled gets no entry while a rule is out of service.
 * `filter_failed`: the filter of a feature threw on a record of the step.
 */
export type FillRefusal = 'cold' | 'full' | 'unknown' | 'quarantined' | 'filter_failed'

export type FillResult =
  | {
      readonly kind: 'filled'
      /** Where to go on. */
      readonly at: number
      /** Records that were looked at, and events of them that had entries to add. */
      readonly read: number
      readonly added: number
      /** Of the commit; `committed` is false when nothing had to be stored yet. */
      readonly result: BatchResult
    }
  | { readonly kind: 'refused'; readonly why: FillRefusal }
  | Exclude<BatchResult, { kind: 'done' | 'doubt' }>

export type BatchStats = {
  readonly events: number
  readonly requests: number
  readonly customers: number
  /** Customers that were not in the cache. */
  readonly loaded: number
  readonly loadMs: number
  readonly stepMs: number
  /** Processor time of the step. */
  readonly stepCpuMs: number
  /** Round trip of the commit as the shard saw it; 0 without a commit. */
  readonly commitMs: number
  /** What the decisions since the last tally came to; null: less than a second ago. */
  readonly tally: Tally | null
}

export type LiveAnswer = {
  readonly index: number
  readonly decision: Decision
  /** The decision's record. */
  readonly bytes: Uint8Array
  readonly committed: boolean
}

/** The state of a partition after a batch. */
export type Progress = Pick<
  Meta,
  'seq' | 'next' | 'published' | 'dpos' | 'begun' | 'fill' | 'accepted' | 'duplicates' | 'deadLettered' | 'decisions'
> & {
  /** When something of a customer is due next, Unix milliseconds; 0: nothing is. */
  readonly nextDue: number
}

export type BatchResult =
  | {
      readonly kind: 'done'
      readonly progress: Progress
      readonly committed: boolean
      readonly answers: readonly LiveAnswer[]
      /** The value that was committed with `progress.seq`; null when nothing leaves. */
      readonly outbox: Uint8Array | null
      /** Customers who were erased. */
      readonly erased: readonly string[]
      /** Events of the batch that were not accepted; the value says which. */
      readonly exceptions: number
      /** Bytes of records that wait for a commit in the shard. */
      readonly waitingBytes: number
      /** Why the events of the batch were not taken, in a sentence: give them again after a pause. null: they were. */
      readonly held: string | null
      readonly stats: BatchStats
    }
  /** Whether the commit was applied is not known: ask `resend` until it is. */
  | { readonly kind: 'doubt'; readonly reason: string }
  /** Nothing was done (the cache has no room for the batch, or the store was not read): try a smaller one. */
  | { readonly kind: 'retry'; readonly reason: string }
  /** The shard does not hold the partition: acquire again. */
  | { readonly kind: 'lost' }
  /** Another owner has taken the partition: nothing more is written here. */
  | { readonly kind: 'fenced' }
  /** The store is behind what it had acknowledged: publish what was applied, then acquire again. */
  | { readonly kind: 'rewound' }
  /** The commit came too late for it to be certain that the partition is still owned; it is not applied. Acquire again. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'closed'; readonly reason: string }

export type AcquireResult =
  | { readonly kind: 'acquired'; readonly meta: Meta; readonly nextDue: number }
  | { readonly kind: 'closed'; readonly reason: string }
  /** The store did not answer: try again. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** A newer pack is in force than the shard runs, which is that of activation `runs`: nothing is decided under it. Try again. */
  | { readonly kind: 'behind'; readonly runs: number; readonly reason: string }

export type ViewResult =
  | { readonly kind: 'view'; readonly view: CustomerView }
  /** The shard does not hold the partition: acquire again. */
  | { readonly kind: 'lost' }

export type StoredOutbox = { readonly seq: number; readonly value: Uint8Array }

export type CacheUsage = {
  readonly customers: number
  readonly bytes: number
  readonly maxBytes: number
  /** How often a bound of a customer's state was reached since start: then a very old duplicate or contact may be missed. */
  readonly overflows: {
    readonly eventIds: number
    readonly contacts: number
    readonly softLimit: number
    readonly adopted: number
  }
}

/** A pack to be prepared by a shard. */
export type PackTask = {
  readonly packHash: string
  /** The model as JSON: text crosses to a thread at the price of a copy. */
  readonly model: string
  /** The numbers of its rules on the board of the node, in the order of `ruleNames`. */
  readonly rules: readonly number[]
  /** The installation's record with the pack in force. */
  readonly past: Past
}

/** `given_up`: something else was to be prepared meanwhile, or nothing any more. */
export type Prepared = { readonly kind: 'prepared'; readonly packHash: string } | { readonly kind: 'given_up' }

export type Switched =
  /** The pack that every batch from now on runs under, and series that are observed later than the record says, by definition. */
  | {
      readonly kind: 'switched'
      readonly packHash: string
      readonly observedLater: Readonly<Record<string, number>>
      /** Partitions with a commit in doubt under the pack before, which is sent again: what it decided may still leave. */
      readonly behind: number
    }
  /** Prepare it first: the thread is another one, or something else was prepared. */
  | { readonly kind: 'not_prepared' }

/**
 * A shard. Calls for one partition come one after the other; calls for different partitions overlap. A rejected promise
 * means that the thread died: what it held is in doubt, acquire again.
 */
export type ShardPort = {
  /** `addr`: where the owner can be asked, see `Meta.addr`. */
  acquire(partition: number, token: string, addr: string): Promise<AcquireResult>
  /** Not a promise when it was answered at once, which inline mode does for requests that change nothing. */
  batch(task: BatchTask): BatchResult | Promise<BatchResult>
  adopt(task: AdoptTask): Promise<BatchResult>
  amend(task: AmendTask): Promise<BatchResult>
  fill(task: FillTask): Promise<FillResult>
  /** Acts by another state of the installation's record from now on. */
  learn(past: Past): Promise<void>
  /** Compiles a pack between the batches, so that it can come into force at once. */
  prepare(task: PackTask): Promise<Prepared>
  /** Nothing that was prepared is wanted any more. */
  forget(): Promise<void>
  /** Has the prepared pack come into force; answers when nothing runs under another one any more. */
  switchTo(past: Past, packHash: string): Promise<Switched>
  /** Sends the open commit of the partition again, the same bytes. */
  resend(partition: number): Promise<BatchResult>
  outbox(partition: number, from: number, to: number): Promise<readonly StoredOutbox[]>
  view(partition: number, customerId: string, now: number): Promise<ViewResult>
  /** A copy of a customer's state; null: the shard does not hold the partition. */
  copy(partition: number, customerId: string, now: number): Promise<CustomerCopy | null>
  /** Whether a message may be sent; null: the shard does not hold the partition. */
  permit(partition: number, request: PermitRequest, now: number): Promise<Permit | null>
  /** Lets go: nothing is held any more, and nobody is sent here by the store. */
  release(partition: number): Promise<void>
  /** Address of the owner as the store has it; empty: none. */
  owner(partition: number): Promise<string>
  /** The store's clock, see `Store.now`. */
  storeNow(): Promise<number | null>
  usage(): Promise<CacheUsage>
  close(): Promise<void>
}
