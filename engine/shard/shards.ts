/**
 * What the rest of the engine may ask of the shards: decide, wait for a commit, look at a customer, see the partitions. It
 * answers for any customer, also for those of other nodes. Two builds of it: worker threads (Piscina) and inline, behind the
 * same type.
 */
import type { RejectReason } from '../../ingest/event.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { Permit } from '../step/permit.ts'

export type ShardErrorCode = 'partition_closed' | 'partition_busy' | 'not_owner' | 'owner_unavailable' | 'stopped'

/** A call to the shards that cannot be answered now. */
export class ShardError extends Error {
  readonly code: ShardErrorCode
  constructor(code: ShardErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Position of an event in the log, given to callers as `p<partition>-<offset>`. */
export type Position = { readonly partition: number; readonly offset: number }

export type DecisionRequest = {
  readonly customerId: string
  readonly requestId: string
  readonly placement: string
  readonly count: number
  /** Unix milliseconds on the engine's clock: later than this the answer is the placement's fallback. */
  readonly deadlineAt: number
  /** Answer only after this event was applied (read your own write); null: at once. */
  readonly after: Position | null
  /** False: nothing of the customer is to be read. Absent: it may be. */
  readonly personalised?: boolean
}

/** The answer of a live request; `decision.reason` says when it is a fallback and why. */
export type DecisionAnswer = { readonly decision: Decision; readonly committed: boolean }

/** Asks whether the message of a decision may be sent to the customer on a channel. */
export type PermitRequest = { readonly customerId: string; readonly decisionId: string; readonly channel: string }

/** What became of an appended event once its batch was committed. */
export type Applied = 'accepted' | 'duplicate' | RejectReason

export type FeatureView = {
  readonly name: string
  readonly kind: 'attribute' | 'feature'
  readonly type: string
  /** The value in words: a number, an amount, an enum value, `between 3 and 5`, or `unknown`. */
  readonly value: string
  readonly lo: number | null
  readonly hi: number | null
  readonly class: 'exact' | 'bounded' | 'unknown'
  /** Such as `30 days`; empty for attributes. */
  readonly window: string
}

export type CustomerView = {
  readonly customerId: string
  readonly partition: number
  readonly known: boolean
  /** When the customer was erased, Unix milliseconds; null: not so, or so long ago that it is forgotten. */
  readonly erasedAt: number | null
  readonly asOf: number
  readonly packHash: string
  readonly variables: readonly FeatureView[]
  readonly suppressions: readonly { readonly guardrail: string; readonly until: number }[]
  /** Guardrails that a role has opened for the customer, until when. */
  readonly overrides: readonly { readonly guardrail: string; readonly until: number }[]
  readonly contacts: readonly {
    readonly at: number
    readonly offer: string
    readonly channel: string
    readonly category: string
  }[]
  readonly bytes: number
}

/**
 * A customer's state as the store would keep it, copied between two batches for whoever goes on with it elsewhere. Changing the copy changes
 * nothing of the engine.
 */
export type CustomerCopy = {
  readonly customerId: string
  readonly partition: number
  /** Whether the store holds anything of the customer. */
  readonly known: boolean
  /** As in `CustomerView`; then the state is an empty one. */
  readonly erasedAt: number | null
  /** The partition's clock at the copy, Unix milliseconds. */
  readonly asOf: number
  /** A base of `base-codec.ts`. */
  readonly state: Uint8Array
}

export type PartitionStatus = {
  readonly partition: number
  /** `idle`: not owned by the node that tells. */
  readonly state: 'idle' | 'acquiring' | 'running' | 'doubt' | 'closed'
  /** Why it is closed, in doubt, not taken yet or let go of though nobody else is to have it, in a sentence; null otherwise. */
  readonly reason: string | null
  /** Address of the node that tells; empty when no node has it, or there is only one. */
  readonly addr: string
  readonly seq: number
  readonly next: number
  readonly end: number
  readonly published: number
  /** Decisions taken in again since the node started because the store had lost their commits. */
  readonly adopted: number
  /** Since the first start of the installation; as far as the node that tells knows. */
  readonly totals: Totals
}

export type Totals = {
  readonly accepted: number
  readonly duplicates: number
  readonly deadLettered: number
  readonly decisions: number
}

/** The totals of several partitions. */
export function sumTotals(parts: readonly Totals[]): Totals {
  const sum = (of: (totals: Totals) => number) => parts.reduce((total, part) => total + of(part), 0)
  return {
    accepted: sum((part) => part.accepted),
    duplicates: sum((part) => part.duplicates),
    deadLettered: sum((part) => part.deadLettered),
    decisions: sum((part) => part.decisions),
  }
}

export type Shards = {
  /** Joins the others and runs the partitions that fall to this process. `addr`: where it can be asked, empty: nowhere. */
  start(addr: string): Promise<void>
  decide(request: DecisionRequest): Promise<DecisionAnswer>
  /**
   * Resolves when the event at a position was committed; `null` when `deadlineAt` passed first.
   * The status is exact for events appended by this process, else `accepted`.
   */
  applied(position: Position, deadlineAt: number): Promise<Applied | null>
  customer(customerId: string): Promise<CustomerView>
  /** A copy of a customer's state. @throws ShardError as `customer` */
  copy(customerId: string): Promise<CustomerCopy>
  /**
   * Whether a message may be sent, from everything that was committed before the call.
   * @throws ShardError when that cannot be said now, which is no permit
   */
  permit(request: PermitRequest): Promise<Permit>
  partitions(): Promise<readonly PartitionStatus[]>
  /** Tries a closed partition again; returns its status. `skip_lost`: see `Partition.reopen`. */
  reopen(partition: number, lost: 'skip_lost' | 'keep_closed'): Promise<PartitionStatus>
  /** Of the partitions that this process runs. */
  totals(): Promise<Totals>
  /** Everything appended so far to the partitions of this process is committed and published when it resolves. */
  drained(): Promise<void>
  /** Finishes open batches, publishes, releases; gives up at the deadline. */
  stop(deadlineMs: number): Promise<void>
}

/** What other nodes may ask: answered for the partitions of this process alone, so that nothing is passed on twice. */
export type NodeShards = {
  /** null: the partition is not here. */
  decideHere(request: DecisionRequest): Promise<DecisionAnswer | null>
  /** See `Shards.applied`. @throws ShardError `not_owner` */
  appliedHere(position: Position, deadlineAt: number): Promise<Applied | null>
  /** @throws ShardError `not_owner` and as `Shards.customer` */
  customerHere(customerId: string): Promise<CustomerView>
  /** @throws ShardError `not_owner` and as `Shards.copy` */
  copyHere(customerId: string): Promise<CustomerCopy>
  /** @throws ShardError `not_owner` and as `Shards.permit` */
  permitHere(request: PermitRequest): Promise<Permit>
  /** The partitions that are, or are to be, this process's. */
  partitionsHere(): Promise<readonly PartitionStatus[]>
  /** @throws ShardError `not_owner` */
  reopenHere(partition: number, lost: 'skip_lost' | 'keep_closed'): Promise<PartitionStatus>
}
